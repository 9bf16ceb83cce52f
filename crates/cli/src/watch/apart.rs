//! Files that are written are apart from one another and from those that are read: two writers of one file leave none of both.

use crate::failure::Failure;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// An option, and the file that it names.
pub(crate) type Named<'a> = (&'static str, Option<&'a Path>);

/// What a name leads to.
#[derive(PartialEq, Eq)]
enum Place {
    /// A file that is there: device and inode.
    File(u64, u64),
    /// One that is to be made.
    New(PathBuf),
}

/// Refuses a file that is to be written by two options, or that another one reads; `command` is the one that has the options.
pub(crate) fn check(command: &str, written: &[Named<'_>], read: &[Named<'_>]) -> Result<(), Failure> {
    let mut before: Vec<(&str, Place)> = places(read).collect();
    for (option, place) in places(written) {
        if let Some((other, _)) = before.iter().find(|(_, known)| *known == place) {
            return Err(Failure::usage(format_args!(
                "{command} {option}: the same file as {other}; give them one each"
            )));
        }
        before.push((option, place));
    }
    Ok(())
}

fn places<'a>(named: &'a [Named<'a>]) -> impl Iterator<Item = (&'static str, Place)> + 'a {
    named.iter().filter_map(|(option, path)| Some((*option, place((*path)?)?)))
}

/// `None` for terminals, pipes and devices, which take what several write, and where that cannot be known.
fn place(path: &Path) -> Option<Place> {
    match fs::metadata(path) {
        Ok(there) => there.is_file().then(|| Place::File(there.dev(), there.ino())),
        Err(_) => {
            let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
            Some(Place::New(fs::canonicalize(above).ok()?.join(path.file_name()?)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_by_two_names_is_one_and_devices_are_for_all() {
        let dir = std::env::temp_dir().join(format!("kernscope-apart-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("a folder");
        let (there, link, new) = (dir.join("there"), dir.join("link"), dir.join("new"));
        fs::write(&there, "").expect("a file");
        std::os::unix::fs::symlink(&there, &link).expect("a link");
        let refused = |written: &[&Path], read: &Path| {
            let written: Vec<_> = written.iter().map(|path| ("--w", Some(*path))).collect();
            check("watch", &written, &[("--r", Some(read))]).err().map(|failure| failure.line().to_owned())
        };
        let none = Path::new("/nowhere/at/all");
        let null = Path::new("/dev/null");
        assert_eq!(refused(&[&there, &new, null, null, none, none], none), None);
        let said = "the same file as --w; give them one each";
        assert!(refused(&[&there, &link], none).is_some_and(|line| line.ends_with(said)));
        assert!(
            refused(&[&new, &dir.join("../").join(dir.file_name().expect("a name")).join("new")], none)
                .is_some()
        );
        assert!(refused(&[&new, &link], &there).is_some_and(|line| line.contains("the same file as --r")));
        fs::remove_dir_all(&dir).expect("removed");
    }
}

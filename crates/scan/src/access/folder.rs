//! A folder, and whether a path is below it.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A folder by the path that the kernel has for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
}

impl Folder {
    /// The folder that `path` names, links resolved.
    pub(super) fn find(path: &Path) -> Result<Self, String> {
        let failed = |why: &dyn std::fmt::Display| format!("watch {}: {why}; name a folder", path.display());
        let found = path.canonicalize().map_err(|error| failed(&error))?;
        match found.is_dir() {
            true => Ok(Self { path: found }),
            false => Err(failed(&"it is no folder")),
        }
    }

    /// What is left of `path` below the folder.
    pub(super) fn below<'a>(&self, path: &'a [u8]) -> Option<&'a [u8]> {
        let rest = path.strip_prefix(self.path.as_os_str().as_bytes())?;
        // The root alone ends with a slash.
        let rest = if self.path.as_os_str() == "/" { Some(rest) } else { rest.strip_prefix(b"/") };
        rest.filter(|rest| !rest.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_begins_alike_is_not_below() {
        let folder = Folder { path: "/a/b".into() };
        assert_eq!(folder.below(b"/a/b/c/d"), Some(&b"c/d"[..]));
        for path in [&b"/a/b"[..], b"/a/bc", b"/a/b/", b"/x/a/b/c"] {
            assert_eq!(folder.below(path), None, "{}", path.escape_ascii());
        }
        assert_eq!(Folder { path: "/".into() }.below(b"/a"), Some(&b"a"[..]));
    }

    #[test]
    fn what_is_no_folder_is_refused_in_one_line() {
        for (path, why) in [("/proc/self/exe", "it is no folder"), ("/nowhere", "No such file")] {
            let line = Folder::find(Path::new(path)).expect_err(path);
            assert!(line.starts_with(&format!("watch {path}: ")) && line.contains(why), "{line}");
        }
    }
}

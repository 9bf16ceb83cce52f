//! Programs that a command will most likely start: those that its arguments name, and the scripts among them.
//!
//! A program is looked at when it is executed, while it runs already. What can be known before is looked at before: the
//! words of `sh -c 'cd x && ./server'`, and those of a script. Words are all that is understood here, no shell's grammar: a word
//! that names no program costs a look at the folders of the search path, a program that no word names is looked at when it starts.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Most words that are looked up, and most programs that come of them.
const MAX_WORDS: usize = 4096;
const MAX_PROGRAMS: usize = 64;
/// Most scripts that are read, and most bytes of one.
const MAX_SCRIPTS: usize = 16;
const MAX_SCRIPT_BYTES: u64 = 64 << 10;
/// What stands between words, beside white space.
const BETWEEN: &[u8] = b";&|()<>{}`$'\"=,[]";

/// The programs that a command names, itself left out; `folders` is the search path.
pub(super) fn programs(argv: &[OsString], folders: &[PathBuf]) -> Vec<PathBuf> {
    let mut texts: VecDeque<Vec<u8>> = argv.iter().skip(1).map(|text| text.as_bytes().to_vec()).collect();
    texts.extend(argv.first().and_then(|name| find(name.as_bytes(), folders)).and_then(|path| script(&path)));
    let (mut seen, mut found) = (BTreeSet::new(), BTreeSet::new());
    let mut scripts = 0;
    while let Some(text) = texts.pop_front() {
        for word in words(&text) {
            if seen.len() >= MAX_WORDS || found.len() >= MAX_PROGRAMS {
                return found.into_iter().collect();
            }
            if !seen.insert(word.to_vec()) {
                continue;
            }
            let Some(path) = find(word, folders) else { continue };
            match script(&path) {
                Some(text) if scripts < MAX_SCRIPTS => {
                    scripts += 1;
                    texts.push_back(text);
                }
                Some(_) => {}
                None if is_program(&path) => {
                    found.insert(path);
                }
                None => {}
            }
        }
    }
    found.into_iter().collect()
}

fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| byte.is_ascii_whitespace() || BETWEEN.contains(byte)).filter(|word| !word.is_empty())
}

/// The file that a word names: a path, or a program on the search path.
fn find(word: &[u8], folders: &[PathBuf]) -> Option<PathBuf> {
    let name = Path::new(std::ffi::OsStr::from_bytes(word));
    if word.contains(&b'/') {
        return name.is_file().then(|| name.to_owned());
    }
    let on_path = folders.iter().map(|folder| folder.join(name)).find(|path| is_program(path));
    // An interpreter's script is named without its folder.
    on_path.or_else(|| name.is_file().then(|| name.to_owned()))
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// The text of a short file that has no zero bytes.
fn script(path: &Path) -> Option<Vec<u8>> {
    let is_short = fs::metadata(path).ok()?.len() <= MAX_SCRIPT_BYTES;
    let mut text = Vec::new();
    if is_short {
        File::open(path).ok()?.take(MAX_SCRIPT_BYTES).read_to_end(&mut text).ok()?;
    }
    (is_short && !text.contains(&0)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(argv: &[&str], folder: &Path) -> Vec<String> {
        let argv: Vec<OsString> = argv.iter().map(OsString::from).collect();
        let found = programs(&argv, &[folder.to_owned()]);
        found.iter().map(|path| path.file_name().expect("a name").to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn words_of_commands_and_of_scripts_name_programs() {
        let folder = std::env::temp_dir().join(format!("kernscope-named-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let write = |name: &str, text: &[u8], mode: u32| {
            let path = folder.join(name);
            fs::write(&path, text).expect("written");
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("its mode");
            path.to_str().expect("UTF-8").to_owned()
        };
        let one = write("one", b"\x7fELF\0", 0o755);
        write("two", b"\x7fELF\0", 0o755);
        write("data", b"\x7fELF\0", 0o644);
        let inner = write("inner.sh", b"#!/bin/sh\nexec two --flag\n", 0o755);
        let outer = write("outer.sh", format!("x=$({one} a); {inner} && data").as_bytes(), 0o644);
        assert_eq!(named(&["sh", "-c", &format!("cd / && '{one}' | true")], &folder), ["one"]);
        assert_eq!(named(&["sh", &outer], &folder), ["one", "two"]);
        assert_eq!(named(&[&inner], &folder), ["two"]);
        assert_eq!(named(&["one", "-x"], &folder), [""; 0], "the command itself is looked at as one");
        assert_eq!(named(&["timeout", "5", "two"], &folder), ["two"]);
        // A script that names itself ends, and so does one that names more than there is room for.
        let many: String = (0..2 * MAX_WORDS).map(|number| format!("{number} ")).collect();
        let itself =
            write("itself.sh", format!("{} {many}", folder.join("itself.sh").display()).as_bytes(), 0o755);
        assert_eq!(named(&["sh", &itself], &folder), [""; 0]);
        fs::remove_dir_all(&folder).expect("removed");
    }
}

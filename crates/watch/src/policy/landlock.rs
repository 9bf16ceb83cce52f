//! Policies by Landlock: for a command that is started here, without any privilege.
//!
//! Landlock knows only what is allowed, by directory with all below or by file; so what a policy denies is left out: directories
//! above it are opened up, and each thing in them is allowed by itself. What follows from that is told by [`Prepared::narrow`]: in
//! such a directory new names can be made or read by nobody. Names of files are not kept from being listed.

use super::paths::{Class, ListError, Places, Table};
use super::{Mode, Policy};
use kernscope_abi::paths::{self as table, GUARD};
use landlock::{
    AccessFs, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr,
};
use std::collections::BTreeMap;
use std::fs::FileType;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What it is called in records.
pub const NAME: &str = "landlock";
/// Most files and directories that are allowed by themselves.
const MAX_GRANTS: usize = 65_536;
/// A name that no file has, for what holds of any.
const ANY_NAME: &str = "\u{1}";

/// A ruleset, and what of a policy it makes fail.
#[derive(Debug)]
pub struct Prepared {
    /// To be put on the command before its exec; `None` where there is nothing to be made fail.
    pub ruleset: Option<OwnedFd>,
    /// By class, as [`Class::ALL`] orders them.
    pub files: [Result<&'static str, String>; 3],
    /// Directories in which new names cannot be used, though the policy would allow them.
    pub narrow: Vec<(Class, PathBuf)>,
}

impl Prepared {
    /// Makes what can be made of a policy's lists of paths.
    pub fn new(policy: &Policy, places: &Places) -> Self {
        let mut allowed = Allowed::default();
        let mut files = Class::ALL.map(|class| prepare(policy, class, places, &mut allowed));
        let handled = Class::ALL.iter().zip(&files).filter(|(_, done)| done.is_ok());
        let handled: BitFlags<AccessFs> =
            handled.fold(BitFlags::empty(), |all, (class, _)| all | rights(*class));
        let ruleset = match handled.is_empty() {
            true => Ok(None),
            false => ruleset(handled, &allowed.grants).map(Some),
        };
        let ruleset = ruleset.unwrap_or_else(|why| {
            for class in files.iter_mut().filter(|class| class.is_ok()) {
                *class = Err(why.clone());
            }
            None
        });
        Self { ruleset, files, narrow: allowed.narrow }
    }
}

/// What Landlock calls a class. Listing directories is not among it: who may not list the directories above what is denied
/// finds nothing.
fn rights(class: Class) -> BitFlags<AccessFs> {
    match class {
        Class::Read => AccessFs::ReadFile.into(),
        Class::Exec => AccessFs::Execute.into(),
        Class::Write => {
            AccessFs::WriteFile
                | AccessFs::Truncate
                | AccessFs::RemoveDir
                | AccessFs::RemoveFile
                | AccessFs::MakeChar
                | AccessFs::MakeDir
                | AccessFs::MakeReg
                | AccessFs::MakeSock
                | AccessFs::MakeFifo
                | AccessFs::MakeBlock
                | AccessFs::MakeSym
        }
    }
}

/// Rights that a file can have; the others are for directories.
fn rights_of_files() -> BitFlags<AccessFs> {
    AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::Truncate | AccessFs::Execute
}

#[derive(Default)]
struct Allowed {
    grants: BTreeMap<PathBuf, BitFlags<AccessFs>>,
    narrow: Vec<(Class, PathBuf)>,
}

/// Adds what a class allows.
fn prepare(
    policy: &Policy,
    class: Class,
    places: &Places,
    allowed: &mut Allowed,
) -> Result<&'static str, String> {
    if policy.mode_of(class) != Mode::Deny || !policy.restricts(class) {
        return Err("the policy does not deny it".to_owned());
    }
    let mut patterns = policy.lists(class).patterns().map(|(_, pattern)| pattern);
    if let Some(pattern) = patterns.find(|pattern| !is_anchored(pattern)) {
        return Err(format!(
            "{pattern:?} may be in any directory, and landlock takes directories that are there at the start"
        ));
    }
    let table = guarded(policy, class, places).map_err(|error| error.to_string())?;
    let cover = Cover { table, class, default_denied: policy.rule(class).default_denied };
    cover.of(Path::new("/"), allowed)?;
    if class == Class::Exec || class == Class::Read {
        // The kernel opens these for each program, and asks Landlock whether they may be executed and read.
        for loader in ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux.so.2", "/lib/ld-linux-aarch64.so.1"] {
            if let Ok(path) = std::fs::canonicalize(loader) {
                allowed.add(&path, rights(class))?;
            }
        }
    }
    Ok(NAME)
}

/// Whether a pattern begins at a directory that is known, and is not about processes that come and go.
fn is_anchored(pattern: &str) -> bool {
    let known = ["/", "~", "./", "{/", "{~"].iter().any(|start| pattern.starts_with(start)) || pattern == ".";
    let any = |part: &str| part == "**";
    let parts: Vec<&str> = pattern.split('/').collect();
    let above = parts.split_last().map_or(&[][..], |(_, above)| above);
    let moving = pattern.starts_with("/proc") && above.iter().any(|part| part.contains(['*', '?', '[', '{']));
    known && !moving && !above.iter().any(|part| any(part))
}

/// The lists of one class, with a guard on every directory above anything listed.
fn guarded(policy: &Policy, class: Class, places: &Places) -> Result<Table, ListError> {
    let mut builder = Table::builder(places.clone()).guarding_all();
    for (list, pattern) in policy.lists(class).patterns() {
        builder.add(class, list, pattern.as_bytes())?;
    }
    builder.build()
}

struct Cover {
    table: Table,
    class: Class,
    default_denied: bool,
}

impl Cover {
    fn denies(&self, path: &Path) -> bool {
        let bits = self.table.bits(path.as_os_str().as_bytes());
        table::denied(bits, self.class.number(), self.default_denied)
    }

    fn is_above_something(&self, path: &Path) -> bool {
        self.table.bits(path.as_os_str().as_bytes()) & GUARD != 0
    }

    /// Allows a directory, or what in it is allowed.
    fn of(&self, directory: &Path, allowed: &mut Allowed) -> Result<(), String> {
        let (itself, below) = (self.denies(directory), self.denies(&directory.join(ANY_NAME)));
        if !self.is_above_something(directory) && itself == below {
            return if itself { Ok(()) } else { allowed.add(directory, rights(self.class)) };
        }
        if !below {
            allowed.narrow.push((self.class, directory.to_owned()));
        }
        // What cannot be listed cannot be opened by this user either, or by nobody but who knows the name.
        let Ok(entries) = std::fs::read_dir(directory) else { return Ok(()) };
        for entry in entries.flatten() {
            let kind = entry.file_type();
            match kind {
                Ok(kind) if kind.is_dir() => self.of(&entry.path(), allowed)?,
                Ok(kind) if !is_link(kind) && !self.denies(&entry.path()) => {
                    allowed.add(&entry.path(), rights(self.class) & rights_of_files())?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// What a symbolic link points to is allowed or not by its own path.
fn is_link(kind: FileType) -> bool {
    kind.is_symlink()
}

impl Allowed {
    fn add(&mut self, path: &Path, rights: BitFlags<AccessFs>) -> Result<(), String> {
        *self.grants.entry(path.to_owned()).or_insert(BitFlags::empty()) |= rights;
        match self.grants.len() {
            ..=MAX_GRANTS => Ok(()),
            _ => Err(format!(
                "more than {MAX_GRANTS} files and directories would have to be allowed one by one"
            )),
        }
    }
}

fn ruleset(
    handled: BitFlags<AccessFs>,
    grants: &BTreeMap<PathBuf, BitFlags<AccessFs>>,
) -> Result<OwnedFd, String> {
    let failed = |error: landlock::RulesetError| error.to_string();
    // Without this one, names could not be moved from one directory to another at all.
    let created = Ruleset::default().handle_access(handled | AccessFs::Refer).map_err(failed)?;
    let mut created: RulesetCreated = created.create().map_err(failed)?;
    let root = PathFd::new("/").map_err(|error| error.to_string())?;
    created = created.add_rule(PathBeneath::new(root, AccessFs::Refer)).map_err(failed)?;
    for (path, rights) in grants {
        // It may be gone since it was listed, or not be this user's to open.
        let Ok(file) = PathFd::new(path) else { continue };
        created = created.add_rule(PathBeneath::new(file, *rights)).map_err(failed)?;
    }
    Option::<OwnedFd>::from(created)
        .ok_or_else(|| "the kernel has no Landlock, or it is not switched on".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_anywhere_is_not_for_landlock() {
        for pattern in ["*.pem", "id_rsa", "/a/**/b", "/proc/*/mem", "**"] {
            assert!(!is_anchored(pattern), "{pattern}");
        }
        for pattern in ["/etc/shadow", "~/.ssh/**", "./x", "/home/*/.ssh/**", "/a/*.pem", "/proc/kcore"] {
            assert!(is_anchored(pattern), "{pattern}");
        }
    }

    #[test]
    fn directories_above_what_is_denied_are_opened_up_and_no_others() {
        let base = std::env::temp_dir().join(format!("kernscope-landlock-{}", std::process::id()));
        let base = std::fs::canonicalize(base.parent().unwrap()).unwrap().join(base.file_name().unwrap());
        for directory in ["open/deep", "mixed/secret", "mixed/free"] {
            std::fs::create_dir_all(base.join(directory)).unwrap();
        }
        std::fs::write(base.join("mixed/file"), "").unwrap();
        std::os::unix::fs::symlink(base.join("mixed/secret"), base.join("mixed/link")).unwrap();
        let text = format!("mode = 'deny'\n[read]\ndeny = ['{}/mixed/secret/**']", base.display());
        let places = Places { home: "/".into(), cwd: "/".into() };
        let policy = Policy::parse(&text, Path::new("p"), &places).unwrap();
        let table = guarded(&policy, Class::Read, &places).unwrap();
        let mut allowed = Allowed::default();
        Cover { table, class: Class::Read, default_denied: false }.of(&base, &mut allowed).unwrap();
        std::fs::remove_dir_all(&base).unwrap();
        let names: Vec<_> = allowed.grants.keys().map(|path| path.strip_prefix(&base).unwrap()).collect();
        assert_eq!(names, [Path::new("mixed/file"), Path::new("mixed/free"), Path::new("open")]);
        assert_eq!(allowed.narrow, [(Class::Read, base.clone()), (Class::Read, base.join("mixed"))]);
    }
}

//! Digests of executed files, added to exec events by the host (`--hash`).
//!
//! The file is read after the exec: through `/proc/PID/exe`, which is the very file, while the process is still
//! there and runs it, else by its path. Either way it must have the inode (and device) that the event names; so a
//! digest may be missing, and is then counted, but is never that of another file.

use crate::raw::{Body, Builder, Event, path_from_walk};
use kernscope_abi as abi;
use kernscope_report::{Hook, State};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{File, Metadata, OpenOptions};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Larger files get no digest: nobody waits minutes for an exec record.
pub const MAX_BYTES: u64 = 1 << 30;
/// Digests that are remembered; when there are more, all are forgotten.
const REMEMBERED: usize = 4096;

/// A SHA-256.
pub type Sha = [u8; 32];

/// What tells that a file is still the one that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Version {
    dev: u64,
    ino: u64,
    size: u64,
    changed: (i64, i64),
}

/// Adds digests to exec events, and remembers those of unchanged files.
#[derive(Debug, Default)]
pub struct Digests {
    known: HashMap<Version, Sha>,
    added: u64,
    missed: u64,
}

impl Digests {
    /// The event as it came, or with the digest of the file that it executes.
    pub fn add<'a>(&mut self, event: &'a [u8]) -> Cow<'a, [u8]> {
        let Ok(decoded) = Event::decode(event) else { return Cow::Borrowed(event) };
        let Body::Exec(exec) = decoded.body else { return Cow::Borrowed(event) };
        match self.executed(&decoded, &exec) {
            Some(sha) => {
                self.added += 1;
                Cow::Owned(Builder::extend(event).section(abi::SEC_SHA256, 0, &sha).finish())
            }
            None => {
                self.missed += 1;
                Cow::Borrowed(event)
            }
        }
    }

    /// How it went, for the coverage statement.
    pub fn coverage(&self) -> Hook {
        let (state, why) = match (self.added, self.missed) {
            (0, 0) => (State::Idle, String::new()),
            (_, 0) => (State::Attached, String::new()),
            (added, missed) => (
                if added > 0 { State::Partial } else { State::Blind },
                format!("{missed} of {} executed files were gone or unreadable", added + missed),
            ),
        };
        Hook { name: "sha256".to_owned(), tier: "host".to_owned(), state, why }
    }

    fn executed(&mut self, event: &Event<'_>, exec: &abi::Exec) -> Option<Sha> {
        let running = format!("/proc/{}/exe", event.header.pid);
        self.digest(Path::new(&running), exec).or_else(|| {
            let path = event.sections.get(abi::SEC_PATH).filter(|path| path.flags == 0)?;
            self.digest(Path::new(OsStr::from_bytes(&path_from_walk(path.bytes))), exec)
        })
    }

    fn digest(&mut self, path: &Path, exec: &abi::Exec) -> Option<Sha> {
        let (file, meta) = open_regular(path)?;
        if !is_the_same(&meta, exec) {
            return None;
        }
        let version = Version {
            dev: meta.dev(),
            ino: meta.ino(),
            size: meta.size(),
            changed: (meta.ctime(), meta.ctime_nsec()),
        };
        if let Some(sha) = self.known.get(&version) {
            return Some(*sha);
        }
        let sha = read_digest(file, meta.size())?;
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        self.known.insert(version, sha);
        Some(sha)
    }
}

/// The SHA-256 of a regular file of at most [`MAX_BYTES`]; `None` when it cannot be read.
pub fn hash_file(path: &Path) -> Option<Sha> {
    let (file, meta) = open_regular(path)?;
    read_digest(file, meta.size())
}

fn open_regular(path: &Path) -> Option<(File, Metadata)> {
    // What stands there may be no regular file any more; opening a FIFO must not wait.
    let flags = nix::fcntl::OFlag::O_NONBLOCK | nix::fcntl::OFlag::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits()).open(path).ok()?;
    let meta = file.metadata().ok()?;
    meta.is_file().then_some((file, meta))
}

fn read_digest(file: File, size: u64) -> Option<Sha> {
    if size > MAX_BYTES {
        return None;
    }
    let mut sha = Sha256::new();
    let mut rest = file.take(MAX_BYTES);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match rest.read(&mut buffer) {
            Ok(0) => return Some(sha.finalize().into()),
            Ok(n) => sha.update(&buffer[..n]),
            Err(fault) if fault.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}

/// The device is compared where the kernel's number for it is the one that `stat` gives: on file systems with a
/// block device. Others (overlayfs, btrfs) may give one of their own.
fn is_the_same(meta: &Metadata, exec: &abi::Exec) -> bool {
    let (major, minor) = (exec.dev >> 20, exec.dev & 0xf_ffff);
    let dev = nix::sys::stat::makedev(u64::from(major), u64::from(minor));
    meta.ino() == exec.ino && (major == 0 || meta.dev() == dev)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::walk_from_path;

    /// Of the three bytes `abc` (FIPS 180-2, appendix B.1).
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn hex(sha: &[u8]) -> String {
        sha.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn exec_of(path: &Path, ino: u64, dev: u64) -> Vec<u8> {
        let kernel_dev = (nix::sys::stat::major(dev) << 20 | nix::sys::stat::minor(dev)) as u32;
        // No process has this id: beyond the kernel's limit of 2^22.
        let header = abi::Header { pid: u32::MAX, ..Default::default() };
        let body = Body::Exec(abi::Exec { ino, dev: kernel_dev, ..Default::default() });
        Builder::new(header, body)
            .section(abi::SEC_PATH, 0, &walk_from_path(path.as_os_str().as_bytes()))
            .finish()
    }

    #[test]
    fn the_digest_is_that_of_the_file_which_the_event_names() {
        let path = std::env::temp_dir().join(format!("kernscope-digest-{}", std::process::id()));
        std::fs::write(&path, "abc").expect("write");
        let meta = std::fs::metadata(&path).expect("stat");
        let mut digests = Digests::default();

        let event = exec_of(&path, meta.ino(), meta.dev());
        let with = digests.add(&event).into_owned();
        let sha = Event::decode(&with).expect("an event").sections.get(abi::SEC_SHA256).expect("a digest");
        assert_eq!(hex(sha.bytes), ABC);
        assert_eq!(hash_file(&path).as_ref().map(|sha| hex(sha)).as_deref(), Some(ABC));

        let other = exec_of(&path, meta.ino() + 1, meta.dev());
        assert_eq!(digests.add(&other), other);
        assert_eq!(digests.coverage().state, State::Partial);

        std::fs::write(&path, "abcd").expect("write");
        let changed = digests.add(&event).into_owned();
        let sha = Event::decode(&changed).expect("an event").sections.get(abi::SEC_SHA256).expect("a digest");
        assert_ne!(hex(sha.bytes), ABC);
        std::fs::remove_file(&path).expect("remove");
        assert_eq!(digests.add(&event), event);
    }

    #[test]
    fn what_is_no_regular_file_has_no_digest() {
        assert_eq!(hash_file(Path::new("/dev/zero")), None);
        assert_eq!(hash_file(Path::new("/proc")), None);
    }
}

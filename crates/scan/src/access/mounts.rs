//! Which path a file has in its file system, whatever mount it was reached through.
//!
//! The kernel names a file by the mount it was used through: a container that has a folder as `/data` uses `/data/file`.
//! The table of mounts of the process that used it says what of the file system `/data` shows. Source: `proc(5)`,
//! `/proc/pid/mountinfo` and `/proc/pid/fdinfo`.

use kernscope_kit::procfs::unescaped;
use std::collections::HashMap;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::path::Path;

/// Mounts of which it is remembered who has them.
const HOLDERS_MOST: usize = 4096;

/// A line of the table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mount {
    id: u64,
    /// What of the file system it shows.
    root: Vec<u8>,
    /// Where.
    pub(super) point: Vec<u8>,
}

impl Mount {
    fn parse(line: &[u8]) -> Option<Self> {
        let mut fields = line.split(|byte| *byte == b' ');
        let id = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
        Some(Self { id, root: unescaped(fields.nth(2)?), point: unescaped(fields.next()?) })
    }

    /// The path in the file system of what is `path` through this mount.
    fn inner(&self, path: &[u8]) -> Option<Vec<u8>> {
        let rest = path.strip_prefix(self.point.strip_suffix(b"/").unwrap_or(&self.point))?;
        let root = self.root.strip_suffix(b"/").unwrap_or(&self.root);
        (rest.is_empty() || rest.starts_with(b"/")).then(|| [root, rest].concat())
    }
}

/// The mounts that a process has; none where it is gone.
pub(super) fn table(process: &str) -> Vec<Mount> {
    let table = std::fs::read(Path::new("/proc").join(process).join("mountinfo")).unwrap_or_default();
    table.split(|byte| *byte == b'\n').filter_map(Mount::parse).collect()
}

/// The number of the mount that a descriptor was opened through.
pub(super) fn id_of(fd: BorrowedFd<'_>) -> io::Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_raw_fd()))?;
    let number = text.lines().find_map(|line| line.strip_prefix("mnt_id:")?.trim().parse().ok());
    number.ok_or_else(|| io::Error::other("the kernel does not say which mount it is on"))
}

/// The path in the file system of what is `path` through this mount; `None` where nobody knows the mount.
pub(super) fn inner(pid: i32, id: u64, path: &[u8]) -> Option<Vec<u8>> {
    let find = |process: &str| table(process).into_iter().find(|mount| mount.id == id)?.inner(path);
    find(&pid.to_string()).or_else(|| find("self"))
}

/// Processes that are known to have a mount, for when the one that used a file is gone.
#[derive(Debug, Default)]
pub(super) struct Holders(HashMap<u64, i32>);

impl Holders {
    /// The same, by whatever process still has the mount.
    pub(super) fn inner(&mut self, pid: i32, id: u64, path: &[u8]) -> Option<Vec<u8>> {
        let known = self.0.get(&id).copied();
        if let Some(found) = inner(pid, id, path).or_else(|| inner(known?, id, path)) {
            return Some(found);
        }
        let has = |pid: &i32| table(&pid.to_string()).iter().any(|mount| mount.id == id);
        let holder = processes().find(has)?;
        if self.0.len() >= HOLDERS_MOST {
            self.0.clear();
        }
        self.0.insert(id, holder);
        inner(holder, id, path)
    }
}

/// Those that are there now.
fn processes() -> impl Iterator<Item = i32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_table_are_read_as_they_are_written() {
        let line = br"36 35 98:0 /mnt1 /mnt\0402 rw,noatime master:1 - ext3 /dev/root rw,errors=continue";
        let mount = Mount { id: 36, root: b"/mnt1".to_vec(), point: b"/mnt 2".to_vec() };
        assert_eq!(Mount::parse(line), Some(mount));
        assert_eq!(Mount::parse(b"36 35 98:0 /mnt1"), None);
    }

    #[test]
    fn a_mount_shows_a_part_of_its_file_system() {
        let mount = |root: &str, point: &str| Mount { id: 1, root: root.into(), point: point.into() };
        let inner = |root, point, path: &str| mount(root, point).inner(path.as_bytes());
        assert_eq!(inner("/", "/", "/a/b").as_deref(), Some(&b"/a/b"[..]));
        assert_eq!(inner("/srv/x", "/data", "/data/f").as_deref(), Some(&b"/srv/x/f"[..]));
        assert_eq!(inner("/srv/x", "/data", "/data").as_deref(), Some(&b"/srv/x"[..]));
        assert_eq!(inner("/", "/data", "/data/f").as_deref(), Some(&b"/f"[..]));
        assert_eq!(inner("/srv", "/", "/f").as_deref(), Some(&b"/srv/f"[..]));
        assert_eq!(inner("/srv", "/data", "/database"), None);
    }

    #[test]
    fn every_descriptor_is_on_a_mount_of_the_table() {
        use std::os::fd::AsFd;
        let file = std::fs::File::open("/proc/self/status").expect("open");
        let id = id_of(file.as_fd()).expect("it is told");
        let own = i32::try_from(std::process::id()).expect("a process id");
        let path = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).expect("a path");
        let found = inner(own, id, path.as_os_str().as_encoded_bytes()).expect("it is there");
        assert_eq!(found, format!("/{own}/status").into_bytes());
    }
}

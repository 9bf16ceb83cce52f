//! Where a stopped task's paths lead: its root, its working directory, its descriptors.

use super::Ptrace;
use super::memory::Text;
use super::tasks::Part;
use crate::proc_snapshot::{self, Link};
use crate::raw::walk_from_path;
use crate::resolve::{Call, View, resolve};
use kernscope_abi as abi;
use nix::libc;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Our own place, to compare with.
#[derive(Debug)]
pub(super) struct Host {
    mounts: Option<PathBuf>,
}

impl Host {
    /// Reads it.
    pub(super) fn read() -> Self {
        Self { mounts: std::fs::read_link("/proc/self/ns/mnt").ok() }
    }
}

/// Which sections one path of a call fills.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tags {
    raw: u8,
    base: u8,
    resolved: u8,
}

/// The first path of a call.
pub(super) const FIRST: Tags = Tags { raw: abi::SEC_RAW, base: abi::SEC_BASE, resolved: abi::SEC_RESOLVED };
/// The second.
pub(super) const SECOND: Tags =
    Tags { raw: abi::SEC_RAW2, base: abi::SEC_BASE2, resolved: abi::SEC_RESOLVED2 };

/// One path as a program passed it.
#[derive(Debug)]
pub(super) struct Passed {
    /// The directory descriptor, or `AT_FDCWD`.
    pub dirfd: i32,
    /// The string.
    pub raw: Text,
    /// The last component is followed.
    pub follow: bool,
}

/// What a path was found to mean.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The sections that say so.
    pub parts: Vec<Part>,
    /// Where the host finds the object; `None` when that is not known.
    pub host: Option<PathBuf>,
}

impl Found {
    /// The object, a link itself and not what it leads to.
    pub(super) fn object(&self) -> Option<Metadata> {
        std::fs::symlink_metadata(self.host.as_ref()?).ok()
    }
}

impl Ptrace {
    /// Follows a path as the kernel will, or has, for this task.
    pub(super) fn find(&mut self, tid: i32, passed: &Passed, tags: Tags) -> Found {
        let raw = &passed.raw;
        let mut parts = vec![Part { tag: tags.raw, flags: raw.flags, bytes: raw.bytes.clone() }];
        let view = self.view(tid);
        if !view.root().is_empty() && tags.raw == abi::SEC_RAW {
            parts.push(Part { tag: abi::SEC_ROOT, flags: 0, bytes: walk_from_path(view.root()) });
        }
        let absolute = raw.bytes.first() == Some(&b'/');
        let base = if absolute { None } else { directory(tid, passed.dirfd) };
        if let Some(base) = &base {
            parts.push(walk_part(tags.base, base));
        }
        let base_path = base.as_ref().filter(|base| base.path.starts_with(b"/")).map(|base| &base.path[..]);
        if raw.flags != 0 || !(absolute || base_path.is_some()) {
            return Found { parts, host: None };
        }
        let (pid, own_tid) = self.own_ids(tid);
        let call = Call {
            base: base_path.unwrap_or(b"/"),
            raw: &raw.bytes,
            follow_last: passed.follow,
            pid,
            tid: own_tid,
        };
        let resolved = resolve(&view, &call);
        let host = PathBuf::from(OsStr::from_bytes(&view.host_path(&resolved.path)));
        parts.push(Part { tag: tags.resolved, flags: resolved.flags, bytes: resolved.path });
        Found { parts, host: Some(host) }
    }

    /// How the host sees the files of a task.
    fn view(&mut self, tid: i32) -> View {
        let Some(pid) = self.threads.get(&tid).map(|thread| thread.pid) else { return View::host() };
        let known = self.processes.get(&pid).and_then(|process| process.view.clone());
        known.unwrap_or_else(|| {
            let view = self.look_at_root(tid);
            if let Some(process) = self.processes.get_mut(&pid) {
                process.view = Some(view.clone());
            }
            view
        })
    }

    fn look_at_root(&self, tid: i32) -> View {
        let mounts = std::fs::read_link(format!("/proc/{tid}/ns/mnt")).ok();
        let root = std::fs::read_link(format!("/proc/{tid}/root")).ok();
        let root = root.as_deref().map_or(&b"/"[..], |root| root.as_os_str().as_bytes());
        if mounts != self.host.mounts {
            return View::of_process(tid.unsigned_abs(), root);
        }
        if root == b"/" { View::host() } else { View::chroot(root) }
    }

    /// Its mounts or root have changed.
    pub(super) fn forget_view(&mut self, tid: i32) {
        let pid = self.threads.get(&tid).map(|thread| thread.pid);
        if let Some(process) = pid.and_then(|pid| self.processes.get_mut(&pid)) {
            process.view = None;
        }
    }

    /// What `/proc/self` and `/proc/thread-self` mean to a task.
    fn own_ids(&self, tid: i32) -> (u32, u32) {
        let Some(thread) = self.threads.get(&tid) else { return (tid.unsigned_abs(), tid.unsigned_abs()) };
        match self.processes.get(&thread.pid).map(|process| process.own_pid) {
            // In a pid namespace of its own a thread's number there is not asked for: only its process counts.
            Some(own) if own != 0 && own != thread.pid => (own, own),
            _ => (thread.pid, tid.unsigned_abs()),
        }
    }
}

/// The directory that a relative path of a task starts from.
pub(super) fn directory(tid: i32, dirfd: i32) -> Option<Link> {
    if dirfd == libc::AT_FDCWD {
        return proc_snapshot::link(&format!("/proc/{tid}/cwd"));
    }
    descriptor(tid, dirfd)
}

/// What a descriptor of a task refers to; `None` when it is not open.
pub(super) fn descriptor(tid: i32, fd: i32) -> Option<Link> {
    proc_snapshot::link(&format!("/proc/{tid}/fd/{fd}"))
}

/// An object that is known by its link in `/proc`, as the walk of its dentries.
pub(super) fn walk_part(tag: u8, link: &Link) -> Part {
    if link.path.is_empty() {
        return Part { tag, flags: abi::SECF_TRUNCATED, bytes: Vec::new() };
    }
    let memfd = link.deleted && link.path.starts_with(b"/memfd:");
    if !memfd && link.path.starts_with(b"/") {
        let flags = if link.deleted { abi::SECF_DELETED } else { 0 };
        return Part { tag, flags, bytes: walk_from_path(&link.path) };
    }
    // Not in any tree: one name.
    let mut bytes = link.path.strip_prefix(b"/").unwrap_or(&link.path).to_vec();
    bytes.push(0);
    Part { tag, flags: abi::SECF_DISCONNECTED, bytes }
}

/// Device (as the kernel packs it) and inode.
pub(super) fn identity(meta: &Metadata) -> (u32, u64) {
    (proc_snapshot::kernel_dev(meta.dev()), meta.ino())
}

/// The first bytes of a file.
pub(super) fn head(path: &Path, len: usize) -> Option<Vec<u8>> {
    use std::io::Read as _;
    // A device or a pipe would answer with more than bytes.
    if !std::fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::with_capacity(len);
    let len = u64::try_from(len).unwrap_or(u64::MAX);
    std::fs::File::open(path).ok()?.take(len).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_outside_any_tree_are_one_name() {
        let part = |path: &[u8], deleted| {
            walk_part(abi::SEC_PATH, &Link { path: path.to_vec(), deleted, ..Link::default() })
        };
        let pipe = part(b"pipe:[7]", false);
        assert_eq!((pipe.bytes.as_slice(), pipe.flags), (&b"pipe:[7]\0"[..], abi::SECF_DISCONNECTED));
        let memfd = part(b"/memfd:x", true);
        assert_eq!((memfd.bytes.as_slice(), memfd.flags), (&b"memfd:x\0"[..], abi::SECF_DISCONNECTED));
        let file = part(b"/tmp/f", true);
        assert_eq!((file.bytes.as_slice(), file.flags), (&b"f\0tmp\0"[..], abi::SECF_DELETED));
        assert_eq!(part(b"/memfd:x", false).flags, 0);
    }
}

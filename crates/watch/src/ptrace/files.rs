//! Files are opened, duplicated, mapped and closed.

use super::Ptrace;
use super::calls::{Abi, Call};
use super::memory::{self, Text};
use super::places::{self, FIRST, Passed};
use super::stops::{fd, low};
use super::tasks::{Before, Known, Part};
use crate::proc_snapshot::Link;
use crate::raw::Body;
use kernscope_abi as abi;
use nix::libc;
use std::os::unix::ffi::OsStrExt;

/// `CLOSE_RANGE_CLOEXEC` (linux/close_range.h): nothing is closed yet.
const RANGE_CLOEXEC: u32 = 4;

/// The kind of event that the end of a call gives.
pub(super) fn kind_of(call: Call) -> Option<u16> {
    Some(match call {
        Call::Open | Call::Openat | Call::Openat2 | Call::Creat | Call::OpenByHandle => abi::KIND_OPEN,
        Call::Mmap | Call::MmapPages | Call::MmapOld => abi::KIND_MMAP,
        Call::Connect
        | Call::Bind
        | Call::Listen
        | Call::Accept
        | Call::Sendto
        | Call::Sendmsg
        | Call::Sendmmsg => abi::KIND_NET,
        _ => return None,
    })
}

/// What an open asked for.
struct Asked {
    dirfd: i32,
    path: Option<u64>,
    flags: u32,
    mode: u32,
}

impl Asked {
    fn read(tid: i32, call: Call, args: &[u64; 6]) -> Self {
        let here = libc::AT_FDCWD;
        match call {
            Call::Open => Self { dirfd: here, path: Some(args[0]), flags: low(args[1]), mode: low(args[2]) },
            Call::Creat => {
                let flags = libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC;
                Self { dirfd: here, path: Some(args[0]), flags: flags.cast_unsigned(), mode: low(args[1]) }
            }
            Call::Openat2 => {
                let [flags, mode] = memory::words::<2>(tid, args[2], 8).unwrap_or_default();
                Self { dirfd: fd(args[0]), path: Some(args[1]), flags: low(flags), mode: low(mode) }
            }
            Call::OpenByHandle => Self { dirfd: fd(args[0]), path: None, flags: low(args[2]), mode: 0 },
            _ => Self { dirfd: fd(args[0]), path: Some(args[1]), flags: low(args[2]), mode: low(args[3]) },
        }
    }

    fn creates(&self) -> bool {
        self.flags & (libc::O_CREAT | libc::O_TMPFILE).cast_unsigned() != 0
    }

    fn follows(&self) -> bool {
        let exclusive = (libc::O_CREAT | libc::O_EXCL).cast_unsigned();
        self.flags & libc::O_NOFOLLOW.cast_unsigned() == 0 && self.flags & exclusive != exclusive
    }
}

impl Ptrace {
    /// An open has come to its end.
    pub(super) fn opened(&mut self, tid: i32, call: Call, abi: Abi, args: &[u64; 6], ret: i32) {
        let asked = Asked::read(tid, call, args);
        let raw = asked.path.map(|addr| memory::string(tid, addr));
        let mut body = abi::Open {
            ret,
            dirfd: asked.dirfd,
            flags: asked.flags,
            mode: if asked.creates() { asked.mode } else { 0 },
            ..Default::default()
        };
        let mut parts = Vec::new();
        let link = if ret >= 0 { places::descriptor(tid, ret) } else { None };
        match (link, raw) {
            (Some(link), raw) => {
                let mut walk = places::walk_part(abi::SEC_PATH, &link);
                if let Some(raw) = raw.as_ref().filter(|_| link.path.is_empty()) {
                    walk.bytes = last_name(&raw.bytes);
                }
                parts.push(walk);
                parts.extend(raw.map(raw_part));
                body.file = self.own(tid, ret, link);
            }
            (None, Some(raw)) => {
                let passed = Passed { dirfd: asked.dirfd, raw, follow: asked.follows() };
                parts = self.find(tid, &passed, FIRST).parts;
            }
            (None, None) => {}
        }
        let header = self.header_of(tid, abi);
        self.tell(header, Body::Open(body), &parts);
    }

    /// A file was mapped.
    pub(super) fn mapped(&mut self, tid: i32, call: Call, abi: Abi, args: &[u64; 6], ret: i64) {
        let args = match call {
            Call::MmapOld => memory::words::<6>(tid, args[0], 4).unwrap_or_default(),
            _ => *args,
        };
        let offset = if call == Call::MmapPages { args[5] * 4096 } else { args[5] };
        let fd = fd(args[4]);
        if low(args[3]) & libc::MAP_ANONYMOUS.cast_unsigned() != 0 {
            return;
        }
        let link = places::descriptor(tid, fd);
        let parts: Vec<Part> = link.iter().map(|link| places::walk_part(abi::SEC_PATH, link)).collect();
        let file = link.map(|link| self.file_id(tid, fd, &link)).unwrap_or_default();
        let body = abi::Mmap { file, ret, len: args[1], offset, prot: low(args[2]), flags: low(args[3]) };
        let header = self.header_of(tid, abi);
        self.tell(header, Body::Mmap(body), &parts);
    }

    /// A descriptor is about to be closed. No need to wait for the result: an open one goes away in any case.
    pub(super) fn close(&mut self, tid: i32, fd: i32, abi: Abi) {
        if let Some(link) = self.known(tid, fd).or_else(|| places::descriptor(tid, fd)) {
            self.gone(tid, fd, &link, abi::CLOSE_CALL, abi);
        }
    }

    /// A file that the process opened itself and that still has its name: spares a look at the object, which is
    /// worth it since most closes are of such files.
    fn known(&self, tid: i32, fd: i32) -> Option<Link> {
        let process = self.processes.get(&self.threads.get(&tid)?.pid)?;
        let link = &process.files.get(&fd)?.link;
        let name = std::fs::read_link(format!("/proc/{tid}/fd/{fd}")).ok()?;
        (!link.deleted && name.as_os_str().as_bytes() == link.path).then(|| link.clone())
    }

    pub(super) fn close_range(&mut self, tid: i32, args: &[u64; 6], abi: Abi) {
        if low(args[2]) & RANGE_CLOEXEC != 0 {
            return;
        }
        let within = |fd: i32| (low(args[0])..=low(args[1])).contains(&fd.unsigned_abs());
        for open in crate::proc_snapshot::open_files(tid.unsigned_abs()) {
            if within(open.fd) {
                self.gone(tid, open.fd, &open.file, abi::CLOSE_CALL, abi);
            }
        }
    }

    /// What `dup2` is about to replace.
    pub(super) fn replaces(&self, tid: i32, old: i32, new: i32) -> Before {
        match places::descriptor(tid, new).filter(|_| old != new) {
            Some(link) => Before::Replaces(new, Box::new(link)),
            None => Before::Nothing,
        }
    }

    /// A descriptor has become two.
    pub(super) fn duplicated(&mut self, tid: i32, old: i32, new: i32) {
        let Some(pid) = self.threads.get(&tid).map(|thread| thread.pid) else { return };
        let Some(process) = self.processes.get_mut(&pid) else { return };
        if new >= 0
            && let Some(known) = process.files.get(&old).cloned()
        {
            process.files.insert(new, known);
        }
    }

    /// Tells that a descriptor goes away.
    pub(super) fn gone(&mut self, tid: i32, fd: i32, link: &Link, cause: u32, abi: Abi) {
        let file = self.file_id(tid, fd, link);
        if let Some(files) = self.files(tid) {
            files.remove(&fd);
        }
        let header = self.header_of(tid, abi);
        if link.st_mode & libc::S_IFMT == libc::S_IFSOCK {
            return self.socket_gone(tid, header, fd, file, cause);
        }
        let body = abi::Close { file, fd, cause, ..Default::default() };
        let part = places::walk_part(abi::SEC_PATH, link);
        self.tell(header, Body::Close(body), &[part]);
    }

    /// Tells of the descriptors that the end of a process closes: those that it opened itself. With `there` they are
    /// looked at once more, since their files may have other names now.
    pub(super) fn close_all(&mut self, tid: i32, there: bool) {
        let Some(pid) = self.threads.get(&tid).map(|thread| thread.pid) else { return };
        let Some(process) = self.processes.get_mut(&pid) else { return };
        process.closes_told = true;
        let mut open: Vec<(i32, Link)> =
            process.files.iter().map(|(&fd, known)| (fd, known.link.clone())).collect();
        open.sort_by_key(|&(fd, _)| fd);
        for (fd, known) in open {
            let link = if there { places::descriptor(tid, fd) } else { Some(known) };
            if let Some(link) = link {
                self.gone(tid, fd, &link, abi::CLOSE_EXIT, Abi::Native);
            }
        }
    }

    /// Files and sockets that an attached process has open count as opened by itself: who opened them is not known.
    pub(super) fn own_open_files(&mut self, tid: i32) {
        for open in crate::proc_snapshot::open_files(tid.unsigned_abs()) {
            let kind = open.file.st_mode & libc::S_IFMT;
            if open.fd > libc::STDERR_FILENO && matches!(kind, libc::S_IFREG | libc::S_IFSOCK) {
                self.own(tid, open.fd, open.file);
            }
        }
    }

    /// Takes note that a process has opened a file (or socket) itself.
    pub(super) fn own(&mut self, tid: i32, fd: i32, link: Link) -> abi::FileId {
        self.next_file += 1;
        let id = self.next_file;
        let file = abi::FileId { id, ino: link.ino, dev: link.dev, st_mode: link.st_mode };
        if let Some(files) = self.files(tid) {
            files.insert(fd, Known { id, link });
        }
        file
    }

    /// The identity of an open file: the number it got when it was opened, else one made from its inode.
    pub(super) fn file_id(&self, tid: i32, fd: i32, link: &Link) -> abi::FileId {
        let process = self.threads.get(&tid).and_then(|thread| self.processes.get(&thread.pid));
        let known = process.and_then(|process| process.files.get(&fd));
        let same = |known: &&Known| (known.link.dev, known.link.ino) == (link.dev, link.ino);
        let id = known.filter(same).map_or_else(|| inherited_id(link), |known| known.id);
        abi::FileId { id, ino: link.ino, dev: link.dev, st_mode: link.st_mode }
    }

    fn files(&mut self, tid: i32) -> Option<&mut std::collections::HashMap<i32, Known>> {
        let pid = self.threads.get(&tid)?.pid;
        Some(&mut self.processes.get_mut(&pid)?.files)
    }
}

/// Numbers of files that were open before have the highest bit set; those given out here never get that far.
fn inherited_id(link: &Link) -> u64 {
    (link.ino ^ u64::from(link.dev).rotate_left(40)) | 1 << 63
}

/// What is known of a path that is too long: how it ends.
fn last_name(raw: &[u8]) -> Vec<u8> {
    let name = raw.rsplit(|&b| b == b'/').find(|name| !name.is_empty()).unwrap_or_default();
    if name == b"." || name == b".." { Vec::new() } else { crate::raw::walk_from_path(name) }
}

fn raw_part(raw: Text) -> Part {
    Part { tag: abi::SEC_RAW, flags: raw.flags, bytes: raw.bytes }
}

//! Processes as `/proc` shows them: for lineage older than the run, and for trees that run already.
//!
//! Every look is a race: a process may vanish, or its id be taken by another, between two reads. So each process
//! is read whole or not at all, and named by pid *and* start. What is missing for want of permission is `None`.
//!
//! The start is `/proc/PID/stat` field 22, which the kernel gives in clock ticks: it is the exact start
//! (`task_struct::start_boottime`, nanoseconds since boot) rounded *down* to a tick, 10 ms on most machines.
//! [`same_start`] compares such a start with an exact one.

use crate::raw::{Body, Builder};
use kernscope_abi as abi;
use kernscope_kit::procfs;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::sync::OnceLock;

/// One process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// Its parent's process id now.
    pub ppid: u32,
    /// Start, nanoseconds since boot, rounded down to a clock tick.
    pub start_ns: u64,
    /// Real user id.
    pub uid: u32,
    /// Name of the leader, NUL-padded.
    pub comm: [u8; abi::COMM_LEN],
    /// The binary; `None` for kernel threads and where permission lacks.
    pub exe: Option<Link>,
    /// Arguments, each followed by NUL; empty for kernel threads and zombies.
    pub argv: Vec<u8>,
    /// Working directory.
    pub cwd: Option<Link>,
    /// Thread ids, the leader's among them.
    pub tids: Vec<u32>,
}

/// Where a link under `/proc` leads: a name and the object itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// The name, without the kernel's ` (deleted)`; empty when it is longer than `PATH_MAX`.
    pub path: Vec<u8>,
    /// The object had that name once and has none now.
    pub deleted: bool,
    /// Kernel device number (`MKDEV`: major << 20 | minor).
    pub dev: u32,
    /// Inode.
    pub ino: u64,
    /// `st_mode`, type bits included.
    pub st_mode: u32,
}

impl Link {
    /// The flags of a section that holds this path.
    pub fn flags(&self) -> u8 {
        if self.path.is_empty() {
            return abi::SECF_UNRESOLVED;
        }
        let deleted = if self.deleted { abi::SECF_DELETED } else { 0 };
        let disconnected = if self.path.starts_with(b"/") { 0 } else { abi::SECF_DISCONNECTED };
        deleted | disconnected
    }
}

/// An open descriptor of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenFile {
    /// The descriptor.
    pub fd: i32,
    /// What it refers to; the name is of the form `pipe:[1234]` for what has no path.
    pub file: Link,
}

/// What `/proc/PID/stat` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    /// Name, NUL-padded.
    pub comm: [u8; abi::COMM_LEN],
    /// One letter: `R`, `S`, `Z`, ...
    pub state: u8,
    /// Parent's process id.
    pub ppid: u32,
    /// Start, nanoseconds since boot, rounded down to a clock tick.
    pub start_ns: u64,
}

/// Reads one process; `None` when it has gone.
pub fn process(pid: u32) -> Option<Process> {
    let before = stat(pid)?;
    let found = Process {
        pid,
        ppid: before.ppid,
        start_ns: before.start_ns,
        uid: uid(pid)?,
        comm: before.comm,
        exe: link(&format!("/proc/{pid}/exe")),
        argv: fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default(),
        cwd: link(&format!("/proc/{pid}/cwd")),
        tids: threads(pid),
    };
    // The same process at the end as at the beginning: all that was read between is its own.
    (stat(pid)?.start_ns == before.start_ns).then_some(found)
}

/// All processes that can be seen, by process id.
pub fn all() -> Vec<Process> {
    pids().into_iter().filter_map(process).collect()
}

/// The parents of `pid`, nearest first, up to the root of the pid namespace.
pub fn ancestors(pid: u32) -> Vec<Process> {
    let mut chain: Vec<Process> = Vec::new();
    let mut next = stat(pid).map_or(0, |stat| stat.ppid);
    // A chain that is read while it changes could go round; no process stands in it twice.
    while next != 0 && chain.iter().all(|seen| seen.pid != next) {
        let Some(parent) = process(next) else { break };
        next = parent.ppid;
        chain.push(parent);
    }
    chain
}

/// The processes below `pid`, parents before children, without `pid` itself.
///
/// Looks until two looks find the same, so that a child born meanwhile is there. A tree that keeps forking is
/// given up on after 16 looks; what it had by then is returned.
pub fn descendants(pid: u32) -> Vec<Process> {
    const LOOKS: usize = 16;
    let mut last = descendant_pids(pid);
    for _ in 0..LOOKS {
        let again = descendant_pids(pid);
        if again == last {
            break;
        }
        last = again;
    }
    last.into_iter().filter_map(process).collect()
}

/// The open descriptors of a process, lowest first; empty when it has gone or permission lacks.
pub fn open_files(pid: u32) -> Vec<OpenFile> {
    let mut files: Vec<OpenFile> = numbers(&format!("/proc/{pid}/fd"))
        .into_iter()
        .filter_map(|fd| {
            let file = link(&format!("/proc/{pid}/fd/{fd}"))?;
            Some(OpenFile { fd: i32::try_from(fd).ok()?, file })
        })
        .collect();
    files.sort_by_key(|open| open.fd);
    files
}

/// Thread ids of a process; empty when it has gone.
pub fn threads(pid: u32) -> Vec<u32> {
    numbers(&format!("/proc/{pid}/task"))
}

/// The raw [`abi::KIND_SNAPSHOT`] event for a process; `watched` is false for an ancestor.
pub fn event(process: &Process, ts_ns: u64, watched: bool) -> Vec<u8> {
    let header = abi::Header {
        flags: abi::FLAG_SYNTHETIC,
        ts_ns,
        start_ns: process.start_ns,
        pid: process.pid,
        tid: process.pid,
        ppid: process.ppid,
        uid: process.uid,
        comm: process.comm,
        ..Default::default()
    };
    let exe = process.exe.as_ref();
    let body = abi::Snapshot {
        dev: exe.map_or(0, |link| link.dev),
        watched: u32::from(watched),
        ino: exe.map_or(0, |link| link.ino),
    };
    let mut builder = Builder::new(header, Body::Snapshot(body));
    if let Some(link) = exe {
        builder = builder.section(abi::SEC_RESOLVED, link.flags(), &link.path);
    }
    if let Some(link) = &process.cwd {
        builder = builder.section(abi::SEC_RESOLVED2, link.flags(), &link.path);
    }
    builder.section(abi::SEC_STRINGS, 0, &process.argv).finish()
}

/// Whether a start read here and an exact one are of the same process.
pub fn same_start(from_proc_ns: u64, exact_ns: u64) -> bool {
    from_proc_ns / tick_ns() == exact_ns / tick_ns()
}

/// What `/proc/PID/stat` says; `None` when the process has gone.
pub fn stat(pid: u32) -> Option<Stat> {
    let stat = procfs::Stat::of(pid)?;
    let mut comm = [0; abi::COMM_LEN];
    let len = stat.name.len().min(abi::COMM_LEN - 1);
    comm[..len].copy_from_slice(&stat.name[..len]);
    let start_ns = stat.start_ticks.saturating_mul(tick_ns());
    Some(Stat { comm, state: stat.state, ppid: stat.ppid, start_ns })
}

/// The process of a thread; `None` when it has gone.
pub fn process_of(tid: u32) -> Option<u32> {
    let status = fs::read(format!("/proc/{tid}/status")).ok()?;
    let line = status.split(|&b| b == b'\n').find_map(|line| line.strip_prefix(b"Tgid:"))?;
    number(fields(line).next()?)
}

/// Real user id; `None` when the process has gone.
pub fn uid(pid: u32) -> Option<u32> {
    let status = fs::read(format!("/proc/{pid}/status")).ok()?;
    let line = status.split(|&b| b == b'\n').find_map(|line| line.strip_prefix(b"Uid:"))?;
    number(fields(line).next()?)
}

/// Reads a link under `/proc` together with what it leads to; `None` when either cannot be read.
///
/// The kernel marks a name that is gone by appending ` (deleted)`, which a name may also really end in. The mark is
/// taken off unless the whole text names the very object.
pub fn link(proc_path: &str) -> Option<Link> {
    let text = match fs::read_link(proc_path) {
        Ok(text) => text.into_os_string().into_vec(),
        // A name longer than the kernel tells: the object is there all the same.
        Err(error) if error.raw_os_error() == Some(nix::libc::ENAMETOOLONG) => Vec::new(),
        Err(_) => return None,
    };
    let meta = fs::metadata(proc_path).ok();
    let meta = meta.as_ref();
    let (dev, ino) = meta.map_or((0, 0), |meta| (kernel_dev(meta.dev()), meta.ino()));
    let (path, deleted) = match text.strip_suffix(b" (deleted)") {
        Some(name) if !names_object(&text, meta) => (name.to_vec(), true),
        _ => (text, false),
    };
    Some(Link { path, deleted, dev, ino, st_mode: meta.map_or(0, MetadataExt::mode) })
}

/// `st_dev` as the kernel packs a device number: major << 20 | minor.
pub fn kernel_dev(st_dev: u64) -> u32 {
    let (major, minor) = (nix::sys::stat::major(st_dev), nix::sys::stat::minor(st_dev));
    u32::try_from((major << 20) | (minor & 0xf_ffff)).unwrap_or(u32::MAX)
}

fn names_object(text: &[u8], object: Option<&fs::Metadata>) -> bool {
    let found = fs::symlink_metadata(std::ffi::OsStr::from_bytes(text)).ok();
    found.zip(object).is_some_and(|(a, b)| (a.dev(), a.ino()) == (b.dev(), b.ino()))
}

/// A clock tick in nanoseconds.
fn tick_ns() -> u64 {
    static TICK_NS: OnceLock<u64> = OnceLock::new();
    *TICK_NS.get_or_init(|| {
        let per_second = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).ok().flatten().unwrap_or(100);
        1_000_000_000 / u64::try_from(per_second).unwrap_or(100).max(1)
    })
}

fn fields(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty())
}

fn number<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

pub(crate) fn pids() -> Vec<u32> {
    let mut pids = numbers("/proc");
    pids.sort_unstable();
    pids
}

fn numbers(dir: &str) -> Vec<u32> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    entries.flatten().filter_map(|entry| number(entry.file_name().as_bytes())).collect()
}

fn descendant_pids(pid: u32) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for child in pids() {
        if let Some(stat) = stat(child) {
            children.entry(stat.ppid).or_default().push(child);
        }
    }
    let mut found = Vec::new();
    let mut next = vec![pid];
    // Removing what has been visited keeps a chain that is read while it changes from going round.
    while let Some(parent) = next.pop() {
        let below = children.remove(&parent).unwrap_or_default();
        found.extend_from_slice(&below);
        next.extend_from_slice(&below);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::Event;

    #[test]
    fn this_process_is_seen_with_its_binary_and_threads() {
        let me = process(std::process::id()).unwrap();
        let exe = fs::metadata("/proc/self/exe").unwrap();
        let link = me.exe.as_ref().unwrap();
        assert_eq!((link.dev, link.ino), (kernel_dev(exe.dev()), exe.ino()));
        assert_eq!(link.path, std::env::current_exe().unwrap().as_os_str().as_bytes());
        assert!(me.tids.contains(&me.pid) && me.tids.len() > 1);
        let parent = ancestors(me.pid).remove(0);
        assert_eq!(parent.pid, me.ppid);
        assert!(descendants(parent.pid).iter().any(|child| child.pid == me.pid));
        let bytes = event(&me, 5, true);
        let event = Event::decode(&bytes).unwrap();
        assert_eq!(event.sections.get(abi::SEC_RESOLVED).unwrap().bytes, link.path);
        assert_eq!(event.sections.get(abi::SEC_STRINGS).unwrap().bytes, me.argv);
    }

    #[test]
    fn a_process_that_has_gone_is_none() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        assert_eq!(process(pid), None);
        assert!(open_files(pid).is_empty());
    }

    #[test]
    fn a_name_that_really_ends_in_deleted_is_kept() {
        let dir = std::env::temp_dir().join(format!("kernscope-link-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let path = dir.join("f (deleted)");
        let file = fs::File::create(&path).unwrap();
        let fd = std::os::fd::AsRawFd::as_raw_fd(&file);
        let proc_path = format!("/proc/self/fd/{fd}");
        let kept = link(&proc_path).unwrap();
        assert_eq!((kept.path.as_slice(), kept.deleted), (path.as_os_str().as_bytes(), false));
        fs::remove_file(&path).unwrap();
        let gone = link(&proc_path).unwrap();
        assert_eq!((gone.path.as_slice(), gone.deleted), (path.as_os_str().as_bytes(), true));
        let open = open_files(std::process::id());
        assert!(open.iter().any(|open| open.fd == fd && open.file == gone));
        fs::remove_dir_all(dir).unwrap();
    }
}

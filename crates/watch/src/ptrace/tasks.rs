//! What is remembered about the tasks that are traced.

use super::calls::{Abi, Call};
use crate::proc_snapshot::{self, Link};
use crate::resolve::View;
use kernscope_abi as abi;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::fd::OwnedFd;

/// A thread.
#[derive(Debug)]
pub(super) struct Thread {
    /// Its process.
    pub pid: u32,
    /// Its name, NUL-padded.
    pub comm: [u8; abi::COMM_LEN],
    /// The call it is in and whose end is awaited.
    pub pending: Option<Pending>,
    /// It has stopped for its end.
    pub ending: bool,
}

/// A call whose end is awaited.
#[derive(Debug)]
pub(super) struct Pending {
    /// Which.
    pub call: Call,
    /// How it was made.
    pub abi: Abi,
    /// Its arguments.
    pub args: [u64; 6],
    /// What had to be looked at before it went on.
    pub before: Before,
}

/// What had to be looked at before a call.
#[derive(Debug)]
pub(super) enum Before {
    /// Nothing.
    Nothing,
    /// The event of a path call, but for its result.
    Path(Box<abi::PathOp>, Vec<Part>),
    /// An exec.
    Exec(Box<Attempt>),
    /// A descriptor that will be replaced.
    Replaces(i32, Box<Link>),
}

/// A section of an event to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// `SEC_*`.
    pub tag: u8,
    /// `SECF_*`.
    pub flags: u8,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// An exec that has begun.
#[derive(Debug, Default)]
pub(super) struct Attempt {
    /// `RAW` and `BASE` of the file, and where it leads.
    pub parts: Vec<Part>,
    /// The directory descriptor, or `AT_FDCWD`.
    pub dirfd: i32,
    /// The name passed.
    pub filename: Vec<u8>,
    /// Device and inode of the file named, when it is there.
    pub named: Option<(u32, u64)>,
    /// The interpreter on its first line, when it is a script.
    pub interpreter: Option<Vec<u8>>,
    /// Close-on-exec descriptors.
    pub closing: Vec<(i32, Link)>,
}

/// A process.
#[derive(Debug, Default)]
pub(super) struct Process {
    /// Start, nanoseconds since boot.
    pub start_ns: u64,
    /// Parent's process id.
    pub ppid: u32,
    /// Real user id.
    pub uid: u32,
    /// Its process id as it sees it itself.
    pub own_pid: u32,
    /// Its threads.
    pub tids: HashSet<i32>,
    /// Files that it opened itself.
    pub files: HashMap<i32, Known>,
    /// How its paths are found; worked out when needed.
    pub view: Option<View>,
    /// A handle for taking its sockets; opened when needed.
    pub pidfd: Option<OwnedFd>,
    /// Sockets and addresses of datagrams that have been told.
    pub sent: HashSet<(u64, Vec<u8>)>,
    /// Sockets that talk to name servers, by inode, and to which.
    pub servers: HashMap<u64, abi::Endpoint>,
    /// The descriptors that its end closes have been told.
    pub closes_told: bool,
}

/// A descriptor that a process opened itself.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// Names the open file.
    pub id: u64,
    /// What it was when it was opened.
    pub link: Link,
}

/// What `/proc/TID/status` says about a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Status {
    /// Its process.
    pub tgid: u32,
    /// The parent process.
    pub ppid: u32,
    /// Real user id.
    pub uid: u32,
    /// Its process id in its own pid namespace.
    pub own_pid: u32,
    /// Signals pending for this thread alone, one bit each.
    pub pending: u64,
}

/// Reads the status of a task; `None` when it has gone.
pub(super) fn status(tid: i32) -> Option<Status> {
    let text = fs::read(format!("/proc/{tid}/status")).ok()?;
    let mut status = Status::default();
    for line in text.split(|&b| b == b'\n') {
        let Some(colon) = line.iter().position(|&b| b == b':') else { continue };
        let value = std::str::from_utf8(&line[colon + 1..]).unwrap_or_default();
        let first = || value.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0);
        match &line[..colon] {
            b"Tgid" => status.tgid = first(),
            b"PPid" => status.ppid = first(),
            b"Uid" => status.uid = first(),
            b"NStgid" => {
                status.own_pid = value.split_whitespace().last().and_then(|w| w.parse().ok()).unwrap_or(0);
            }
            b"SigPnd" => status.pending = u64::from_str_radix(value.trim(), 16).unwrap_or(0),
            _ => {}
        }
    }
    Some(status)
}

/// A task's name, NUL-padded.
pub(super) fn comm(tid: i32) -> [u8; abi::COMM_LEN] {
    let text = fs::read(format!("/proc/{tid}/comm")).unwrap_or_default();
    let name = text.strip_suffix(b"\n").unwrap_or(&text);
    let mut comm = [0; abi::COMM_LEN];
    let len = name.len().min(abi::COMM_LEN - 1);
    comm[..len].copy_from_slice(&name[..len]);
    comm
}

impl Process {
    /// What `/proc` says about a process; with `start_ns` zero when it has gone already.
    ///
    /// `/proc` tells the clock tick of the start only. Of a process that is being born now, `now_ns` (since boot) is
    /// nearer to the truth, and tells two processes of one pid in one tick apart.
    pub(super) fn read(pid: u32, status: &Status, now_ns: u64) -> Self {
        let tick_ns = proc_snapshot::stat(pid).map_or(0, |stat| stat.start_ns);
        let start_ns = if proc_snapshot::same_start(tick_ns, now_ns) { now_ns } else { tick_ns };
        Self { start_ns, ppid: status.ppid, uid: status.uid, own_pid: status.own_pid, ..Self::default() }
    }
}

//! Programs on functions of programs and libraries.

use super::AttachError;
use crate::load::UPROBE_MULTI;
use crate::sys::{self, LinkTarget, PerfEvent};
use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Where the kernel says which number its uprobe events have.
const PMU: &str = "/sys/bus/event_source/devices/uprobe/type";
/// `BPF_PERF_EVENT` of `enum bpf_attach_type`.
const BPF_PERF_EVENT: u32 = 41;
/// Stack of a thread that closes a descriptor.
const THREAD_STACK_BYTES: usize = 64 * 1024;

/// How programs get to functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UprobeTier {
    /// One link for all places; for programs that were loaded for it. From 6.6 on.
    Multi,
    /// A perf event for each place. Each is taken off by itself, which takes the kernel a tenth of a second.
    Perf,
}

/// Places in a file.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    /// The file: whoever maps it is meant, by whatever name.
    pub file: &'a Path,
    /// Offsets of the instructions in the file, bytes.
    pub offsets: &'a [u64],
    /// When the functions that begin there return, rather than when they are called. Never for Go, which moves its stacks.
    pub on_return: bool,
    /// What the program is told by `bpf_get_attach_cookie`; 0 before 5.15.
    pub cookie: u64,
}

/// A program on places of a file, in every process that has the file mapped or maps it later. Dropped, it is taken off; so
/// it is when this process ends, however it does.
///
/// # Minimum kernel
/// 4.17; cookies from 5.15.
///
/// # Privileges
/// `CAP_PERFMON` beside those for loading.
#[derive(Debug)]
pub struct Uprobes {
    /// They go first, where there are links.
    _links: Vec<OwnedFd>,
    _events: Vec<OwnedFd>,
}

impl Uprobes {
    /// Puts a loaded program there: to all places or to none.
    ///
    /// # Errors
    /// When the kernel has no uprobes, the file is gone, or at one place is no instruction that can be replaced.
    pub fn attach(
        program: BorrowedFd<'_>,
        places: &Places<'_>,
        tier: UprobeTier,
    ) -> Result<Self, AttachError> {
        let attached =
            CString::new(places.file.as_os_str().as_bytes()).map_err(io::Error::from).and_then(|path| {
                match tier {
                    UprobeTier::Multi => multi(program, &path, places),
                    UprobeTier::Perf => perf(program, &path, places),
                }
            });
        attached.map_err(|err| {
            AttachError::new("attach to functions of", places.file.display(), err)
                .fix("needs root, or CAP_PERFMON")
        })
    }

    /// Takes many off at once. For each the kernel waits until no program of its runs any more; threads wait for the same
    /// moment together.
    pub fn detach_all(all: Vec<Self>) {
        std::thread::scope(|scope| {
            for one in all {
                let spawned = std::thread::Builder::new().stack_size(THREAD_STACK_BYTES);
                // Without a thread it is taken off here, when the closure is dropped.
                let _ = spawned.spawn_scoped(scope, move || drop(one));
            }
        });
    }
}

fn multi(program: BorrowedFd<'_>, path: &CStr, places: &Places<'_>) -> io::Result<Uprobes> {
    let cookies = vec![places.cookie; places.offsets.len()];
    let target = LinkTarget::UprobesEverywhere(path, places.offsets, &cookies, places.on_return);
    Ok(Uprobes { _links: vec![sys::link_create(program, UPROBE_MULTI, 0, target)?], _events: Vec::new() })
}

fn perf(program: BorrowedFd<'_>, path: &CStr, places: &Places<'_>) -> io::Result<Uprobes> {
    let pmu = std::fs::read_to_string(PMU)?.trim().parse().map_err(io::Error::other)?;
    let mut attached = Uprobes { _links: Vec::new(), _events: Vec::new() };
    for &offset in places.offsets {
        let event = PerfEvent::Uprobe { pmu, path, offset, on_return: places.on_return, everywhere: true };
        let opened = sys::perf_open(event)?;
        let target = LinkTarget::PerfEvent(opened.as_fd(), places.cookie);
        match sys::link_create(program, BPF_PERF_EVENT, 0, target) {
            Ok(link) => {
                attached._links.push(link);
                attached._events.push(opened);
            }
            // Before 5.15 there are no such links.
            Err(err) if err.raw_os_error() == Some(libc::EINVAL) => {
                drop(opened);
                attached._events.push(sys::perf_attach(event, program)?);
            }
            Err(err) => return Err(err),
        }
    }
    Ok(attached)
}

//! Links: attachments that are descriptors, gone when the last one is closed, however its process ended.

use super::{addr, bpf_fd, raw};
use std::ffi::CStr;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

const RAW_TRACEPOINT_OPEN: libc::c_int = 17;
const LINK_CREATE: libc::c_int = 28;
const ITER_CREATE: libc::c_int = 33;

/// Attaches a raw tracepoint (by name) or a tracing or LSM program (to what it was loaded for).
///
/// # Errors
/// The errno of `BPF_RAW_TRACEPOINT_OPEN`.
pub fn raw_tracepoint_open(name: Option<&CStr>, prog: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    #[repr(C)]
    struct Open {
        name: u64,
        prog_fd: u32,
        pad: u32,
    }
    let mut attr = Open { name: name.map_or(0, |name| name.as_ptr() as u64), prog_fd: raw(prog), pad: 0 };
    // SAFETY: the name, if any, ends with NUL and outlives the call.
    unsafe { bpf_fd(RAW_TRACEPOINT_OPEN, &mut attr) }
}

/// Where a link goes.
#[derive(Clone, Copy, Debug)]
pub enum LinkTarget<'a> {
    /// A kernel function, by name, through `kprobe.multi`.
    KprobeMulti(&'a CStr),
    /// One offset in a file, through `uprobe.multi`, in the calling process only.
    UprobeMulti(&'a CStr, u64),
    /// Offsets in a file with the number that the program is told at each, through `uprobe.multi`, in every process; when
    /// the functions there return, if the last is set.
    UprobesEverywhere(&'a CStr, &'a [u64], &'a [u64], bool),
    /// An open perf event, with the number that the program is told.
    PerfEvent(BorrowedFd<'a>, u64),
    /// A cgroup directory.
    Cgroup(BorrowedFd<'a>),
    /// A network interface.
    Interface(u32),
    /// Nothing: an iterator over everything.
    Iterator,
}

/// Makes a link.
///
/// # Errors
/// The errno of `BPF_LINK_CREATE`.
pub fn link_create(
    prog: BorrowedFd<'_>,
    attach_type: u32,
    flags: u32,
    target: LinkTarget<'_>,
) -> io::Result<OwnedFd> {
    #[repr(C)]
    struct Create {
        prog_fd: u32,
        target: u32,
        attach_type: u32,
        flags: u32,
        rest: [u64; 6],
    }
    let mut attr = Create { prog_fd: raw(prog), target: 0, attach_type, flags, rest: [0; 6] };
    let (symbols, offsets);
    match target {
        LinkTarget::KprobeMulti(symbol) => {
            symbols = [symbol.as_ptr() as u64];
            attr.rest[0] = two(0, 1);
            attr.rest[1] = addr(&symbols);
        }
        LinkTarget::UprobeMulti(path, offset) => {
            offsets = [offset];
            attr.rest[0] = path.as_ptr() as u64;
            attr.rest[1] = addr(&offsets);
            attr.rest[4] = two(1, 0);
            attr.rest[5] = two(std::process::id(), 0);
        }
        LinkTarget::UprobesEverywhere(path, offsets, cookies, on_return) => {
            assert_eq!(offsets.len(), cookies.len(), "a number for each place");
            attr.rest[0] = path.as_ptr() as u64;
            attr.rest[1] = addr(offsets);
            attr.rest[3] = addr(cookies);
            attr.rest[4] = two(offsets.len() as u32, u32::from(on_return));
        }
        LinkTarget::PerfEvent(event, cookie) => {
            attr.target = raw(event);
            attr.rest[0] = cookie;
        }
        LinkTarget::Cgroup(dir) => attr.target = raw(dir),
        LinkTarget::Interface(index) => attr.target = index,
        LinkTarget::Iterator => {}
    }
    // SAFETY: paths and arrays outlive the call and have the counts stated beside them.
    unsafe { bpf_fd(LINK_CREATE, &mut attr) }
}

/// Two neighbouring `u32` fields as the `u64` that covers them.
fn two(first: u32, second: u32) -> u64 {
    let mut bytes = [0u8; 8];
    bytes[..4].copy_from_slice(&first.to_ne_bytes());
    bytes[4..].copy_from_slice(&second.to_ne_bytes());
    u64::from_ne_bytes(bytes)
}

/// Opens an iterator link; reading the descriptor runs the program.
///
/// # Errors
/// The errno of `BPF_ITER_CREATE`.
pub fn iter_create(link: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let mut attr = [raw(link), 0u32];
    // SAFETY: two `u32` are the whole struct of this command.
    unsafe { bpf_fd(ITER_CREATE, &mut attr) }
}

//! Bare `bpf(2)`, `perf_event_open(2)` and detached mounts, one thin function a command.
//!
//! Nothing here decides anything: the exact errno and the verifier's own words are the result. What a person is told,
//! what is tried next and what is undone is up to [`crate::load`] and [`crate::probe`]. Everything returned is an owned
//! descriptor: when it is closed, the kernel takes the program, the map or the link away.
//!
//! Source of numbers and layouts: `include/uapi/linux/bpf.h` of the kernel.

mod info;
mod link;
mod map;
mod mapped;
mod mount;
mod object;
mod perf;
mod prog;
mod readers;
mod socket;
mod test_run;

pub use info::{MapInfo, ProgInfo, map_info, prog_info, prog_xlated};
pub use link::{LinkTarget, iter_create, link_create, raw_tracepoint_open};
pub use map::{Batch, BatchAttr, Elem, MapCreate, array_first, map_batch, map_create, map_elem, map_freeze};
pub use mapped::array_write;
pub use mount::detached_mount;
pub use object::{name, name_text, object_get, object_pin};
pub use perf::{PerfEvent, perf_attach, perf_open};
pub use prog::{LICENSE, LoadError, Program, btf_by_id, btf_load, prog_load, prog_load_told};
pub use readers::wait_for_readers;
pub use socket::{socket_attach, socket_detach, socket_says};
pub use test_run::{TestRun, prog_test_run, test_run};

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// `bpf(2)` with one argument struct.
///
/// # Safety
/// `T` starts with the fields of the command, and every address in `attr` is valid for what the command does.
unsafe fn bpf<T>(cmd: libc::c_int, attr: &mut T) -> io::Result<RawFd> {
    let size = size_of::<T>();
    // SAFETY: `attr` is valid for `size` bytes; the addresses in it are the caller's promise.
    let ret = unsafe { libc::syscall(libc::SYS_bpf, cmd, std::ptr::from_mut(attr), size) };
    if ret < 0 { Err(io::Error::last_os_error()) } else { Ok(ret as RawFd) }
}

/// # Safety
/// As [`bpf`]; the command returns a new descriptor.
unsafe fn bpf_fd<T>(cmd: libc::c_int, attr: &mut T) -> io::Result<OwnedFd> {
    // SAFETY: the caller's promise.
    let fd = unsafe { bpf(cmd, attr)? };
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn addr<T>(slice: &[T]) -> u64 {
    slice.as_ptr() as u64
}

fn raw(fd: BorrowedFd<'_>) -> u32 {
    fd.as_raw_fd().cast_unsigned()
}

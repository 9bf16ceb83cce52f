//! Array maps whose memory user space may map (`BPF_F_MMAPABLE`, from 5.5): written where they lie.

use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::BorrowedFd;

/// Writes bytes into the value at index 0, `offset` bytes from its start. Programs may run meanwhile and see some bytes
/// old and some new.
///
/// # Safety
/// The map is an array made with `BPF_F_MMAPABLE`, and `offset + bytes.len()` bytes are in it.
///
/// # Errors
/// The errno of mapping it: `EPERM` when it is frozen.
pub unsafe fn array_write(map: BorrowedFd<'_>, offset: usize, bytes: &[u8]) -> io::Result<()> {
    let Some(len) = NonZeroUsize::new(offset + bytes.len()) else { return Ok(()) };
    // Reads are not needed, but processors have no pages that can only be written.
    let prot = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    // SAFETY: a new mapping, at an address of the kernel's choice, takes nothing from anybody.
    let start = unsafe { mmap(None, len, prot, MapFlags::MAP_SHARED, map, 0)? };
    // SAFETY: the mapping has `offset + bytes.len()` bytes, all of them in the map by the caller's promise, so that no
    // page is missing; it is nobody else's in this process.
    unsafe { start.as_ptr().cast::<u8>().add(offset).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    // SAFETY: the mapping is ours, and nothing refers to it.
    unsafe { munmap(start, len.get()).map_err(io::Error::from) }
}

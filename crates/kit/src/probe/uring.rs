//! `io_uring`, by completing one request that does nothing.
//!
//! Not a library: one ring of one entry, one `NOP`, and everything is unmapped again.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::NonNull;

const OFF_SQ_RING: libc::off_t = 0;
const OFF_SQES: libc::off_t = 0x1000_0000;
const ENTER_GETEVENTS: libc::c_uint = 1;
/// Bytes of one submission entry; all zero is a `NOP`.
const SQE_BYTES: usize = 64;

/// `struct io_sqring_offsets`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
struct SqOffsets {
    head: u32,
    tail: u32,
    ring_mask: u32,
    ring_entries: u32,
    flags: u32,
    dropped: u32,
    array: u32,
    resv1: u32,
    user_addr: u64,
}

/// `struct io_uring_params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
struct Params {
    sq_entries: u32,
    cq_entries: u32,
    flags: u32,
    sq_thread_cpu: u32,
    sq_thread_idle: u32,
    features: u32,
    wq_fd: u32,
    resv: [u32; 3],
    sq_off: SqOffsets,
    cq_off: [u32; 10],
}

const _: () = assert!(size_of::<Params>() == 120);

/// A mapping of a ring, unmapped on drop.
struct Mapping {
    at: NonNull<u8>,
    bytes: usize,
}

impl Mapping {
    fn new(ring: RawFd, offset: libc::off_t, bytes: usize) -> io::Result<Self> {
        let prot = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping of a descriptor of our own; the kernel chooses the place.
        let at = unsafe { libc::mmap(std::ptr::null_mut(), bytes, prot, libc::MAP_SHARED, ring, offset) };
        if at == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        NonNull::new(at.cast()).map(|at| Self { at, bytes }).ok_or_else(|| io::Error::other("mapped at 0"))
    }

    /// Writes a `u32`, refusing offsets outside the mapping.
    fn write(&self, offset: u32, value: u32) -> io::Result<()> {
        let offset = offset as usize;
        if offset + 4 > self.bytes || !offset.is_multiple_of(4) {
            return Err(io::Error::other("io_uring offsets make no sense"));
        }
        // SAFETY: inside the mapping and aligned, as just checked; the mapping is page-aligned.
        unsafe { self.at.add(offset).cast::<u32>().write_volatile(value) };
        Ok(())
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: this mapping is ours and nobody holds a pointer into it any more.
        unsafe { libc::munmap(self.at.as_ptr().cast(), self.bytes) };
    }
}

fn set_up(params: &mut Params) -> io::Result<OwnedFd> {
    // SAFETY: `params` is the kernel's struct and outlives the call.
    let fd = unsafe { libc::syscall(libc::SYS_io_uring_setup, 1, std::ptr::from_mut(params)) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// Submits one `NOP` and waits for its completion.
pub(super) fn nop() -> io::Result<()> {
    let mut params = Params::default();
    let ring = set_up(&mut params)?;
    let bytes = params.sq_off.array as usize + params.sq_entries as usize * 4;
    let sq = Mapping::new(ring.as_raw_fd(), OFF_SQ_RING, bytes)?;
    // Fresh pages of the ring are zero, and a zero entry is a `NOP`.
    let _entries = Mapping::new(ring.as_raw_fd(), OFF_SQES, SQE_BYTES)?;
    sq.write(params.sq_off.array, 0)?;
    sq.write(params.sq_off.tail, 1)?;
    let null = std::ptr::null::<libc::c_void>();
    // SAFETY: the rings were made above; no signal mask is passed.
    let done =
        unsafe { libc::syscall(libc::SYS_io_uring_enter, ring.as_raw_fd(), 1, 1, ENTER_GETEVENTS, null, 0) };
    match done {
        1 => Ok(()),
        0.. => Err(io::Error::other("io_uring took no request")),
        _ => Err(io::Error::last_os_error()),
    }
}

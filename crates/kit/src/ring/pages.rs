//! A ring buffer's pages, mapped.
//!
//! The layout is that of `struct bpf_ringbuf` in the kernel's `kernel/bpf/ringbuf.c`: a page with the consumer's
//! position, the only one that can be written from here; a page that begins with the producer's position; then the
//! data, twice in a row.

use super::reader::Memory;
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};
use nix::unistd::{SysconfVar, sysconf};
use std::ffi::c_void;
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

// Positions are `unsigned long` in the kernel.
const _: () = assert!(size_of::<usize>() == 8, "a ring is read on 64-bit machines");

/// One mapping; unmapped on drop.
#[derive(Debug)]
struct Mapping {
    start: NonNull<c_void>,
    bytes: usize,
}

impl Mapping {
    fn new(fd: BorrowedFd<'_>, bytes: usize, prot: ProtFlags, offset: usize) -> io::Result<Self> {
        let len = NonZeroUsize::new(bytes).ok_or(io::ErrorKind::InvalidInput)?;
        // SAFETY: a new mapping, at an address of the kernel's choice, takes nothing from anybody.
        let start = unsafe { mmap(None, len, prot, MapFlags::MAP_SHARED, fd, offset as i64)? };
        Ok(Self { start, bytes })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and with it goes all that refers to it. It fails for wrong arguments only.
        let _unmapped = unsafe { munmap(self.start, self.bytes) };
    }
}

/// A mapped ring.
#[derive(Debug)]
pub(super) struct Pages {
    consumer: Mapping,
    producer: Mapping,
    /// Where the data begins in `producer`.
    data_at: usize,
    size: u64,
}

// SAFETY: the mappings belong to this value and to no thread; what is in them is read through atomics, or is not
// written to while it may be read.
unsafe impl Send for Pages {}

impl Pages {
    /// Maps a ring of `size` bytes.
    pub(super) fn map(ring: BorrowedFd<'_>, size: u32) -> io::Result<Self> {
        let page = sysconf(SysconfVar::PAGE_SIZE)?.and_then(|page| usize::try_from(page).ok());
        let page = page.ok_or(io::ErrorKind::Unsupported)?;
        let write = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        let consumer = Mapping::new(ring, page, write, 0)?;
        let producer = Mapping::new(ring, page + 2 * size as usize, ProtFlags::PROT_READ, page)?;
        Ok(Self { consumer, producer, data_at: page, size: size.into() })
    }

    fn consumer(&self) -> &AtomicU64 {
        // SAFETY: the page begins with the position, aligned, and stays mapped as long as `self`.
        unsafe { self.consumer.start.cast().as_ref() }
    }

    fn producer(&self) -> &AtomicU64 {
        // SAFETY: as above; it is only read.
        unsafe { self.producer.start.cast().as_ref() }
    }

    /// The address of a position's byte in the first copy of the data.
    fn data(&self, position: u64) -> NonNull<u8> {
        let offset = self.data_at + (position & (self.size - 1)) as usize;
        // SAFETY: less than one copy of the data, of which two follow `data_at`.
        unsafe { self.producer.start.cast::<u8>().add(offset) }
    }
}

impl Memory for Pages {
    fn size_bytes(&self) -> u64 {
        self.size
    }

    fn consumed(&self) -> u64 {
        self.consumer().load(Ordering::Acquire)
    }

    fn produced(&self) -> u64 {
        self.producer().load(Ordering::Acquire)
    }

    fn header(&self, position: u64) -> u32 {
        debug_assert_eq!(position % 8, 0);
        // SAFETY: positions of headers are multiples of eight; the word lies in the mapping, and is written by the
        // kernel as one.
        unsafe { self.data(position).cast::<AtomicU32>().as_ref() }.load(Ordering::Acquire)
    }

    fn bytes(&self, position: u64, len: u32) -> &[u8] {
        assert!(u64::from(len) <= self.size, "a record is no longer than the ring");
        // SAFETY: from any byte of the first copy on, a whole ring of bytes is mapped. The record was submitted, so no
        // program writes to it, and its space was not given back, so that the kernel leaves it alone: `Reader`
        // publishes a position only when it has let go of what lies before.
        unsafe { std::slice::from_raw_parts(self.data(position).as_ptr(), len as usize) }
    }

    fn publish(&self, position: u64) {
        self.consumer().store(position, Ordering::Release);
        // Before the next header is read; see the module.
        fence(Ordering::SeqCst);
    }
}

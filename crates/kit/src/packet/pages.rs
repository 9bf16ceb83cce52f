//! The blocks, mapped: each belongs to the kernel or to this process, by a word at its beginning.

use super::block::STATUS_AT;
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};
use std::ffi::c_void;
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

/// `TP_STATUS_KERNEL` and `TP_STATUS_USER`.
const KERNEL: u32 = 0;
const USER: u32 = 1;

/// Mapped blocks; unmapped on drop.
#[derive(Debug)]
pub(super) struct Pages {
    start: NonNull<c_void>,
    block_bytes: usize,
    blocks: usize,
}

// SAFETY: the mapping belongs to this value and to no thread.
unsafe impl Send for Pages {}

impl Pages {
    pub(super) fn map(socket: BorrowedFd<'_>, block_bytes: usize, blocks: usize) -> io::Result<Self> {
        let len = NonZeroUsize::new(block_bytes * blocks).ok_or(io::ErrorKind::InvalidInput)?;
        let prot = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a new mapping, at an address of the kernel's choice, takes nothing from anybody.
        let start = unsafe { mmap(None, len, prot, MapFlags::MAP_SHARED, socket, 0)? };
        Ok(Self { start, block_bytes, blocks })
    }

    pub(super) fn blocks(&self) -> usize {
        self.blocks
    }

    fn status(&self, block: usize) -> &AtomicU32 {
        assert!(block < self.blocks, "there are {} blocks", self.blocks);
        // SAFETY: the word lies in the mapping, aligned as blocks are aligned to pages, and is written as one.
        unsafe { self.start.byte_add(block * self.block_bytes + STATUS_AT).cast().as_ref() }
    }

    /// A block that the kernel has handed over. As long as it is borrowed it cannot be given back.
    pub(super) fn block(&self, block: usize) -> Option<&[u8]> {
        if self.status(block).load(Ordering::Acquire) & USER == 0 {
            return None;
        }
        let first = block * self.block_bytes;
        // SAFETY: the block lies in the mapping, and the kernel leaves it alone until `give_back`, which needs `&mut self`.
        // Its status word is written by nobody meanwhile.
        unsafe {
            let start = self.start.byte_add(first).cast::<u8>();
            Some(std::slice::from_raw_parts(start.as_ptr(), self.block_bytes))
        }
    }

    /// Gives a block back to the kernel.
    pub(super) fn give_back(&mut self, block: usize) {
        self.status(block).store(KERNEL, Ordering::Release);
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and with it goes all that refers to it. It fails for wrong arguments only.
        let _unmapped = unsafe { munmap(self.start, self.block_bytes * self.blocks) };
    }
}

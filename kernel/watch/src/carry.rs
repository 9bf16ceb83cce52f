//! The end of what a call moved, kept until the next call goes on from there: what is split over two calls is seen whole.

use crate::event::plain;
use crate::maps::opaque;
use aya_ebpf::{
    helpers::generated::{bpf_get_current_pid_tgid, bpf_probe_read_kernel},
    macros::map,
    maps::{LruHashMap, PerCpuArray},
};
use kernscope_abi::{
    NO_OFFSET,
    layout::window::{CARRY_BYTES, MAX_BYTES},
};

/// Which stream of bytes it is.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Stream {
    file: u64,
    pid: u32,
    is_read: u32,
}

/// The end of what was moved last.
#[repr(C)]
struct Carry {
    /// Where the next call goes on, if it goes on.
    next: u64,
    /// Bytes in `data`.
    len: u64,
    data: [u8; CARRY_BYTES as usize],
}

/// By stream; the host makes as many as may be open at once, the oldest of which are forgotten beyond that.
#[map]
static CARRY: LruHashMap<Stream, Carry> = LruHashMap::with_max_entries(1, 0);
/// Where a value is made: the stack has no room for one.
#[map]
static CARRY_NEW: PerCpuArray<Carry> = PerCpuArray::with_max_entries(1, 0);

impl Stream {
    /// What the current process moves through an open file, in one direction.
    #[inline(always)]
    pub(crate) fn of(file: u64, is_read: bool) -> Self {
        // SAFETY: no arguments.
        let pid = (unsafe { bpf_get_current_pid_tgid() } >> 32) as u32;
        Self { file: opaque(file), pid, is_read: is_read as u32 }
    }

    /// Copies what came before `offset` to `to`, which has room for [`CARRY_BYTES`]; at most `most` bytes. How many.
    #[inline(always)]
    pub(crate) fn before(&self, offset: u64, most: u64, to: *mut u8) -> u64 {
        let Some(kept) = CARRY.get_ptr(self) else { return 0 };
        // SAFETY: a map value.
        let (next, len) = unsafe { ((*kept).next, (*kept).len) };
        if next != offset || offset == NO_OFFSET {
            return 0;
        }
        let skipped = plain(len.saturating_sub(most) as u32);
        let len = plain((len - skipped) as u32);
        if len == 0 || len > CARRY_BYTES as u64 || skipped > CARRY_BYTES as u64 {
            return 0;
        }
        // SAFETY: `to` has room for `len` bytes; the helper checks the source, which begins in a map value.
        let failed = unsafe {
            let from = (&raw const (*kept).data).cast::<u8>().add(skipped as usize);
            bpf_probe_read_kernel(to.cast(), len as u32, from.cast()) != 0
        };
        if failed { 0 } else { len }
    }

    /// Keeps the last of the `len` bytes at `from`, behind which `next` follows.
    #[inline(always)]
    pub(crate) fn keep(&self, next: u64, from: *const u8, len: u64) {
        let Some(fresh) = CARRY_NEW.get_ptr_mut(0) else { return };
        let kept = plain(if len < CARRY_BYTES as u64 { len } else { CARRY_BYTES as u64 } as u32);
        let skipped = plain((len - kept) as u32);
        if kept == 0 || kept > CARRY_BYTES as u64 || skipped > MAX_BYTES as u64 {
            return;
        }
        // SAFETY: this CPU's slot has room for CARRY_BYTES; the helper checks the source.
        unsafe {
            (*fresh).next = next;
            (*fresh).len = kept;
            let to = (&raw mut (*fresh).data).cast::<u8>();
            bpf_probe_read_kernel(to.cast(), kept as u32, from.add(skipped as usize).cast());
            let _ = CARRY.insert(self, &*fresh, 0);
        }
    }
}

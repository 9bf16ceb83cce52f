//! The window of this CPU, and what of a call is brought there to be judged: a piece of its buffer, or the buffers of its vector.

use crate::event::plain;
use crate::maps::{ACCOUNT, piece_bytes};
use crate::read::user;
use aya_ebpf::{
    helpers::generated::{bpf_get_smp_processor_id, bpf_probe_read_user},
    macros::map,
    maps::{Array, PerCpuArray},
};
use kernscope_abi::layout::window::{
    CARRY_BYTES, DATA, LENGTH, MAX_BYTES, MOST_OVERLAP, PIECE_BYTES, VALUE_BYTES, VERDICT,
};

/// A verdict that no program has given.
const UNDECIDED: u64 = 2;
/// Steps in which the buffers of a vector are put together, each of one buffer and of [`PIECE_BYTES`] at most.
const STEPS: u64 = 48;
/// What a step has done: copied something, or nothing was left to copy, or it could not.
const COPIED: u32 = 0;
const DONE: u32 = 1;
const FAILED: u32 = 2;
/// Bytes of a `struct iovec` of 64-bit programs.
const IOVEC_BYTES: u64 = 16;

/// A value of [`WINDOW`].
#[repr(C)]
pub(crate) struct Window([u64; VALUE_BYTES as usize / 8]);
const _: () = assert!(VALUE_BYTES % 8 == 0);

/// One for each CPU; the host makes as many as there are.
#[map]
static WINDOW: Array<Window> = Array::with_max_entries(1, 0);

/// The data of a call, between its programs.
#[repr(C)]
pub(crate) struct Subject {
    pub(crate) file: u64,
    /// User address of the call's buffer; 0 when the data is in the window as far as it goes.
    pub(crate) address: u64,
    /// Bytes of the call.
    pub(crate) total: u64,
    /// Where in the call the piece in the window begins; before it, with the end of the call before.
    pub(crate) at: u64,
    /// Bytes of it.
    pub(crate) len: u64,
    /// Those of them that the piece before had, or the call before.
    pub(crate) overlap: u64,
    pub(crate) offset: u64,
    /// What is left of the call's vector.
    vector: Vector,
    /// Most bytes of a piece of this call.
    pub(crate) room: u64,
    /// Tail calls that are left.
    pub(crate) jumps: u64,
}

/// A place in an array of `struct iovec`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Vector {
    /// User address of the entry.
    at: u64,
    /// Entries that are left, with this one.
    left: u64,
    /// Bytes of its buffer that are in the window.
    within: u64,
}

#[map]
static SUBJECT: PerCpuArray<Subject> = PerCpuArray::with_max_entries(1, 0);

#[inline(always)]
pub(crate) fn subject() -> Option<&'static mut Subject> {
    // SAFETY: a per-CPU slot that only programs at `sys_exit` use.
    SUBJECT.get_ptr_mut(0).map(|slot| unsafe { &mut *slot })
}

/// The window of this CPU; `None` on one that came later than we did.
#[inline(always)]
pub(crate) fn window() -> Option<*mut u8> {
    // SAFETY: no arguments.
    let cpu = unsafe { bpf_get_smp_processor_id() };
    WINDOW.get_ptr_mut(cpu).map(|window| window.cast::<u8>())
}

/// Bytes of the pieces of a call of `total` bytes, if there can be `pieces` of them: no more than needed, since a piece that may match
/// is sent whole.
#[inline(always)]
pub(crate) fn room(total: u64, pieces: u64) -> u64 {
    let most = piece_bytes();
    let least = PIECE_BYTES as u64;
    if most <= least {
        return most;
    }
    let wanted = (total + CARRY_BYTES as u64) / pieces + MOST_OVERLAP + 1;
    if wanted < least {
        least
    } else if wanted < most {
        wanted
    } else {
        most
    }
}

impl Subject {
    /// Brings bytes of the call's buffer from [`Subject::at`] on into the window, the first `carried` of which are there already.
    #[inline(always)]
    pub(crate) fn piece(&mut self, carried: u64) -> Option<()> {
        let window = window()?;
        let at = self.at.wrapping_add(carried);
        let (left, room) = (self.total - at, self.room - carried);
        let len = plain(if left < room { left } else { room } as u32);
        let carried = plain(carried as u32);
        if len == 0 || len > MAX_BYTES as u64 || carried > CARRY_BYTES as u64 {
            return None;
        }
        self.len = carried + len;
        // SAFETY: behind DATA the window has room for MAX_BYTES and more than CARRY_BYTES besides; the helper checks the source.
        let failed = unsafe {
            let to = window.add(DATA as usize).add(carried as usize);
            bpf_probe_read_user(to.cast(), len as u32, (self.address + at) as *const _) != 0
        };
        if failed {
            return None;
        }
        ready(window, carried + len);
        Some(())
    }

    /// One step of [`gather`]: as much of the buffer as there is, and room.
    #[inline(always)]
    fn step(&mut self) -> Option<u32> {
        let window = window()?;
        let most = piece_bytes();
        let all = self.total + self.overlap;
        let wanted = if all < most { all } else { most };
        if self.vector.left == 0 || self.len >= wanted {
            return Some(DONE);
        }
        let [base, bytes] = user::<[u64; 2]>(self.vector.at);
        let left = bytes.saturating_sub(self.vector.within);
        let room = wanted - self.len;
        let least = if left < room { left } else { room };
        let bytes = plain(if least < PIECE_BYTES as u64 { least } else { PIECE_BYTES as u64 } as u32);
        let place = plain(self.len as u32);
        if bytes > PIECE_BYTES as u64 || place > MAX_BYTES as u64 {
            return None;
        }
        if bytes > 0 {
            // SAFETY: behind DATA the window has room for MAX_BYTES and PIECE_BYTES; the helper checks the source.
            let failed = unsafe {
                let to = window.add(DATA as usize).add(place as usize);
                bpf_probe_read_user(to.cast(), bytes as u32, (base + self.vector.within) as *const _) != 0
            };
            if failed {
                return None;
            }
        }
        self.len += bytes;
        self.vector = if bytes < left {
            Vector { within: self.vector.within + bytes, ..self.vector }
        } else {
            Vector { at: self.vector.at + IOVEC_BYTES, left: self.vector.left - 1, within: 0 }
        };
        Some(COPIED)
    }
}

/// Brings the buffers of the call's vector, one behind the other, into the window; as much as is judged at once.
#[inline(always)]
pub(crate) fn gather(vector: u64, count: u64) -> Option<()> {
    let subject = subject()?;
    subject.address = 0;
    subject.len = subject.overlap;
    subject.vector = Vector { at: vector, left: count, within: 0 };
    for _ in 0..STEPS {
        match content_step() {
            COPIED => {}
            DONE => break,
            _ => return None,
        }
    }
    gathered()
}

#[inline(always)]
fn gathered() -> Option<()> {
    let subject = subject()?;
    if subject.len == subject.overlap {
        return None;
    }
    ready(window()?, subject.len);
    Some(())
}

/// One step in putting the buffers of a vector together: [`COPIED`], [`DONE`] or [`FAILED`]. A function of its own, whose state is in
/// a map, so that the verifier pays for one.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn content_step() -> u32 {
    subject().and_then(Subject::step).unwrap_or(FAILED)
}

/// Tells the generated program how much there is.
#[inline(always)]
fn ready(window: *mut u8, len: u64) {
    // SAFETY: in the first bytes of a window.
    unsafe {
        window.add(LENGTH as usize).cast::<u64>().write(len);
        window.add(VERDICT as usize).cast::<u64>().write(UNDECIDED);
    }
    if let Some(account) = ACCOUNT.get_ptr_mut(0) {
        // SAFETY: this CPU's slot, which for these two only this program writes.
        unsafe {
            (*account).judged += 1;
            (*account).judged_bytes += len;
        }
    }
}

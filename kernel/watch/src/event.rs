//! Building an event in a scratch buffer and sending it.
//!
//! The functions that others call in several places are global: the verifier checks each once, for any
//! arguments, and not once a call. So they take numbers only and look the buffer up themselves.

use crate::maps::{EVENTS, SCRATCH, SCRATCH_BYTES, config_flag, lost, off, produced, sent, wake_bytes};
use crate::read::field;
use aya_ebpf::helpers::generated::{
    bpf_get_current_comm, bpf_get_current_pid_tgid, bpf_get_current_task_btf, bpf_get_current_uid_gid,
    bpf_ktime_get_ns, bpf_probe_read_kernel_str, bpf_probe_read_user, bpf_probe_read_user_str,
    bpf_ringbuf_output,
};
use core::arch::asm;
use core::mem::size_of;
use kernscope_abi::{
    COMM_LEN, Header, MAX_PATH, SECF_TRUNCATED, SECF_UNRESOLVED, Section,
    layout::{CONFIG_TASK_BTF, LOST_RING_FULL, LOST_TOO_LONG},
};

const BPF_RB_NO_WAKEUP: u64 = 1;
const BPF_RB_FORCE_WAKEUP: u64 = 2;
const BPF_RB_AVAIL_DATA: u64 = 0;
/// Events of one CPU between two looks at how full the ring is.
const QUERY_EVERY: u64 = 16;

/// Where sections may start: a section and its header always fit behind.
pub(crate) const LAST_START: u32 = (SCRATCH_BYTES - MAX_PATH - 1024) as u32;

/// Bytes of the header of an event with body `T`, where its sections start.
pub(crate) const fn tail<T>() -> u32 {
    (size_of::<Header>() + size_of::<T>()) as u32
}

#[inline(always)]
pub(crate) fn scratch(family: u32) -> Option<*mut u8> {
    SCRATCH.get_ptr_mut(family).map(|buffer| buffer.cast::<u8>())
}

/// A number as the 64 bits that the verifier tracks.
///
/// Left alone, the compiler widens a checked 32-bit value after the check, by shifts through which the verifier
/// loses its bound. To the compiler this is a value it knows nothing of.
#[inline(always)]
pub(crate) fn plain(value: u32) -> u64 {
    let copy: u64;
    // SAFETY: a move from register to register. (No instruction at all would do, but the line information of one
    // that has no bytes is refused by the kernel.)
    unsafe { asm!("{0} = {1}", out(reg) copy, in(reg) value as u64) };
    copy
}

/// Writes the header and returns the place of the body.
#[inline(always)]
pub(crate) fn begin<T>(family: u32, kind: u16, flags: u32, start_ns: u64, ppid: u32) -> Option<*mut T> {
    let buffer = scratch(family)?;
    produced(family, kind);
    // SAFETY: the buffer is larger than header and body; it belongs to this family on this CPU.
    unsafe {
        head(buffer.cast(), kind, flags, start_ns, ppid);
        Some(buffer.add(size_of::<Header>()).cast())
    }
}

/// Writes all of a header but its size.
///
/// # Safety
/// There is room for a header.
#[inline(always)]
pub(crate) unsafe fn head(header: *mut Header, kind: u16, flags: u32, start_ns: u64, ppid: u32) {
    // SAFETY: the caller's promise.
    unsafe {
        (*header).kind = kind;
        (*header).flags = flags as u16;
        (*header).ts_ns = bpf_ktime_get_ns();
        (*header).start_ns = start_ns;
        let id = bpf_get_current_pid_tgid();
        (*header).pid = (id >> 32) as u32;
        (*header).tid = id as u32;
        (*header).ppid = ppid;
        who(header);
    }
}

/// User and name of the current thread: straight from the task where that is a typed pointer, which is several
/// times cheaper than the helpers.
#[inline(always)]
unsafe fn who(header: *mut Header) {
    // SAFETY: the caller's header; typed pointers, each from the one before.
    unsafe {
        if config_flag(CONFIG_TASK_BTF) {
            let task = bpf_get_current_task_btf().cast::<u8>().cast_const();
            let comm = (&raw mut (*header).comm).cast::<u64>();
            comm.write_unaligned(field(task, off!(task_comm)));
            comm.add(1).write_unaligned(field(task, off!(task_comm) + 8));
            let cred = field::<*const u8>(task, off!(task_cred));
            (*header).uid = if cred.is_null() { 0 } else { field(cred, off!(cred_uid)) };
            return;
        }
        (*header).uid = bpf_get_current_uid_gid() as u32;
        bpf_get_current_comm((&raw mut (*header).comm).cast(), COMM_LEN as u32);
    }
}

/// Sends the event of `end` bytes, or counts it lost; `true` when it is in the ring.
#[inline(always)]
pub(crate) fn send(family: u32, end: u32) -> bool {
    send_with(family, end, false)
}

/// The same, and wakes the reader at once if it is `urgent`.
#[inline(always)]
pub(crate) fn send_with(family: u32, end: u32, urgent: bool) -> bool {
    let Some(buffer) = scratch(family) else { return false };
    let end = plain(end);
    if end > SCRATCH_BYTES as u64 - 8 {
        lost(family, LOST_TOO_LONG);
        return false;
    }
    // SAFETY: `end` bytes of the buffer, checked above.
    unsafe {
        buffer.cast::<u32>().write(end as u32);
        output_with(family, buffer, end, urgent)
    }
}

/// Counts an event that goes into the ring, and says with which flags: the reader looks by itself every few
/// milliseconds, and is woken only when the ring fills up faster.
#[inline(always)]
pub(crate) fn wake(family: u32) -> u64 {
    let is_full = sent(family) % QUERY_EVERY == 0 && EVENTS.query(BPF_RB_AVAIL_DATA) > wake_bytes();
    if is_full { BPF_RB_FORCE_WAKEUP } else { BPF_RB_NO_WAKEUP }
}

/// Puts the event at an address into the ring, or counts it lost; `true` when it is there.
///
/// # Safety
/// There are `bytes` bytes at the address.
#[inline(always)]
pub(crate) unsafe fn output(family: u32, event: *mut u8, bytes: u64) -> bool {
    // SAFETY: the caller's promise.
    unsafe { output_with(family, event, bytes, false) }
}

#[inline(always)]
unsafe fn output_with(family: u32, event: *mut u8, bytes: u64, urgent: bool) -> bool {
    let usual = wake(family);
    let flags = if urgent { BPF_RB_FORCE_WAKEUP } else { usual };
    // SAFETY: the caller's promise.
    let sent =
        unsafe { bpf_ringbuf_output((&raw const EVENTS).cast_mut().cast(), event.cast(), bytes, flags) };
    if sent != 0 {
        lost(family, LOST_RING_FULL);
    }
    sent == 0
}

/// Writes a section header at `at`.
#[inline(always)]
pub(crate) unsafe fn section(at: *mut u8, tag: u32, flags: u8, len: u32) {
    // SAFETY: the caller checked that `at` has room for a section.
    unsafe { at.cast::<Section>().write_unaligned(Section { tag: tag as u8, flags, len: len as u16 }) };
}

/// Where a section that starts at `pos` lies, with room for `MAX_PATH` bytes; `None` when there is not that much.
#[inline(always)]
fn place(family: u32, pos: u32) -> Option<*mut u8> {
    let buffer = scratch(family)?;
    let from = plain(pos);
    if from > LAST_START as u64 {
        return None;
    }
    // SAFETY: in bounds, checked above.
    Some(unsafe { buffer.add(from as usize) })
}

/// Adds a number as a section; returns where the next one starts.
#[inline(always)]
pub(crate) fn number(family: u32, pos: u32, tag: u32, value: u32) -> u32 {
    let Some(at) = place(family, pos) else { return pos };
    // SAFETY: `place` gave room for a section of MAX_PATH bytes.
    unsafe {
        section(at, tag, 0, size_of::<u32>() as u32);
        at.add(size_of::<Section>()).cast::<u32>().write_unaligned(value);
    }
    pos + (size_of::<Section>() + size_of::<u32>()) as u32
}

/// Adds a NUL-terminated user string as a section; returns where the next one starts.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn user_string(family: u32, pos: u32, tag: u32, address: u64) -> u32 {
    let Some(at) = place(family, pos) else { return pos };
    // SAFETY: `place` gave room for a section of MAX_PATH bytes.
    unsafe {
        let text = at.add(size_of::<Section>()).cast();
        finish_string(at, pos, tag, bpf_probe_read_user_str(text, MAX_PATH as u32, address as *const _))
    }
}

/// The same for a kernel string.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn kernel_string(family: u32, pos: u32, tag: u32, address: u64) -> u32 {
    let Some(at) = place(family, pos) else { return pos };
    // SAFETY: `place` gave room for a section of MAX_PATH bytes.
    unsafe {
        let text = at.add(size_of::<Section>()).cast();
        finish_string(at, pos, tag, bpf_probe_read_kernel_str(text, MAX_PATH as u32, address as *const _))
    }
}

#[inline(always)]
unsafe fn finish_string(at: *mut u8, pos: u32, tag: u32, got: i64) -> u32 {
    let (len, flags) = if got < 0 {
        (0, SECF_UNRESOLVED)
    } else if got == 0 {
        // Older kernels give 0, not 1, for an empty user string.
        (0, 0)
    } else if got >= MAX_PATH as i64 {
        (MAX_PATH as u32 - 1, SECF_TRUNCATED)
    } else {
        (got as u32 - 1, 0)
    };
    // SAFETY: the caller checked that `at` has room for a section.
    unsafe { section(at, tag, flags, len) };
    pos + size_of::<Section>() as u32 + len
}

/// Adds `len` (at most `MAX_PATH`) user bytes as a section.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn user_bytes(family: u32, pos: u32, tag: u32, address: u64, len: u32) -> u32 {
    let (Some(at), len) = (place(family, pos), plain(len)) else { return pos };
    if len > MAX_PATH as u64 {
        return pos;
    }
    // SAFETY: `place` gave room for a section of MAX_PATH bytes; `len` is no more.
    unsafe {
        let failed =
            bpf_probe_read_user(at.add(size_of::<Section>()).cast(), len as u32, address as *const _) != 0;
        let (len, flags) = if failed { (0, SECF_UNRESOLVED) } else { (len as u32, 0) };
        section(at, tag, flags, len);
        pos + size_of::<Section>() as u32 + len
    }
}

const _: () = assert!(SCRATCH_BYTES == 0x8000);

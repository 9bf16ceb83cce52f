//! Descriptors that go away: close, close_range, dup2, close-on-exec, exit.

use crate::event::{begin, send, tail};
use crate::file::{fd_table, file_of, identity, is_socket};
use crate::maps::{IO, current, family, off, opaque};
use crate::read::{kernel, word};
use crate::sock;
use crate::told;
use crate::walk::walk_path;
use aya_ebpf::{
    helpers::generated::bpf_get_current_pid_tgid, macros::btf_tracepoint, programs::BtfTracePointContext,
};
use kernscope_abi::{
    CLOSE_CALL, CLOSE_DUP, CLOSE_EXEC, Close, KIND_CLOSE, KIND_NET, MAX_FDS, NET_CLOSE, Net, SEC_PATH,
    layout::IoKey,
};

/// Bits in a word of a descriptor bitmap.
const WORD_BITS: u32 = 64;
/// Only descriptors that are marked close-on-exec; added to a cause for [`close_word`].
const ONLY_ON_EXEC: u32 = 1 << 8;

/// Only descriptors between the first two arguments of the call in progress; likewise.
const ONLY_IN_RANGE: u32 = 1 << 9;

/// Puts what this process moved through an open file into an event, and takes it out of the table.
///
/// `slots` are the places for bytes read and written and for calls that read and wrote.
#[inline(always)]
unsafe fn take_counts(id: u64, slots: [*mut u64; 4]) {
    let [read_bytes, write_bytes, reads, writes] = slots;
    // SAFETY: no arguments.
    let pid = (unsafe { bpf_get_current_pid_tgid() } >> 32) as u32;
    let key = IoKey { id, pid, pad: 0 };
    // SAFETY: copied out at once; the slots are the caller's.
    unsafe {
        let Some(found) = IO.get_ptr(&key) else {
            *read_bytes = 0;
            *write_bytes = 0;
            *reads = 0;
            *writes = 0;
            return;
        };
        *read_bytes = (*found).read_bytes;
        *write_bytes = (*found).write_bytes;
        *reads = (*found).reads;
        *writes = (*found).writes;
    }
    let _ = IO.remove(&key);
}

/// Tells that a descriptor of the current process goes away.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn close_fd(family: u32, fd: u32, cause: u32, start_ns: u64, ppid: u32) -> u32 {
    // SAFETY: no arguments.
    let file = file_of(fd);
    if file == 0 {
        return 0;
    }
    let known = told::take(opaque(file));
    let id = match known {
        Some(id) => id,
        None => identity(file),
    };
    let end = if is_socket(&id) {
        let Some(body) = begin::<Net>(family, KIND_NET, 0, start_ns, ppid) else { return 0 };
        let sk = sock::of_file(file);
        sock::describe(body, sk.0, sk.1);
        // SAFETY: `begin` gave room for the body.
        unsafe {
            (*body).op = NET_CLOSE;
            (*body).ret = 0;
            (*body).fd = fd as i32;
            (*body).cause = cause;
            (*body).backlog = 0;
            (*body).file = id;
            let (read, written) = (&raw mut (*body).received_bytes, &raw mut (*body).sent_bytes);
            take_counts(id.id, [read, written, &raw mut (*body).receives, &raw mut (*body).sends]);
        }
        sock::unix_names(family, tail::<Net>(), sk.1)
    } else {
        let Some(body) = begin::<Close>(family, KIND_CLOSE, 0, start_ns, ppid) else { return 0 };
        // SAFETY: `begin` gave room for the body.
        unsafe {
            (*body).file = id;
            (*body).fd = fd as i32;
            (*body).cause = cause;
            let (read, written) = (&raw mut (*body).read_bytes, &raw mut (*body).write_bytes);
            take_counts(id.id, [read, written, &raw mut (*body).reads, &raw mut (*body).writes]);
        }
        if known.is_some() {
            tail::<Close>()
        } else {
            walk_path(family, tail::<Close>(), SEC_PATH, file + off!(file_path) as u64)
        }
    };
    send(family, end);
    1
}

/// Tells of the open descriptors among the 64 of one bitmap word.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn close_word(family: u32, index: u32, cause: u32, start_ns: u64, ppid: u32) -> u32 {
    // SAFETY: no arguments.
    let table = fd_table();
    let at = index as u64 * 8;
    let mut bits = word(word(table + off!(fdt_open_fds) as u64) + at);
    if cause & ONLY_ON_EXEC != 0 {
        bits &= word(word(table + off!(fdt_close_on_exec) as u64) + at);
    }
    if cause & ONLY_IN_RANGE != 0 {
        bits &= range_bits(index);
    }
    if bits == 0 {
        return 0;
    }
    for bit in 0..WORD_BITS {
        if bits >> bit & 1 == 1 {
            close_fd(family, index * WORD_BITS + bit, cause & 0xff, start_ns, ppid);
        }
    }
    1
}

/// The bits of a word that lie in the range of close_range.
#[inline(always)]
fn range_bits(index: u32) -> u64 {
    let Some(now) = current(family::SYS_ENTER) else { return 0 };
    let (first, last) = (now.args[0] as u32, now.args[1] as u32);
    let start = index * WORD_BITS;
    if last < start || first > start + (WORD_BITS - 1) {
        return 0;
    }
    let low = if first > start { u64::MAX << (first - start) } else { u64::MAX };
    let high =
        if last < start + (WORD_BITS - 1) { u64::MAX >> (start + (WORD_BITS - 1) - last) } else { u64::MAX };
    low & high
}

/// Bitmap words that one call of [`close_block`] looks at.
const BLOCK: u32 = 32;
const BLOCKS: u32 = MAX_FDS as u32 / WORD_BITS / BLOCK;

/// Tells of the open descriptors in a block of bitmap words; not 0 when the table ends there. A function of its own
/// so that the verifier pays for one block and not for all.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn close_block(family: u32, block: u32, cause: u32, start_ns: u64, ppid: u32) -> u32 {
    let max = kernel::<u32>(fd_table() + off!(fdt_max_fds) as u64);
    for i in 0..BLOCK {
        let index = block * BLOCK + i;
        if index * WORD_BITS >= max {
            return 1;
        }
        close_word(family, index, cause, start_ns, ppid);
    }
    0
}

/// Tells of all open descriptors of the current process; `true` when some may lie beyond the limit.
#[inline(always)]
pub(crate) fn close_all(family: u32, cause: u32, start_ns: u64, ppid: u32) -> bool {
    for block in 0..BLOCKS {
        if close_block(family, block, cause, start_ns, ppid) != 0 {
            return false;
        }
    }
    true
}

#[btf_tracepoint(function = "____sys_enter")]
pub fn enter_close(_ctx: BtfTracePointContext) -> i32 {
    if let Some(now) = current(family::SYS_ENTER) {
        close_fd(family::SYS_ENTER, now.args[0] as u32, CLOSE_CALL, now.start_ns, now.ppid);
    }
    0
}

#[btf_tracepoint(function = "____sys_enter")]
pub fn enter_dup(_ctx: BtfTracePointContext) -> i32 {
    if let Some(now) = current(family::SYS_ENTER) {
        let (old, new) = (now.args[0] as u32, now.args[1] as u32);
        if old != new && file_of(old) != 0 {
            close_fd(family::SYS_ENTER, new, CLOSE_DUP, now.start_ns, now.ppid);
        }
    }
    0
}

/// `CLOSE_RANGE_CLOEXEC`: marks, and closes nothing.
const CLOSE_RANGE_CLOEXEC: u64 = 4;

#[btf_tracepoint(function = "____sys_enter")]
pub fn enter_close_range(_ctx: BtfTracePointContext) -> i32 {
    let Some(now) = current(family::SYS_ENTER) else { return 0 };
    if now.args[0] as u32 > now.args[1] as u32 {
        return 0;
    }
    if now.args[2] & CLOSE_RANGE_CLOEXEC != 0 {
        return 0;
    }
    close_all(family::SYS_ENTER, CLOSE_CALL | ONLY_IN_RANGE, now.start_ns, now.ppid);
    0
}

#[btf_tracepoint(function = "____sys_enter")]
pub fn enter_exec(_ctx: BtfTracePointContext) -> i32 {
    if let Some(now) = current(family::SYS_ENTER) {
        close_all(family::SYS_ENTER, CLOSE_EXEC | ONLY_ON_EXEC, now.start_ns, now.ppid);
    }
    0
}

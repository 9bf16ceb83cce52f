//! Bytes read and written, counted per process and open file.

use crate::copied;
use crate::file::file_of;
use crate::maps::{IO, config_flag, current, family, lost, opaque, unjudged};
use crate::onward::go_on;
use crate::tls_seen;
use crate::tls_socket::tls_used;
use aya_ebpf::{
    helpers::generated::bpf_get_current_pid_tgid, macros::btf_tracepoint, programs::BtfTracePointContext,
};
use core::arch::asm;
use kernscope_abi::{
    Endpoint,
    layout::{CONFIG_TLS, IoCount, IoKey, LOST_IO_FULL, UNJUDGED_COPIED, variant},
};

const BPF_NOEXIST: u64 = 1;

/// The counters of the current process for an open file, made when there are none.
#[inline(always)]
pub(crate) fn counts(family: u32, file: u64) -> Option<*mut IoCount> {
    // SAFETY: no arguments.
    let pid = (unsafe { bpf_get_current_pid_tgid() } >> 32) as u32;
    let key = IoKey { id: opaque(file), pid, pad: 0 };
    if let Some(found) = IO.get_ptr_mut(&key) {
        return Some(found);
    }
    let fresh = IoCount {
        read_bytes: 0,
        write_bytes: 0,
        reads: 0,
        writes: 0,
        last_remote: Endpoint { addr: [0; 16], port: 0, version: 0, scope: 0 },
    };
    // Only if there is none: another thread may have made them just now, and counted.
    let _ = IO.insert(&key, &fresh, BPF_NOEXIST);
    let found = IO.get_ptr_mut(&key);
    if found.is_none() {
        lost(family, LOST_IO_FULL);
    }
    found
}

/// Adds atomically: other threads of the process may add at the same time. (The target has no atomic
/// read-modify-write in `core`; the instruction without a fetched result is there from the first kernels on.)
#[inline(always)]
pub(crate) fn add(slot: *mut u64, amount: u64) {
    // SAFETY: an aligned field of a map value.
    unsafe { asm!("lock *(u64 *)({0} + 0) += {1}", in(reg) slot, in(reg) amount) };
}

/// Counts a read; how many calls there were on the file so far.
#[inline(always)]
pub(crate) fn count_read(family: u32, file: u64, bytes: u64) -> u64 {
    let Some(slot) = counts(family, file) else { return u64::MAX };
    // SAFETY: a map value.
    unsafe {
        add(&raw mut (*slot).read_bytes, bytes);
        add(&raw mut (*slot).reads, 1);
        (*slot).reads + (*slot).writes
    }
}

/// Counts a write; how many calls there were on the file so far.
#[inline(always)]
pub(crate) fn count_write(family: u32, file: u64, bytes: u64) -> u64 {
    let Some(slot) = counts(family, file) else { return u64::MAX };
    // SAFETY: a map value.
    unsafe {
        add(&raw mut (*slot).write_bytes, bytes);
        add(&raw mut (*slot).writes, 1);
        (*slot).reads + (*slot).writes
    }
}

/// How many calls there were on the file so far.
#[inline(always)]
pub(crate) fn calls_on(family: u32, file: u64) -> u64 {
    let Some(slot) = counts(family, file) else { return u64::MAX };
    // SAFETY: a map value.
    unsafe { (*slot).reads + (*slot).writes }
}

#[btf_tracepoint(function = "____sys_exit")]
pub fn exit_io(ctx: BtfTracePointContext) -> i32 {
    let Some(now) = current(family::SYS_EXIT) else { return 0 };
    if now.ret < 0 {
        return 0;
    }
    let file = file_of(now.args[0] as u32);
    if file == 0 {
        return 0;
    }
    let calls = if now.call.variant == variant::READ {
        count_read(family::SYS_EXIT, file, now.ret as u64)
    } else {
        count_write(family::SYS_EXIT, file, now.ret as u64)
    };
    if config_flag(CONFIG_TLS) {
        tls_used(file, now.args[0] as u32, (now.call.variant == variant::WRITE) as u32);
        tls_seen::look(calls);
    }
    go_on(&ctx, file);
    0
}

#[btf_tracepoint(function = "____sys_exit")]
pub fn exit_io2(_ctx: BtfTracePointContext) -> i32 {
    let Some(now) = current(family::SYS_EXIT) else { return 0 };
    if now.ret < 0 {
        return 0;
    }
    let (from, to) = match now.call.variant {
        variant::SENDFILE => (now.args[1] as u32, now.args[0] as u32),
        variant::TEE => (now.args[0] as u32, now.args[1] as u32),
        _ => (now.args[0] as u32, now.args[2] as u32),
    };
    let (from, to) = (file_of(from), file_of(to));
    if from != 0 {
        count_read(family::SYS_EXIT, from, now.ret as u64);
    }
    if to != 0 {
        count_write(family::SYS_EXIT, to, now.ret as u64);
    }
    if now.ret > 0 && !copied::told(now, from, to) {
        unjudged(family::SYS_EXIT, UNJUDGED_COPIED);
    }
    0
}

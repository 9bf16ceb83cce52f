//! `sys_enter` and `sys_exit`: is the task watched, is the call of interest, then a jump to its handler.
//!
//! Each twice: as `tp_btf`, and for the plain tracepoint, whose programs are never preempted. The host attaches one
//! pair; the handlers, in sections `tp_btf/____sys_enter` and `...exit`, are loaded for either (crates/kit/src/load/adapt.rs).

use crate::candidate::is_refused;
use crate::maps::{
    CALLS, ENTER_CALLS, EXIT_CALLS, WATCHED, config_flag, current, family, fired, off, self_pid,
};
use crate::read::{field, kernel, word};
use crate::told;
use aya_ebpf::{
    EbpfContext,
    helpers::generated::{
        bpf_get_current_pid_tgid, bpf_get_current_task, bpf_get_current_task_btf, bpf_task_pt_regs,
    },
    macros::{btf_tracepoint, tracepoint},
    programs::{BtfTracePointContext, TracePointContext},
};
use core::ptr::read_volatile;
use kernscope_abi::{
    FLAG_COMPAT, OP_UNLINK,
    layout::{
        CALLS_32, CALLS_64, CONFIG_ALL, CONFIG_CANDIDATES, CONFIG_TASK_BTF, Call, HOOK_SYS_ENTER,
        HOOK_SYS_EXIT, WATCHED_FROM_EXEC, Watched, enter_call, exit_call, path_op,
    },
};

/// `struct pt_regs` of x86-64, as far as needed (arch/x86/include/asm/ptrace.h; stable, user-visible).
#[repr(C)]
struct Regs {
    r15_to_r12: [u64; 4],
    bp: u64,
    bx: u64,
    r11: u64,
    r10: u64,
    r9: u64,
    r8: u64,
    ax: u64,
    cx: u64,
    dx: u64,
    si: u64,
    di: u64,
    orig_ax: u64,
}

/// `TS_COMPAT` of `thread_info.status`: the call came in by the 32-bit entry.
const TS_COMPAT: u32 = 2;

macro_rules! reg {
    ($regs:expr, $name:ident) => {
        // SAFETY: `$regs` is the tracepoint's argument, a pointer the verifier knows as `struct pt_regs`.
        unsafe { read_volatile(&raw const (*$regs).$name) }
    };
}

/// The watched process, or `None`. In `--all`, one met for the first time is added.
#[inline(always)]
pub(crate) fn watched(pid: u32) -> Option<Watched> {
    // SAFETY: copied out at once; entries are only replaced as a whole by their own process.
    if let Some(found) = unsafe { WATCHED.get(&pid) } {
        let found = *found;
        if config_flag(CONFIG_CANDIDATES) && is_refused(&found) {
            // By the process itself: no exec of it, which would make it a candidate anew, can come between.
            let _ = WATCHED.remove(&pid);
            return None;
        }
        return (found.flags & WATCHED_FROM_EXEC == 0).then_some(found);
    }
    if !config_flag(CONFIG_ALL) || pid == self_pid() || pid == 0 {
        return None;
    }
    Some(adopt(pid))
}

#[inline(always)]
fn adopt(pid: u32) -> Watched {
    // SAFETY: no arguments.
    let found = process_of(unsafe { bpf_get_current_task() });
    let _ = WATCHED.insert(&pid, &found, 0);
    found
}

/// The process that a task belongs to, as an entry of the watched set.
#[inline(always)]
pub(crate) fn process_of(task: u64) -> Watched {
    let leader = word(task + off!(task_group_leader) as u64);
    let parent = word(leader + off!(task_real_parent) as u64);
    Watched {
        start_ns: word(leader + off!(task_start_boottime) as u64),
        ppid: kernel::<u32>(parent + off!(task_tgid) as u64),
        flags: 0,
    }
}

#[inline(always)]
fn call_at(index: u32) -> Call {
    CALLS.get(index).copied().unwrap_or_default()
}

/// The table entries of a call number, as a 64-bit and as a 32-bit call.
#[inline(always)]
fn calls(number: u32) -> (Call, Call) {
    if number >= CALLS_64 {
        return (Call::default(), Call::default());
    }
    (call_at(number), call_at(CALLS_32 + number))
}

/// `thread_info.status` of the current task.
#[inline(always)]
fn status() -> u32 {
    if config_flag(CONFIG_TASK_BTF) {
        // SAFETY: a typed pointer.
        return unsafe { field(bpf_get_current_task_btf().cast::<u8>().cast_const(), off!(task_status)) };
    }
    // SAFETY: no arguments.
    kernel(unsafe { bpf_get_current_task() } + off!(task_status) as u64)
}

/// Whether a call, by whomever, can change the path of an open file.
#[inline(always)]
fn changes_names(call: Call) -> bool {
    let handler = call.exit as u32;
    let unlinks = call.op as u32 == OP_UNLINK || call.op as u32 == path_op::RMDIR;
    handler == exit_call::NAMES || handler == exit_call::PATH2 || (handler == exit_call::PATH && unlinks)
}

/// Fills in what the handler needs; `false` when there is nothing to do.
#[inline(always)]
fn prepare(family: u32, regs: *const Regs, ret: i64, is_enter: bool) -> Option<u32> {
    let number = reg!(regs, orig_ax) as u32;
    let (long, short) = calls(number);
    let wanted = |call: Call| if is_enter { call.enter } else { call.exit };
    if wanted(long) == 0 && wanted(short) == 0 {
        return None;
    }
    if !is_enter && ret == 0 && (changes_names(long) || changes_names(short)) {
        told::names_changed();
    }
    // SAFETY: no arguments.
    let pid = (unsafe { bpf_get_current_pid_tgid() } >> 32) as u32;
    let process = watched(pid)?;
    let compat = status() & TS_COMPAT != 0;
    let call = if compat { short } else { long };
    if wanted(call) == 0 {
        return None;
    }
    fired(family, if is_enter { HOOK_SYS_ENTER } else { HOOK_SYS_EXIT });
    let slot = current(family)?;
    slot.start_ns = process.start_ns;
    slot.ppid = process.ppid;
    slot.flags = if compat { FLAG_COMPAT as u32 } else { 0 };
    slot.call = call;
    slot.ret = ret;
    if compat {
        slot.args[0] = reg!(regs, bx) as u32 as u64;
        slot.args[1] = reg!(regs, cx) as u32 as u64;
        slot.args[2] = reg!(regs, dx) as u32 as u64;
        slot.args[3] = reg!(regs, si) as u32 as u64;
        slot.args[4] = reg!(regs, di) as u32 as u64;
        slot.args[5] = reg!(regs, bp) as u32 as u64;
    } else {
        slot.args[0] = reg!(regs, di);
        slot.args[1] = reg!(regs, si);
        slot.args[2] = reg!(regs, dx);
        slot.args[3] = reg!(regs, r10);
        slot.args[4] = reg!(regs, r8);
        slot.args[5] = reg!(regs, r9);
    }
    Some(wanted(call) as u32)
}

#[btf_tracepoint(function = "sys_enter")]
pub fn sys_enter(ctx: BtfTracePointContext) -> i32 {
    entered(&ctx, ctx.arg(0))
}

/// The same at the tracepoint `raw_syscalls:sys_enter`. Minimum kernel: 5.15.
#[tracepoint]
pub fn tracepoint_sys_enter(ctx: TracePointContext) -> u32 {
    entered(&ctx, user_regs()) as u32
}

/// The registers with which the current task entered the kernel.
#[inline(always)]
fn user_regs() -> *const Regs {
    // SAFETY: the current task's own pointer.
    unsafe { bpf_task_pt_regs(bpf_get_current_task_btf()) as *const Regs }
}

#[inline(always)]
fn entered<C: EbpfContext>(ctx: &C, regs: *const Regs) -> i32 {
    if let Some(handler) = prepare(family::SYS_ENTER, regs, 0, true) {
        // SAFETY: every entry the call table names is filled before this program is attached. The most frequent
        // ones by constant index, which the kernel turns into direct jumps.
        unsafe {
            if handler == enter_call::CLOSE {
                ENTER_CALLS.tail_call(ctx, enter_call::CLOSE);
            } else {
                ENTER_CALLS.tail_call(ctx, handler);
            }
        }
    }
    0
}

#[btf_tracepoint(function = "sys_exit")]
pub fn sys_exit(ctx: BtfTracePointContext) -> i32 {
    exited(&ctx, ctx.arg(0), ctx.arg(1))
}

/// The same at the tracepoint `raw_syscalls:sys_exit`. Minimum kernel: 5.15.
#[tracepoint]
pub fn tracepoint_sys_exit(ctx: TracePointContext) -> u32 {
    let regs = user_regs();
    exited(&ctx, regs, reg!(regs, ax) as i64) as u32
}

#[inline(always)]
fn exited<C: EbpfContext>(ctx: &C, regs: *const Regs, ret: i64) -> i32 {
    if let Some(handler) = prepare(family::SYS_EXIT, regs, ret, false) {
        // SAFETY: as above.
        unsafe {
            if handler == exit_call::OPEN {
                EXIT_CALLS.tail_call(ctx, exit_call::OPEN);
            } else if handler == exit_call::IO {
                EXIT_CALLS.tail_call(ctx, exit_call::IO);
            } else {
                EXIT_CALLS.tail_call(ctx, handler);
            }
        }
    }
    0
}

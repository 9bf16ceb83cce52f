//! The end of a process: its descriptors, then its status.

use crate::calls::watched;
use crate::close::close_all;
use crate::event::{begin, send, tail};
use crate::maps::{WATCHED, config_flag, family, fired, off};
use crate::read::{kernel, word};
use aya_ebpf::{
    helpers::generated::{bpf_get_current_pid_tgid, bpf_get_current_task},
    macros::{btf_tracepoint, tracepoint},
    programs::{BtfTracePointContext, TracePointContext},
};
use kernscope_abi::{
    CLOSE_EXIT, CLOSE_FLUSH, Exit, KIND_EXIT,
    layout::{CONFIG_EXIT_GROUP_DEAD, HOOK_EXIT},
};

/// `SIGNAL_GROUP_EXIT` of `signal_struct.flags`: the status is the group's, not the leader's
/// (include/linux/sched/signal.h).
const SIGNAL_GROUP_EXIT: u32 = 4;

#[btf_tracepoint(function = "sched_process_exit")]
pub fn sched_process_exit(ctx: BtfTracePointContext) -> i32 {
    let task: u64 = ctx.arg::<*const u8>(0) as u64;
    let signal = word(task + off!(task_signal) as u64);
    let group_dead =
        if config_flag(CONFIG_EXIT_GROUP_DEAD) { ctx.arg::<i32>(1) as u8 != 0 } else { is_dead(signal) };
    if group_dead {
        let _ = told(task, signal);
    }
    0
}

/// The same at the plain tracepoint `sched:sched_process_exit`.
#[tracepoint]
pub fn tracepoint_sched_process_exit(_ctx: TracePointContext) -> u32 {
    // SAFETY: no arguments.
    let task = unsafe { bpf_get_current_task() };
    let signal = word(task + off!(task_signal) as u64);
    if is_dead(signal) {
        let _ = told(task, signal);
    }
    0
}

/// Whether no thread is left: each takes itself off `signal_struct.live` before it comes here.
#[inline(always)]
fn is_dead(signal: u64) -> bool {
    kernel::<i32>(signal + off!(signal_live) as u64) == 0
}

#[inline(always)]
fn told(task: u64, signal: u64) -> Option<()> {
    // SAFETY: no arguments.
    let pid = (unsafe { bpf_get_current_pid_tgid() } >> 32) as u32;
    let Some(process) = watched(pid) else {
        // A process that never executed, if it was registered to be watched from its first exec.
        let _ = WATCHED.remove(&pid);
        return None;
    };
    fired(family::EXIT, HOOK_EXIT);
    let files = word(task + off!(task_files) as u64);
    let mut unseen = false;
    if files != 0 {
        // Descriptors that another process shares (CLONE_FILES) stay open; what was counted is told.
        let shared = kernel::<i32>(files + off!(files_count) as u64) > 1;
        let cause = if shared { CLOSE_FLUSH } else { CLOSE_EXIT };
        unseen = close_all(family::EXIT, cause, process.start_ns, process.ppid);
    }
    let leader = word(task + off!(task_group_leader) as u64);
    let status = if kernel::<u32>(signal + off!(signal_flags) as u64) & SIGNAL_GROUP_EXIT != 0 {
        kernel::<u32>(signal + off!(signal_group_exit_code) as u64)
    } else {
        kernel::<u32>(leader + off!(task_exit_code) as u64)
    };
    let body = begin::<Exit>(family::EXIT, KIND_EXIT, 0, process.start_ns, process.ppid)?;
    // SAFETY: `begin` gave room for the body.
    unsafe {
        (*body).status = status;
        (*body).fds_unseen = unseen as u32;
    }
    send(family::EXIT, tail::<Exit>());
    let _ = WATCHED.remove(&pid);
    Some(())
}

//! A new process: watched from before its first instruction.
//!
//! `sched_process_fork` runs in the parent, before the child is woken for the first time.

use crate::calls::{process_of, watched};
use crate::event::{begin, send, tail};
use crate::maps::{WATCHED, family, fired, lost, off, produced};
use crate::read::kernel;
use aya_ebpf::{
    helpers::generated::bpf_get_current_pid_tgid, macros::btf_tracepoint, programs::BtfTracePointContext,
};
use kernscope_abi::{
    Fork, KIND_FORK,
    layout::{HOOK_FORK, LOST_WATCHED_FULL, Watched},
};

#[btf_tracepoint(function = "sched_process_fork")]
pub fn sched_process_fork(ctx: BtfTracePointContext) -> i32 {
    let child: u64 = ctx.arg::<*const u8>(1) as u64;
    let _ = told(child);
    0
}

#[inline(always)]
fn told(child: u64) -> Option<()> {
    // SAFETY: no arguments.
    let pid = (unsafe { bpf_get_current_pid_tgid() } >> 32) as u32;
    let parent = watched(pid)?;
    fired(family::FORK, HOOK_FORK);
    let child_pid = kernel::<u32>(child + off!(task_tgid) as u64);
    if child_pid == pid {
        return None;
    }
    // A candidate's child is one of the same place.
    let process = Watched { flags: parent.flags, ..process_of(child) };
    if WATCHED.insert(&child_pid, &process, 0).is_err() {
        lost(family::FORK, LOST_WATCHED_FULL);
        produced(family::FORK, KIND_FORK);
        return None;
    }
    let body = begin::<Fork>(family::FORK, KIND_FORK, 0, parent.start_ns, parent.ppid)?;
    // SAFETY: `begin` gave room for the body.
    unsafe {
        (*body).child_pid = child_pid;
        (*body).child_tid = kernel::<u32>(child + off!(task_pid) as u64);
        (*body).child_ppid = process.ppid;
        (*body).pad = 0;
        (*body).child_start_ns = process.start_ns;
    }
    send(family::FORK, tail::<Fork>());
    Some(())
}

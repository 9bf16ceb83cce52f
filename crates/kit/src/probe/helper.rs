//! Helpers, kernel functions and language features, by loading a program that uses each.
//!
//! A helper that exists is not enough: the verifier decides by program type, privilege and lockdown. So each is
//! tried in a program of the type in which kernscope uses it; where several would do, in turn.

mod programs;

use super::answer::{Answer, Cause};
use super::table::Entry;
use programs::build;

/// Helpers, kernel functions and features that kernscope uses or will use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the kernel's, in bpf.h and bpf_verifier.rst")]
pub enum Helper {
    ProbeReadKernel,
    ProbeReadKernelStr,
    ProbeReadUser,
    ProbeReadUserStr,
    ProbeWriteUser,
    GetCurrentTask,
    GetCurrentTaskBtf,
    GetCurrentCgroupId,
    GetNsCurrentPidTgid,
    KtimeGetNs,
    KtimeGetBootNs,
    RingbufOutput,
    RingbufReserve,
    RingbufQuery,
    TaskStorageGet,
    SendSignal,
    DPath,
    CopyFromUser,
    CopyFromUserTask,
    SkbLoadBytes,
    XdpLoadBytes,
    BpfLoop,
    ForEachMapElem,
    Strncmp,
    DynptrFromMem,
    DynptrFromSkb,
    DynptrFromXdp,
    IterNum,
    IterTask,
    Strstr,
    TailCall,
    BoundedLoop,
    LocalCall,
    Atomics,
    MayGoto,
}

const WATCH: &str = "watch: the eBPF back end does not load; ptrace is used";

/// Every helper, the kernel that brought it, what it is built with, and what kernscope loses without it.
pub(super) const HELPERS: &[Entry<Helper>] = &[
    Entry::new(
        Helper::ProbeReadKernel,
        "bpf_probe_read_kernel",
        (5, 5),
        "CONFIG_BPF_EVENTS, not in lockdown=confidentiality",
        WATCH,
    ),
    Entry::new(Helper::ProbeReadKernelStr, "bpf_probe_read_kernel_str", (5, 5), "CONFIG_BPF_EVENTS", WATCH),
    Entry::new(Helper::ProbeReadUser, "bpf_probe_read_user", (5, 5), "CONFIG_BPF_EVENTS", WATCH),
    Entry::new(Helper::ProbeReadUserStr, "bpf_probe_read_user_str", (5, 5), "CONFIG_BPF_EVENTS", WATCH),
    Entry::new(
        Helper::ProbeWriteUser,
        "bpf_probe_write_user",
        (4, 8),
        "CONFIG_BPF_EVENTS, without lockdown",
        "",
    ),
    Entry::new(Helper::GetCurrentTask, "bpf_get_current_task", (4, 8), "CONFIG_BPF_EVENTS", WATCH),
    Entry::new(Helper::GetCurrentTaskBtf, "bpf_get_current_task_btf", (5, 11), "CONFIG_BPF_EVENTS", ""),
    Entry::new(Helper::GetCurrentCgroupId, "bpf_get_current_cgroup_id", (4, 18), "CONFIG_CGROUPS", ""),
    Entry::new(Helper::GetNsCurrentPidTgid, "bpf_get_ns_current_pid_tgid", (5, 7), "CONFIG_PID_NS", ""),
    Entry::new(Helper::KtimeGetNs, "bpf_ktime_get_ns", (4, 1), "CONFIG_BPF_SYSCALL", WATCH),
    Entry::new(Helper::KtimeGetBootNs, "bpf_ktime_get_boot_ns", (5, 8), "CONFIG_BPF_SYSCALL", ""),
    Entry::new(Helper::RingbufOutput, "bpf_ringbuf_output", (5, 8), "CONFIG_BPF_SYSCALL", WATCH),
    Entry::new(Helper::RingbufReserve, "bpf_ringbuf_reserve", (5, 8), "CONFIG_BPF_SYSCALL", ""),
    Entry::new(Helper::RingbufQuery, "bpf_ringbuf_query", (5, 8), "CONFIG_BPF_SYSCALL", ""),
    Entry::new(Helper::TaskStorageGet, "bpf_task_storage_get", (5, 11), "CONFIG_BPF_SYSCALL", ""),
    Entry::new(
        Helper::SendSignal,
        "bpf_send_signal",
        (5, 3),
        "CONFIG_BPF_EVENTS",
        "enforcement: a process cannot be stopped at the moment it breaks a rule",
    ),
    Entry::new(Helper::DPath, "bpf_d_path", (5, 10), "CONFIG_DEBUG_INFO_BTF", ""),
    Entry::new(Helper::CopyFromUser, "bpf_copy_from_user", (5, 10), "CONFIG_BPF_EVENTS", ""),
    Entry::new(Helper::CopyFromUserTask, "bpf_copy_from_user_task", (5, 18), "CONFIG_BPF_EVENTS", ""),
    Entry::new(
        Helper::SkbLoadBytes,
        "bpf_skb_load_bytes",
        (4, 5),
        "CONFIG_NET",
        "packets: socket and tc filters cannot read packets",
    ),
    Entry::new(
        Helper::XdpLoadBytes,
        "bpf_xdp_load_bytes",
        (5, 18),
        "CONFIG_NET",
        "packets: XDP programs see the first buffer of a packet only",
    ),
    Entry::new(Helper::BpfLoop, "bpf_loop", (5, 17), "CONFIG_BPF_SYSCALL", ""),
    Entry::new(Helper::ForEachMapElem, "bpf_for_each_map_elem", (5, 13), "CONFIG_BPF_SYSCALL", ""),
    Entry::new(Helper::Strncmp, "bpf_strncmp", (5, 17), "CONFIG_BPF_SYSCALL", ""),
    Entry::new(Helper::DynptrFromMem, "bpf_dynptr_from_mem", (5, 19), "CONFIG_BPF_SYSCALL", ""),
    Entry::new(Helper::DynptrFromSkb, "bpf_dynptr_from_skb (kfunc)", (6, 4), "CONFIG_DEBUG_INFO_BTF", ""),
    Entry::new(Helper::DynptrFromXdp, "bpf_dynptr_from_xdp (kfunc)", (6, 4), "CONFIG_DEBUG_INFO_BTF", ""),
    Entry::new(Helper::IterNum, "bpf_iter_num (kfuncs)", (6, 4), "CONFIG_DEBUG_INFO_BTF", ""),
    Entry::new(Helper::IterTask, "bpf_iter_task (kfuncs)", (6, 7), "CONFIG_DEBUG_INFO_BTF", ""),
    Entry::new(Helper::Strstr, "bpf_strstr (kfunc)", (6, 17), "CONFIG_DEBUG_INFO_BTF", ""),
    Entry::new(Helper::TailCall, "bpf_tail_call", (4, 2), "CONFIG_BPF_SYSCALL", WATCH),
    Entry::new(Helper::BoundedLoop, "bounded loop", (5, 3), "CONFIG_BPF_SYSCALL", WATCH),
    Entry::new(Helper::LocalCall, "bpf-to-bpf call", (4, 16), "CONFIG_BPF_SYSCALL", WATCH),
    Entry::new(Helper::Atomics, "atomic fetch and compare-exchange", (5, 12), "CONFIG_BPF_JIT", ""),
    Entry::new(Helper::MayGoto, "may_goto", (6, 9), "CONFIG_BPF_SYSCALL", ""),
];

/// Loads a program that uses it, and drops that.
pub(super) fn probe(helper: Helper) -> Answer {
    match build(helper) {
        Ok(_prog) => Answer::Yes,
        Err(failed) => {
            let answer = Answer::from(failed);
            explain(helper, answer)
        }
    }
}

/// The verifier calls a helper that lockdown withholds unknown; say which it is.
fn explain(helper: Helper, answer: Answer) -> Answer {
    let mode = super::host::lockdown();
    let withheld = match helper {
        Helper::ProbeWriteUser => mode.as_deref().is_some_and(|mode| mode != "none"),
        Helper::ProbeReadKernel | Helper::ProbeReadKernelStr => mode.as_deref() == Some("confidentiality"),
        _ => false,
    };
    match (answer, mode) {
        (Answer::No(no), Some(mode)) if withheld && no.cause != Cause::Forbidden => {
            Answer::forbidden(format!("lockdown={mode} withholds it ({})", no.why))
        }
        (answer, _) => answer,
    }
}

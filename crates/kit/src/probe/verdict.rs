//! What the findings mean: which way `watch` would go, why, and what is lost on that way; and what the ground
//! would bear beyond it.

use super::{Answer, Helper, Hook, MapType, helper, hook, host, map_type};

/// How one instrument would run here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// `watch`, `uprobes`, ...
    pub feature: String,
    /// The way taken; `none` if there is none.
    pub tier: String,
    /// Why this one.
    pub why: String,
    /// What is lost on this way, one thing each.
    pub lost: Vec<String>,
}

/// What the eBPF back end of `watch` cannot do without.
fn watch_needs() -> Vec<(&'static str, Answer)> {
    let hooks = [
        ("tp_btf sched_process_fork", Hook::TpBtfFork),
        ("tp_btf sched_process_exec", Hook::TpBtfExec),
        ("tp_btf sched_process_exit", Hook::TpBtfExit),
        ("tp_btf sys_enter", Hook::TpBtfSysEnter),
        ("tp_btf sys_exit", Hook::TpBtfSysExit),
    ];
    let maps = [
        ("hash map", MapType::Hash),
        ("array", MapType::Array),
        ("program array", MapType::ProgArray),
        ("per-CPU array", MapType::PercpuArray),
        ("ring buffer", MapType::Ringbuf),
    ];
    let helpers = [
        ("bpf_probe_read_kernel", Helper::ProbeReadKernel),
        ("bpf_probe_read_kernel_str", Helper::ProbeReadKernelStr),
        ("bpf_probe_read_user", Helper::ProbeReadUser),
        ("bpf_probe_read_user_str", Helper::ProbeReadUserStr),
        ("bpf_get_current_task", Helper::GetCurrentTask),
        ("bpf_ringbuf_output", Helper::RingbufOutput),
        ("bpf_tail_call", Helper::TailCall),
    ];
    let maps = maps.map(|(name, kind)| (name, map_type(kind)));
    let helpers = helpers.map(|(name, kind)| (name, helper(kind)));
    let hooks = hooks.map(|(name, kind)| (name, hook(kind)));
    maps.into_iter().chain(helpers).chain(hooks).collect()
}

/// Whether the eBPF back end of `watch` can run, and if not, the first thing that is missing.
pub fn watch_ebpf() -> Answer {
    if host::initial_pid_ns() == Some(false) {
        return Answer::off(
            "this process is in a pid namespace of its own, where process ids mean nothing to the kernel",
        );
    }
    let missing = watch_needs().into_iter().find(|(_, answer)| !answer.is_yes());
    match missing {
        None => Answer::Yes,
        Some((name, Answer::No(mut no))) => {
            no.why = format!("{name}: {}", no.why);
            Answer::No(no)
        }
        Some((name, answer)) => Answer::Unknown(format!("{name}: {}", answer.why())),
    }
}

/// The verdicts, in the order in which a person wants them. `ebpf` and `traced` say whether the two back ends of
/// `watch` work; [`watch_ebpf`] and [`super::ptrace`] say it as far as this crate can know.
pub fn verdicts(ebpf: &Answer, traced: &Answer) -> Vec<Verdict> {
    vec![watch(ebpf, traced), uprobes(), packets()]
}

fn watch(ebpf: &Answer, traced: &Answer) -> Verdict {
    let feature = "watch".to_owned();
    if ebpf.is_yes() {
        let why = "its hooks were seen to fire".to_owned();
        return Verdict { feature, tier: "ebpf".to_owned(), why, lost: Vec::new() };
    }
    if traced.is_yes() {
        let lost = vec![
            "--all, and --pid for processes that may not be traced".to_owned(),
            "byte counts of file_close and net_close".to_owned(),
            "speed: each watched system call stops the program".to_owned(),
        ];
        return Verdict { feature, tier: "ptrace".to_owned(), why: format!("no eBPF: {}", ebpf.why()), lost };
    }
    let why = format!("no eBPF: {}; no ptrace: {}", ebpf.why(), traced.why());
    Verdict { feature, tier: "none".to_owned(), why, lost: vec!["everything".to_owned()] }
}

/// Functions of programs and libraries, such as those of TLS.
fn uprobes() -> Verdict {
    let feature = "uprobes".to_owned();
    let tiers = [("uprobe.multi", Hook::UprobeMulti), ("uprobe", Hook::Uprobe)];
    let mut why = String::new();
    for (tier, kind) in tiers {
        match hook(kind) {
            Answer::Yes => {
                let why = if why.is_empty() { "seen to fire".to_owned() } else { why };
                return Verdict { feature, tier: tier.to_owned(), why, lost: Vec::new() };
            }
            answer => why = format!("no {tier}: {}", answer.why()),
        }
    }
    Verdict {
        feature,
        tier: "none".to_owned(),
        why,
        lost: vec!["functions of programs and libraries".to_owned()],
    }
}

fn packets() -> Verdict {
    let feature = "packets".to_owned();
    let xdp = hook(Hook::XdpGeneric);
    if xdp.is_yes() {
        return Verdict { feature, tier: "xdp".to_owned(), why: "seen to fire".to_owned(), lost: Vec::new() };
    }
    let socket = super::packet_socket();
    let why = format!("no XDP: {}", xdp.why());
    if socket.is_yes() {
        let lost = vec!["filtering before a frame is copied".to_owned()];
        return Verdict { feature, tier: "packet".to_owned(), why, lost };
    }
    let why = format!("{why}; no packet socket: {}", socket.why());
    Verdict { feature, tier: "none".to_owned(), why, lost: vec!["live capture".to_owned()] }
}

//! The probes against sources that do not share their code: `bpftool`, `/proc/config.gz`, `/proc/self/fd`.
//!
//! No answer of any one machine is written down here. What cannot be compared says so and why.

use kernscope_kit::probe::{self, Answer, Group, Hook, MapType, ProgType};
use std::collections::HashMap;
use std::process::Command;

/// Whether this process is root with the capabilities that matter, so that a no is the kernel's.
fn privileged() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").expect("own status");
    let caps = status.lines().find_map(|line| line.strip_prefix("CapEff:")).expect("CapEff");
    let bits = u64::from_str_radix(caps.trim(), 16).expect("hexadecimal");
    bits >> 39 & 1 == 1 && bits >> 38 & 1 == 1 && bits >> 21 & 1 == 1
}

/// What `bpftool feature probe` says about a family, by the kernel's name of the type.
fn bpftool(family: &str, suffix: &str) -> Option<HashMap<String, bool>> {
    if !privileged() {
        eprintln!("skipped: needs root to compare with bpftool");
        return None;
    }
    let Ok(out) = Command::new("bpftool").args(["-j", "feature", "probe", "kernel"]).output() else {
        eprintln!("skipped: bpftool is not installed");
        return None;
    };
    let all: serde_json::Value = serde_json::from_slice(&out.stdout).expect("bpftool prints JSON");
    let family = all[family].as_object().expect("the family").iter();
    let name = |key: &str| key.trim_start_matches("have_").trim_end_matches(suffix).to_owned();
    Some(family.map(|(key, have)| (name(key), have.as_bool().expect("a bool"))).collect())
}

/// Findings of a group, by name.
fn found(group: Group) -> HashMap<String, Answer> {
    let mut found = HashMap::new();
    probe::all(|finding| {
        if finding.group == group {
            found.insert(finding.name, finding.answer);
        }
    });
    found
}

#[test]
fn map_types_are_those_of_bpftool() {
    let Some(theirs) = bpftool("map_types", "_map_type") else { return };
    let ours = found(Group::Map);
    let mut compared = 0;
    for (name, answer) in &ours {
        if let Some(have) = theirs.get(name) {
            assert_eq!(answer.is_yes(), *have, "{name}: {answer:?}");
            compared += 1;
        }
    }
    assert!(compared > 20, "only {compared} names in common");
}

#[test]
fn program_types_are_those_of_bpftool() {
    let Some(theirs) = bpftool("program_types", "_prog_type") else { return };
    let ours = found(Group::Program);
    let mut compared = 0;
    for (name, answer) in &ours {
        // What bpftool calls tracing, it tries as fentry.
        let their_name = if name == "fentry" { "tracing" } else { name };
        if let Some(have) = theirs.get(their_name) {
            assert_eq!(answer.is_yes(), *have, "{name}: {answer:?}");
            compared += 1;
        }
    }
    assert!(compared > 15, "only {compared} names in common");
}

/// The options of the running kernel that are set.
fn config() -> Option<Vec<String>> {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").expect("osrelease");
    let boot = format!("/boot/config-{}", release.trim());
    let text = std::fs::read(boot).ok().or_else(|| {
        let out = Command::new("gzip").args(["-dc", "/proc/config.gz"]).output().ok()?;
        out.status.success().then_some(out.stdout)
    });
    let Some(text) = text else {
        eprintln!("skipped: this kernel does not tell its configuration");
        return None;
    };
    let text = String::from_utf8_lossy(&text);
    let set = |line: &str| Some(line.split_once("=y")?.0.trim_start_matches("CONFIG_").to_owned());
    Some(text.lines().filter_map(set).collect())
}

#[test]
fn nothing_works_that_the_kernel_was_built_without() {
    let Some(set) = config() else { return };
    let needs: [(&str, &str, Answer); 12] = [
        ("kprobe", "KPROBES", probe::kprobe()),
        ("kprobe.multi", "FPROBE", probe::hook(Hook::KprobeMulti)),
        ("fentry", "FUNCTION_TRACER", probe::fentry()),
        ("lsm", "BPF_LSM", probe::lsm()),
        ("uprobe", "UPROBES", probe::uprobe()),
        ("syscall tracepoint", "FTRACE_SYSCALLS", probe::hook(Hook::SyscallTracepoint)),
        ("tp_btf", "DEBUG_INFO_BTF", probe::tp_btf()),
        ("io_uring", "IO_URING", probe::hook(Hook::TpBtfUringComplete)),
        ("path hooks", "SECURITY_PATH", probe::hook(Hook::FentryPath)),
        ("cgroup", "CGROUP_BPF", probe::prog_type(ProgType::CgroupSkb)),
        ("sockmap", "BPF_STREAM_PARSER", probe::prog_type(ProgType::SkSkb)),
        ("ring buffer", "BPF_SYSCALL", probe::map_type(MapType::Ringbuf)),
    ];
    for (what, option, answer) in needs {
        let built = set.iter().any(|name| name == option);
        assert!(built || !answer.is_yes(), "{what} is said to work without CONFIG_{option}");
    }
}

#[test]
fn hooks_fire_only_where_their_program_loads() {
    for (hook, kind) in [
        (Hook::TpBtfFork, ProgType::TpBtf),
        (Hook::Fentry, ProgType::Fentry),
        (Hook::Fexit, ProgType::Fexit),
        (Hook::FmodRet, ProgType::FmodRet),
        (Hook::LsmFileOpen, ProgType::Lsm),
        (Hook::Uprobe, ProgType::Kprobe),
        (Hook::XdpTestRun, ProgType::Xdp),
        (Hook::IterTask, ProgType::Iter),
    ] {
        let (fires, loads) = (probe::hook(hook), probe::prog_type(kind));
        assert!(!fires.is_yes() || loads.is_yes(), "{hook:?} fires but {kind:?}: {loads:?}");
    }
}

#[test]
fn every_no_has_a_reason_and_a_fix() {
    probe::all(|finding| {
        if !finding.answer.is_yes() {
            assert!(!finding.answer.why().is_empty(), "{finding:?}");
            assert!(!finding.fix.is_empty() && !finding.costs.is_empty(), "{finding:?}");
        } else {
            assert!(finding.costs.is_empty() && finding.fix.is_empty(), "{finding:?}");
        }
    });
}

#[test]
fn the_ebpf_back_end_is_possible_only_with_its_hooks() {
    let parts = [probe::hook(Hook::TpBtfSysExit), probe::tp_btf(), probe::map_type(MapType::Ringbuf)];
    assert!(!probe::watch_ebpf().is_yes() || parts.iter().all(Answer::is_yes));
    let verdicts = probe::verdicts(&probe::watch_ebpf(), &probe::ptrace());
    let watch = verdicts.iter().find(|verdict| verdict.feature == "watch").expect("a verdict for watch");
    assert_eq!(watch.tier == "ebpf", probe::watch_ebpf().is_yes(), "{watch:?}");
}

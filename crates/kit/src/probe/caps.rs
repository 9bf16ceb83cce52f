//! What this process may do, as the kernel states it in `/proc/self/status`.

use std::fs;

/// The capabilities that matter here, with their numbers (`linux/capability.h`).
pub(super) const CAPS: &[(&str, u32, &str)] = &[
    ("CAP_BPF", 39, "watch with eBPF; packet programs"),
    ("CAP_PERFMON", 38, "watch with eBPF (tracing programs)"),
    ("CAP_NET_ADMIN", 12, "packet programs (XDP, tc)"),
    (
        "CAP_SYS_ADMIN",
        21,
        "watch with eBPF before 5.8; own network namespace for probes; system-wide fanotify",
    ),
    ("CAP_SYS_PTRACE", 19, "watch --pid of other users' processes; /proc of other users' processes"),
    ("CAP_SYS_RESOURCE", 24, "raising the memlock limit, which eBPF needs before 5.11"),
    ("CAP_DAC_READ_SEARCH", 2, "hashing binaries that only their owner may read"),
];

fn status_word(field: &str) -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(field))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The effective capabilities as bits.
pub(super) fn effective() -> Option<u64> {
    u64::from_str_radix(&status_word("CapEff")?, 16).ok()
}

/// Whether the capability with this number is effective.
pub(super) fn has(number: u32) -> bool {
    effective().is_some_and(|bits| bits >> number & 1 == 1)
}

/// Whether this process holds what `bpf(2)` asks of tracing programs, so that its `EINVAL` can be believed.
pub(super) fn bpf_ready() -> bool {
    has(21) || (has(39) && has(38))
}

/// Whether a seccomp filter is on this process.
pub(super) fn filtered() -> bool {
    status_word("Seccomp").is_some_and(|mode| mode != "0")
}

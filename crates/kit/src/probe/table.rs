//! One row of what is probed, and what to say when the answer is no.

use super::answer::{Answer, Cause};
use super::{caps, host};

/// A row: what is tried, since when kernels have it, how they are built for it, and what its absence costs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<K> {
    /// What is tried.
    pub(super) key: K,
    /// Its name.
    pub(super) name: &'static str,
    /// The first kernel that has it.
    pub(super) since: (u32, u32),
    /// The options it is built with.
    pub(super) config: &'static str,
    /// What kernscope loses without it; empty for nothing.
    pub(super) costs: &'static str,
}

impl<K> Entry<K> {
    pub(super) const fn new(
        key: K,
        name: &'static str,
        since: (u32, u32),
        config: &'static str,
        costs: &'static str,
    ) -> Self {
        Self { key, name, since, config, costs }
    }

    /// What would turn this answer into a yes; empty for a yes.
    pub(super) fn fix(&self, answer: &Answer) -> String {
        match answer {
            Answer::Yes => String::new(),
            Answer::Unknown(_) if !caps::bpf_ready() => PRIVILEGE.to_owned(),
            Answer::Unknown(_) => "run it again; if it stays, look into the kernel's log".to_owned(),
            Answer::No(no) => match no.cause {
                Cause::Forbidden if no.why.starts_with("lockdown") => LOCKDOWN.to_owned(),
                Cause::Forbidden => forbidden(),
                _ if host::release() < self.since => {
                    format!("a kernel from {}.{} on", self.since.0, self.since.1)
                }
                _ => format!("a kernel built with {}", self.config),
            },
        }
    }
}

/// What helps a process without capabilities.
pub(super) const PRIVILEGE: &str =
    "run as root, or give the binary cap_bpf,cap_perfmon,cap_net_admin with setcap";
const LOCKDOWN: &str = "boot without lockdown (lockdown=none, Secure Boot off); it is there for a reason";

/// What helps against `EPERM`.
pub(super) fn forbidden() -> String {
    if !caps::bpf_ready() {
        PRIVILEGE.to_owned()
    } else if caps::filtered() {
        "a seccomp filter is on this process: run it outside the sandbox or container".to_owned()
    } else if !host::initial_user_ns() {
        "capabilities count in the initial user namespace only: run it outside the container".to_owned()
    } else {
        "refused in spite of all capabilities: a policy of this kernel (lockdown, an LSM, its build) that only \
         another kernel or boot line changes"
            .to_owned()
    }
}

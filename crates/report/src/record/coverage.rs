//! What was covered, and the account at the end.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How well a hook, a library or a sort of event is covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Attached and seen to fire.
    Attached,
    /// Attached; nothing in this run made it fire.
    Idle,
    /// Works in part; `why` says which.
    Partial,
    /// Sees nothing; `why` says the reason.
    Blind,
}

/// One hook of the coverage statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hook {
    /// What it watches: `exec`, `open`, `path_calls`, `io_uring`, ...
    pub name: String,
    /// How: `fentry`, `kprobe`, `tp_btf`, `tracepoint`, `ptrace`, `none`.
    pub tier: String,
    /// Whether it works.
    pub state: State,
    /// What is missing and why; empty when nothing is.
    #[serde(default)]
    pub why: String,
}

/// How far TLS of one library in one process is covered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TlsTarget {
    /// Process id.
    pub pid: u32,
    /// Path of the binary.
    pub exe: String,
    /// `openssl`, `gnutls`, `nss`, ...; `unknown` where none was seen.
    pub library: String,
    /// The file with its code, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Whether it works.
    pub state: State,
    /// What is missing and why.
    pub why: String,
}

/// The coverage statement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// `ebpf`, `ptrace` or `replay`.
    pub backend: String,
    /// Why this back end was chosen.
    #[serde(default)]
    pub why: String,
    /// Hook by hook.
    pub hooks: Vec<Hook>,
    /// TLS, process by process; empty until TLS is asked for.
    pub tls: Vec<TlsTarget>,
}

/// The account: `seen = emitted + filtered + sum(lost)`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ledger {
    /// Events that the hooks produced, plus records that the monitor added itself.
    pub seen: u64,
    /// Records written, not counting `coverage` and `ledger`.
    pub emitted: u64,
    /// Events that were used or set aside without a record of their own.
    pub filtered: u64,
    /// Events that did not arrive, by cause.
    pub lost: BTreeMap<String, u64>,
    /// Whether the equation holds.
    pub closes: bool,
    /// `filtered`, by reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub filtered_by: BTreeMap<String, u64>,
    /// `seen`, by raw event kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub seen_by: BTreeMap<String, u64>,
}

impl Ledger {
    /// Sets [`Ledger::closes`] from the other fields.
    pub fn close(mut self) -> Self {
        let lost: u128 = self.lost.values().map(|count| u128::from(*count)).sum();
        self.closes = u128::from(self.seen) == u128::from(self.emitted) + u128::from(self.filtered) + lost;
        self
    }
}

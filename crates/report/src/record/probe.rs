//! What a machine was asked for, and what follows from it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a probe answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It works: it was done.
    Yes,
    /// It does not work.
    No,
    /// The probe could not tell.
    Unknown,
}

/// Why something does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The kernel cannot.
    Unsupported,
    /// The process may not.
    Forbidden,
    /// It is switched off, not mounted, or did not fire.
    Off,
}

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Probe {
    /// What was probed.
    pub name: String,
    /// `kernel`, `privilege`, `machine`, `program`, `map`, `helper`, `hook` or `backend`.
    pub group: String,
    /// The answer.
    pub answer: Answer,
    /// What sort of no; `null` for the other answers.
    pub cause: Option<Cause>,
    /// The reason of a no or an unknown; empty for a yes.
    pub why: String,
    /// What was found beside the answer: a value, a place, how often a hook fired; may be empty.
    pub detail: String,
    /// What kernscope loses; empty if nothing.
    pub costs: String,
    /// What would help; empty if nothing is needed.
    pub fix: String,
}

/// Which way one instrument would go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// The instrument, or a part of it.
    pub feature: String,
    /// The way: `ebpf`, `ptrace`, `fentry`, `xdp`, ...; `none` if there is none.
    pub tier: String,
    /// Why this one.
    pub why: String,
    /// What is lost on it, one thing each.
    pub lost: Vec<String>,
}

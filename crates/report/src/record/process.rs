//! The process that a record is about.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The process (and thread) that a record is about, as it was at that moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Proc {
    /// Process id.
    pub pid: u32,
    /// Thread id.
    pub tid: u32,
    /// Process id of the parent, when the process was created or last executed a program.
    pub ppid: u32,
    /// Real user id.
    pub uid: u32,
    /// The thread's name, at most 15 bytes.
    #[schemars(with = "String")]
    pub comm: Arc<str>,
    /// Path of the binary; `null` when it is not known.
    #[schemars(with = "Option<String>")]
    pub exe: Option<Arc<str>>,
    /// Start of the process in nanoseconds since boot; with `pid` it names a process for good.
    pub start_ns: u64,
    /// The AI coding agent that the process is, or that has started it (docs/AGENTS.md); left out where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub agent: Option<Arc<str>>,
}

//! Filters on an interface.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a filter on an interface has decided since it was attached: `packets = passed + dropped + other`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FilterCounts {
    /// The network interface.
    pub interface: String,
    /// `xdp` or `tc`.
    pub hook: String,
    /// `ingress` or `egress`.
    pub direction: String,
    /// Packets that were decided.
    pub packets: u64,
    /// Those that meet the condition; `null` for a program that was given as bytecode.
    pub matched: Option<u64>,
    /// Let pass.
    pub passed: u64,
    /// Dropped.
    pub dropped: u64,
    /// Redirected, sent back, or else.
    pub other: u64,
}

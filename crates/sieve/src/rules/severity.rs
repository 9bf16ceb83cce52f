//! How bad a finding is.

use serde::{Deserialize, Serialize};

/// How bad a finding is, from worst to harmless.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Whoever reads it owns something that matters.
    Critical,
    /// A secret that works by itself.
    High,
    /// Probably a secret.
    #[default]
    Medium,
    /// Worth a look.
    Low,
    /// Good to know.
    Info,
}

impl Severity {
    /// The word, as files and records have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Info => "info",
        }
    }
}

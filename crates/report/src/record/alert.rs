//! What is wrong, or denied.

use super::is_default;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How bad it is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth a look when there is time.
    #[default]
    Low,
    /// Should be looked at.
    Medium,
    /// Look at once: somebody may be taking traffic over.
    High,
}

impl Severity {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// Something that is wrong, or may be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Alert {
    /// Which rule: `secret_sent` (`watch`: docs/TLS.md), the id of a detection (docs/DETECTIONS.md), or such as `port_scan_vertical` (`lan`: docs/LAN.md has them all); names stay.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// What happened, in one sentence.
    pub message: String,
    /// `seq` of the records that it is about, in this output: devices; the finds and forks of a chain.
    pub evidence: Vec<u64>,
    /// What was seen, a fact each.
    pub because: Vec<String>,
    /// Names this alert: the same rule, device and matter have the same `id` in every run.
    #[schemars(regex(pattern = r"^[0-9a-f]{16}$"))]
    pub id: String,
    /// Hardware address of the device that did it (`lan`).
    #[serde(default, skip_serializing_if = "is_default")]
    pub mac: String,
    /// The address that it did it from; `null` where none is told.
    pub ip: Option<String>,
    /// How often it was seen.
    pub count: u64,
    /// When first: RFC 3339, UTC (`lan`).
    #[serde(default, skip_serializing_if = "is_default")]
    pub first_seen: String,
    /// When last (`lan`).
    #[serde(default, skip_serializing_if = "is_default")]
    pub last_seen: String,
    /// The capture or interface that it was seen in (`lan`).
    #[serde(default, skip_serializing_if = "is_default")]
    pub source: String,
    /// Techniques of MITRE ATT&CK that it is a case of (detections).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub technique: Vec<String>,
    /// What it is about (detections).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// A user has seen it (`lan alerts --acknowledge`).
    #[serde(default, skip_serializing_if = "is_default")]
    pub acknowledged: bool,
}

/// Something that a policy denies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyDeny {
    /// The action and the entry of its list that denies it, such as `read: ~/.ssh/**`.
    pub rule: String,
    /// The policy's name.
    pub policy: String,
    /// `read`, `write`, `exec` or `connect`.
    pub action: String,
    /// The kernel made it fail, because of the policy.
    pub enforced: bool,
    /// What made it fail: `lsm`, `landlock` or `cgroup`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why it did not fail because of the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Absolute path of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The remote end, `ip:port`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<String>,
    /// The name by which a name server last answered that address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `seq` of the record of what was done.
    pub evidence: Vec<u64>,
}

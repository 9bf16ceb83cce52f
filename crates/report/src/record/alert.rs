//! What is wrong, or denied.

use super::is_default;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

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

impl Alert {
    /// The id of a matter that texts make, the rule first: 64 bits of SHA-256 over the texts, each behind its length, in hex.
    pub fn id_of(texts: &[&str]) -> String {
        let mut hash = Sha256::new();
        for text in texts {
            hash.update(text.len().to_le_bytes());
            hash.update(text);
        }
        hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The id of a matter of a device (`lan`): 64 bits of FNV-1a over the texts with a NUL between them, in hex. Databases hold what
    /// users said of these ids, so that they stay.
    pub fn id_of_device(rule: &str, mac: &str, subject: &str) -> String {
        let text = format!("{rule}\0{mac}\0{subject}");
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        format!("{hash:016x}")
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_that_databases_hold() {
        let texts = ["aws-access-token", "/root/.aws/credentials", "192.0.2.1:443", "cat", "curl"];
        assert_eq!(Alert::id_of(&texts), "6eda4f0b6ee870c8");
        assert_eq!(Alert::id_of_device("arp_conflict", "02:02:02:02:02:02", "a"), "b672aded442c7890");
    }
}

//! SARIF 2.1.0, as code hosts read it: written piece by piece, so that a report of any size needs no memory.
//!
//! Columns count bytes, which SARIF has no name for; they are characters in lines of ASCII. Secrets are redacted as
//! everywhere, and no line of a file is quoted.

use kernscope_report::{Ledger, Match};
use kernscope_scan::Found;
use kernscope_sieve::rules::{Rule, Severity};
use serde_json::{Value, json};
use std::fmt::Write;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json";
/// Notices of what could not be scanned; more are counted in the ledger alone.
const NOTICES_MOST: usize = 1_000;

/// A report that is being written.
#[derive(Default)]
pub(super) struct Report {
    results: u64,
    notices: Vec<Value>,
}

impl Report {
    /// What comes before the results.
    pub(super) fn head(rules: &[Rule]) -> String {
        let driver = json!({
            "name": "kernscope",
            "version": env!("CARGO_PKG_VERSION"),
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "rules": rules.iter().map(descriptor).collect::<Vec<_>>(),
        });
        format!(
            "{{\"$schema\":\"{SCHEMA}\",\"version\":\"2.1.0\",\"runs\":[{{\"tool\":{},\"results\":[\n",
            json!({ "driver": driver })
        )
    }

    /// A finding.
    pub(super) fn result(&mut self, rule: &Rule, found: &Found, matched: &Match) -> String {
        let comma = if self.results > 0 { ",\n" } else { "" };
        self.results += 1;
        let mut place = json!({ "artifactLocation": { "uri": uri(&found.path) } });
        if matched.end > matched.start {
            place["region"] = json!({
                "startLine": matched.line,
                "startColumn": matched.column,
                "byteOffset": matched.start,
                "byteLength": matched.end - matched.start,
            });
        }
        let about = if rule.description.is_empty() { &rule.id } else { &rule.description };
        let mut result = json!({
            "ruleId": rule.id,
            "ruleIndex": found.at.rule,
            "level": level(rule.severity),
            "message": { "text": format!("{about}: {}", matched.redacted).trim_end_matches(": ") },
            "locations": [{ "physicalLocation": place }],
            "partialFingerprints": { "kernscope/v1": matched.fingerprint },
        });
        if let Some(commit) = &matched.commit {
            result["properties"] = json!({ "commit": commit });
        }
        format!("{comma}{result}")
    }

    /// Something that could not be scanned.
    pub(super) fn notice(&mut self, line: &str) {
        if self.notices.len() < NOTICES_MOST {
            self.notices.push(json!({ "level": "error", "message": { "text": line } }));
        }
    }

    /// What comes behind the results.
    pub(super) fn tail(self, ledger: &Ledger) -> String {
        let whole = ledger.lost.is_empty() && self.notices.is_empty();
        let run = json!({ "executionSuccessful": whole, "toolExecutionNotifications": self.notices });
        format!("\n],\"invocations\":[{run}],\"properties\":{}}}]}}\n", json!({ "ledger": ledger }))
    }
}

fn descriptor(rule: &Rule) -> Value {
    let about = if rule.description.is_empty() { &rule.id } else { &rule.description };
    json!({
        "id": rule.id,
        "shortDescription": { "text": about },
        "defaultConfiguration": { "level": level(rule.severity) },
        "properties": { "tags": ["security", "secret"], "security-severity": score(rule.severity) },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// The number by which GitHub ranks findings of security.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
        Severity::Info => "0.0",
    }
}

/// A path as a URI reference (RFC 3986): absolute ones with their scheme, relative ones relative.
fn uri(path: &[u8]) -> String {
    let mut text = String::from(if path.starts_with(b"/") { "file://" } else { "" });
    for byte in path {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' | b'!' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                text.push(char::from(*byte));
            }
            // Writing to a String does not fail.
            byte => drop(write!(text, "%{byte:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn paths_of_any_bytes_become_uris() {
        for (path, text) in [
            (&b"a b/c.zip!/\xff"[..], "a%20b/c.zip!/%FF"),
            (b"/etc/x:y", "file:///etc/x%3Ay"),
            ("ä%".as_bytes(), "%C3%A4%25"),
        ] {
            assert_eq!(uri(path), text);
        }
    }
}

//! What a back end leaves out by design, and the proof that it says so.
//!
//! A leave-out excuses a pattern only while the coverage record of the same run names the gap: a hook that
//! matches, in state `partial` or `blind`, with a reason. A gap that coverage does not admit is a failure.

use crate::case::Backend;
use crate::matcher::{Want, field};
use crate::vars::Vars;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// One gap of one back end.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaveOut {
    /// Which back end.
    pub backend: Backend,
    /// Fields that are `null` instead of a value.
    #[serde(default)]
    pub fields: Vec<String>,
    /// Records (by these fields) that do not appear at all.
    #[serde(default)]
    pub records: Option<BTreeMap<String, Want>>,
    /// Regular expression for the coverage hook's `name`.
    pub hook: String,
    /// Regular expression for its `why`.
    pub why: String,
}

impl LeaveOut {
    /// Whether the coverage record admits this gap.
    pub fn admitted(&self, coverage: &Value) -> bool {
        let (Ok(name), Ok(why)) = (regex::Regex::new(&self.hook), regex::Regex::new(&self.why)) else {
            return false;
        };
        let text = |hook: &Value, key: &str| hook[key].as_str().unwrap_or_default().to_owned();
        coverage["hooks"].as_array().into_iter().flatten().any(|hook| {
            matches!(hook["state"].as_str(), Some("partial" | "blind"))
                && name.is_match(&text(hook, "name"))
                && why.is_match(&text(hook, "why"))
        })
    }

    /// Whether `record` is one of those that do not appear.
    pub fn covers_record(&self, record: &Value) -> bool {
        let vars = Vars::default();
        self.records
            .as_ref()
            .is_some_and(|want| want.iter().all(|(path, want)| want.holds(field(record, path), &vars)))
    }

    /// Whether a pattern asks for records that do not appear: all fields of the gap stand in it as they are.
    pub fn covers_pattern(&self, kind: &str, fields: &BTreeMap<String, Want>) -> bool {
        let vars = Vars::default();
        self.records.as_ref().is_some_and(|gap| {
            gap.iter().all(|(path, want)| match fields.get(path) {
                Some(Want::Exact(value)) => want.holds(Some(value), &vars),
                _ => path == "kind" && want.holds(Some(&Value::from(kind)), &vars),
            })
        })
    }
}

/// The gaps of one back end that its coverage record admits.
#[derive(Debug, Default)]
pub struct Admitted<'a>(Vec<&'a LeaveOut>);

impl<'a> Admitted<'a> {
    /// Those of `all` that hold for `backend` and that `coverage` names.
    pub fn new(all: &'a [LeaveOut], backend: Backend, coverage: &Value) -> Self {
        Self(all.iter().filter(|gap| gap.backend == backend && gap.admitted(coverage)).collect())
    }

    /// Whether `field` may be `null`.
    pub fn field(&self, name: &str) -> bool {
        self.0.iter().any(|gap| gap.fields.iter().any(|field| field == name))
    }

    /// Whether such a record need not appear.
    pub fn record(&self, record: &Value) -> bool {
        self.0.iter().any(|gap| gap.covers_record(record))
    }

    /// Whether such a pattern need not match.
    pub fn pattern(&self, kind: &str, fields: &BTreeMap<String, Want>) -> bool {
        self.0.iter().any(|gap| gap.covers_pattern(kind, fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_gap_excuses_only_when_coverage_admits_it() {
        let gap: LeaveOut = serde_json::from_value(json!({
            "backend": "ptrace", "fields": ["read_bytes"], "records": {"io_uring": true},
            "hook": "^io_uring$", "why": "."
        }))
        .expect("a leave-out");
        let silent = json!({"hooks": [{"name": "io_uring", "state": "attached", "why": ""}]});
        let honest = json!({"hooks": [{"name": "io_uring", "state": "blind", "why": "no stop"}]});
        let all = [gap];
        assert!(!Admitted::new(&all, Backend::Ptrace, &silent).field("read_bytes"));
        let admitted = Admitted::new(&all, Backend::Ptrace, &honest);
        assert!(admitted.field("read_bytes") && !admitted.field("path"));
        assert!(admitted.record(&json!({"io_uring": true})) && !admitted.record(&json!({})));
        assert!(!Admitted::new(&all, Backend::Ebpf, &honest).field("read_bytes"));
    }
}

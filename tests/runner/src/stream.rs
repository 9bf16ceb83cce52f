//! A run's output as a stream: what must hold for every run, whatever it watched.
//!
//! Each line is JSON and valid against docs/record.schema.json; `seq` counts from 0 without a gap; exactly
//! one `coverage` and one `ledger` end it; the ledger's equation holds and `emitted` is the number of other
//! lines.

use crate::case::Backend;
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// The compiled JSON schema.
pub struct Schema {
    validator: jsonschema::Validator,
    names: BTreeSet<String>,
}

impl std::fmt::Debug for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Schema").field("names", &self.names).finish_non_exhaustive()
    }
}

impl Schema {
    /// Reads and compiles the schema.
    ///
    /// # Errors
    /// When the file cannot be read or is no JSON schema.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| {
            format!("read JSON schema {}; make it with `cargo xtask schema`", path.display())
        })?;
        let schema: Value = serde_json::from_str(&text).context("parse JSON schema")?;
        let mut names = BTreeSet::new();
        property_names(&schema, &mut names);
        let validator = jsonschema::validator_for(&schema).context("compile JSON schema")?;
        Ok(Self { validator, names })
    }

    /// Whether any record has a field of this name.
    pub fn knows(&self, name: &str) -> bool {
        self.names.contains(name)
    }
}

fn property_names(schema: &Value, names: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::Object(properties)) = map.get("properties") {
                names.extend(properties.keys().cloned());
            }
            map.values().for_each(|value| property_names(value, names));
        }
        Value::Array(items) => items.iter().for_each(|value| property_names(value, names)),
        _ => {}
    }
}

/// A run's records.
#[derive(Debug, Default)]
pub struct Stream {
    /// All lines in order, `coverage` and `ledger` included.
    pub records: Vec<Value>,
}

impl Stream {
    /// Parses JSONL; lines that are no JSON go to `problems`.
    pub fn parse(text: &[u8], problems: &mut Vec<String>) -> Self {
        let mut records = Vec::new();
        let mut lines: Vec<&[u8]> = text.split(|&b| b == b'\n').collect();
        if lines.pop().is_some_and(|last| !last.is_empty()) {
            problems.push("the last line does not end with a newline".to_owned());
        }
        for (index, line) in lines.into_iter().enumerate() {
            match serde_json::from_slice(line) {
                Ok(record) => records.push(record),
                Err(error) => problems.push(format!("line {}: no JSON: {error}", index + 1)),
            }
        }
        Self { records }
    }

    /// The coverage record, `null` when there is none.
    pub fn coverage(&self) -> &Value {
        self.records.iter().rev().find(|record| record["kind"] == "coverage").unwrap_or(&Value::Null)
    }

    /// How often the kernel skipped a program, when that is all that was lost in this run; else 0.
    pub fn skipped_by_kernel(&self) -> u64 {
        let Some(lost) = self.records.last().and_then(|ledger| ledger["lost"].as_object()) else { return 0 };
        match lost.get("recursion").and_then(Value::as_u64) {
            Some(skipped) if lost.iter().all(|(cause, n)| cause == "recursion" || *n == 0) => skipped,
            _ => 0,
        }
    }

    /// Checks what must hold for every run.
    pub fn check(&self, schema: Option<&Schema>, backend: Backend, problems: &mut Vec<String>) {
        self.check_lines(schema, problems);
        self.check_end(backend, problems);
    }

    fn check_lines(&self, schema: Option<&Schema>, problems: &mut Vec<String>) {
        for (index, record) in self.records.iter().enumerate() {
            if record["seq"].as_u64() != u64::try_from(index).ok() {
                problems.push(format!("line {}: seq is {}, wanted {index}", index + 1, record["seq"]));
                break;
            }
        }
        let Some(schema) = schema else { return };
        for (index, record) in self.records.iter().enumerate() {
            if let Err(error) = schema.validator.validate(record) {
                problems.push(format!(
                    "line {}: not valid against the schema at {}: {error}",
                    index + 1,
                    error.instance_path()
                ));
                break;
            }
        }
    }

    fn check_end(&self, backend: Backend, problems: &mut Vec<String>) {
        let Some((others, [coverage, ledger])) = self.records.split_last_chunk::<2>() else {
            problems.push(format!("only {} records", self.records.len()));
            return;
        };
        if coverage["kind"] != "coverage" || ledger["kind"] != "ledger" {
            problems.push(format!("ends with {}, {}", coverage["kind"], ledger["kind"]));
            return;
        }
        if others.iter().any(|record| record["kind"] == "coverage" || record["kind"] == "ledger") {
            problems.push("more than one coverage or ledger record".to_owned());
        }
        if coverage["backend"] != backend.name() {
            problems.push(format!("coverage says back end {}", coverage["backend"]));
        }
        check_ledger(ledger, others.len() as u64, problems);
    }
}

fn check_ledger(ledger: &Value, lines: u64, problems: &mut Vec<String>) {
    let number = |key: &str| ledger[key].as_u64().unwrap_or(u64::MAX);
    let lost: u64 = ledger["lost"].as_object().into_iter().flatten().filter_map(|(_, n)| n.as_u64()).sum();
    if ledger["closes"] != true {
        problems.push(format!("the ledger does not close: {ledger}"));
    }
    if number("seen") != number("emitted").saturating_add(number("filtered")).saturating_add(lost) {
        problems.push(format!("seen is not emitted + filtered + lost: {ledger}"));
    }
    if number("emitted") != lines {
        problems.push(format!("the ledger says {} emitted, there are {lines} lines", number("emitted")));
    }
    if lost != 0 {
        problems.push(format!("events were lost: {}", ledger["lost"]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let mut problems = Vec::new();
        Stream::parse(text.as_bytes(), &mut problems).check(None, Backend::Ebpf, &mut problems);
        problems
    }

    const END: &str = "{\"seq\":1,\"kind\":\"coverage\",\"backend\":\"ebpf\"}\n";

    #[test]
    fn a_good_stream_has_no_problems() {
        let ledger = r#"{"seq":2,"kind":"ledger","seen":1,"emitted":1,"filtered":0,"lost":{},"closes":true}"#;
        assert_eq!(problems(&format!("{{\"seq\":0,\"kind\":\"x\"}}\n{END}{ledger}\n")), Vec::<String>::new());
    }

    #[test]
    fn gaps_losses_and_lies_are_found() {
        let ledger =
            r#"{"seq":2,"kind":"ledger","seen":3,"emitted":2,"filtered":0,"lost":{"ring":1},"closes":true}"#;
        let found = problems(&format!("{{\"seq\":5,\"kind\":\"x\"}}\n{END}{ledger}\n"));
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(problems("{\"seq\":0}\nrubbish").len(), 2);
    }
}

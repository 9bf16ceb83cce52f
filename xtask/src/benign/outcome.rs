//! What became of a piece of honest work.

use std::collections::HashMap;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

/// Lines of a failed script's output that are told.
const MAX_LINES: usize = 12;

/// How it went.
pub(super) enum Outcome {
    /// It cannot run here.
    Skipped(String),
    /// No alert.
    Quiet { records: usize, seconds: f64 },
    /// Why it failed, a fact each.
    Failed(Vec<String>),
}

impl Outcome {
    pub(super) fn is_failure(&self) -> bool {
        matches!(self, Self::Failed(_))
    }

    /// A line of the table.
    pub(super) fn line(&self, name: &str) -> String {
        match self {
            Self::Skipped(why) => format!("skip {name:<20} {why}"),
            Self::Quiet { records, seconds } => {
                format!("ok   {name:<20} {records:>8} records {seconds:>6.1} s, no alert")
            }
            Self::Failed(why) => format!("FAIL {name:<20} {}", why.join("\n     ")),
        }
    }
}

/// Reads what a run has told.
///
/// # Errors
/// When the records cannot be read.
pub(super) fn judge(records: &Path, status: ExitStatus, output: &str, took: Duration) -> Result<Outcome> {
    let text = std::fs::read_to_string(records).with_context(|| format!("read {}", records.display()))?;
    let all: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let kind = |record: &Value| record["kind"].as_str().unwrap_or_default().to_owned();
    let by_seq: HashMap<u64, &Value> =
        all.iter().filter_map(|record| Some((record["seq"].as_u64()?, record))).collect();
    let mut faults = Vec::new();
    for alert in all.iter().filter(|record| kind(record) == "alert") {
        faults.push(format!("alert {}: {}", alert["rule"], alert["message"]));
        let evidence = alert["evidence"].as_array().into_iter().flatten().filter_map(Value::as_u64);
        faults.extend(evidence.filter_map(|seq| by_seq.get(&seq)).map(|record| format!("  of {record}")));
    }
    match all.iter().rfind(|record| kind(record) == "ledger") {
        Some(ledger) if ledger["closes"] == true => {}
        Some(ledger) => faults.push(format!("the ledger does not close: {ledger}")),
        None => faults.push("there is no ledger".to_owned()),
    }
    if !status.success() {
        let lines: Vec<&str> = output.lines().collect();
        faults.push(format!("the work failed: {status}"));
        faults
            .extend(lines.iter().skip(lines.len().saturating_sub(MAX_LINES)).map(|line| format!("  {line}")));
    }
    Ok(match faults.is_empty() {
        true => Outcome::Quiet { records: all.len(), seconds: took.as_secs_f64() },
        false => Outcome::Failed(faults),
    })
}

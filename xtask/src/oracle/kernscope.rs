//! The same facts from kernscope's records.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::facts::Facts;

/// The facts of a run's records.
pub(super) fn facts(jsonl: &str) -> Result<Facts> {
    let mut facts = Facts::default();
    let mut closes = false;
    for line in jsonl.lines() {
        let record: Value = serde_json::from_str(line).context("parse a record")?;
        match record["kind"].as_str().unwrap_or_default() {
            "process_exec" => exec(&mut facts, &record),
            "file_open" if record["ret"].as_i64().is_some_and(|ret| ret >= 0) => {
                facts.open(text(&record, "path"), text(&record, "mode"));
            }
            "net_connect" => connect(&mut facts, &record),
            "ledger" => {
                closes =
                    record["closes"] == true && record["lost"].as_object().is_some_and(|lost| lost.is_empty())
            }
            _ => {}
        }
    }
    ensure!(closes, "the ledger does not close, or events were lost");
    Ok(facts)
}

fn text<'a>(record: &'a Value, field: &str) -> &'a str {
    record[field].as_str().unwrap_or_default()
}

/// For a script, the kernel puts the interpreter (and its argument) before the script's name.
fn exec(facts: &mut Facts, record: &Value) {
    let filename = text(record, "filename");
    let argv: Vec<String> = record["argv"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|arg| arg.as_str().unwrap_or_default().to_owned())
        .collect();
    let script = !record["interpreter"].is_null();
    let skip = if script { argv.iter().position(|arg| arg == filename).unwrap_or(0) } else { 0 };
    facts.exec(filename, argv.get(skip + 1..).unwrap_or_default());
}

fn connect(facts: &mut Facts, record: &Value) {
    if matches!(text(record, "proto"), "netlink") || record["remote"].is_null() {
        return;
    }
    let outcome = record["errno"].as_str().unwrap_or("0");
    facts.connect(text(record, "remote"), outcome);
}

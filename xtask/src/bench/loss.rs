//! Events that do not arrive: none at a stated rate; at any rate, exactly counted.
//!
//! The program counts the opens and closes that it makes. A run of the same command line that makes none tells how
//! many events its start and end are; the rest must be twice the pairs, to the event.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Bench;
use crate::tools;

/// Events a second at which none may be lost.
const RATE: u32 = 200_000;
/// Seconds as fast as it goes.
const UNLIMITED_S: u32 = 5;

struct Run {
    pairs: u64,
    ledger: Value,
    /// Lines in the output, `coverage` and `ledger` among them.
    lines: u64,
}

/// The table.
pub(super) fn table(bench: &Bench<'_>, seconds: u32) -> Result<String> {
    let empty = produce(bench, 0, 0)?;
    ensure!(empty.pairs == 0 && lost(&empty.ledger) == 0, "the empty run is not empty: {}", empty.ledger);
    let mut text = String::from(
        "## Loss\n\n| rate asked for, events/s | s | made | told, filtered | lost | made = told + filtered + lost | lines = emitted |\n| --: | --: | --: | --: | --: | --- | --- |\n",
    );
    for (rate, seconds) in [(RATE, seconds), (0, UNLIMITED_S)] {
        let run = produce(bench, rate, seconds)?;
        let number = |key: &str| run.ledger[key].as_u64().unwrap_or(0);
        let constant = empty.ledger["seen"].as_u64().unwrap_or(0);
        let made = run.pairs * 2 + constant;
        let dealt_with = number("emitted") + number("filtered");
        let lost = lost(&run.ledger);
        let exact = if made == dealt_with + lost { "yes" } else { "NO" };
        let lines = if run.lines == number("emitted") + 2 { "yes" } else { "NO" };
        let rate = if rate == 0 { "as fast as it goes".to_owned() } else { rate.to_string() };
        text.push_str(&format!(
            "| {rate} | {seconds} | {made} | {dealt_with} | {lost} | {exact} | {lines} |\n"
        ));
    }
    Ok(text)
}

fn lost(ledger: &Value) -> u64 {
    ledger["lost"].as_object().into_iter().flatten().filter_map(|(_, n)| n.as_u64()).sum()
}

fn produce(bench: &Bench<'_>, rate: u32, seconds: u32) -> Result<Run> {
    let records = bench.dir.join("loss.jsonl");
    let pairs = bench.dir.join("pairs");
    let script =
        format!("exec {} {rate} {seconds} > {}", bench.programs.path("produce"), pairs.to_string_lossy());
    let mut command = Command::new(bench.kernscope);
    command.args(["watch", "--backend", "ebpf", "--format", "jsonl", "--output"]).arg(&records);
    tools::run(command.args(["--", "/bin/sh", "-c", &script]))?;
    let said = std::fs::read_to_string(&pairs).context("read how many were made")?;
    // The file is far too large to be read here: the tools that count lines are faster.
    let count = tools::read(Command::new("wc").arg("-l").arg(&records))?;
    let last = tools::read(Command::new("tail").args(["-n", "1"]).arg(&records))?;
    std::fs::remove_file(&records).context("remove the records")?;
    Ok(Run {
        pairs: said.trim().parse().context("read how many were made")?,
        ledger: serde_json::from_str(&last).context("parse the ledger")?,
        lines: count.split_whitespace().next().unwrap_or_default().parse().context("count lines")?,
    })
}

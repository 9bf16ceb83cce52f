//! Events that do not arrive: none at a stated rate; at any rate, exactly counted. A third run stops kernscope for a
//! while (SIGSTOP), so that events are lost on any machine.
//!
//! The program counts the opens and closes that it makes. A run of the same command line that makes none tells how
//! many events its start and end are; the rest must be twice the pairs, to the event.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::Bench;
use crate::tools;

/// Events a second at which none may be lost.
const RATE: u32 = 200_000;
/// Seconds as fast as it goes.
const UNLIMITED_S: u32 = 5;
/// How long kernscope is stopped in the third run, which is one of [`UNLIMITED_S`].
const STOPPED: Duration = Duration::from_secs(2);

struct Run {
    pairs: u64,
    ledger: Value,
    /// Lines in the output, `coverage` and `ledger` among them.
    lines: u64,
}

/// The table.
pub(super) fn table(bench: &Bench<'_>, seconds: u32) -> Result<String> {
    let empty = produce(bench, 0, 0, false)?;
    ensure!(empty.pairs == 0 && lost(&empty.ledger) == 0, "the empty run is not empty: {}", empty.ledger);
    let mut text = String::from(
        "## Loss\n\n| rate asked for, events/s | s | made | told, filtered | lost | made = told + filtered + lost | lines = emitted |\n| --: | --: | --: | --: | --: | --- | --- |\n",
    );
    for (rate, seconds, stop) in [(RATE, seconds, false), (0, UNLIMITED_S, false), (0, UNLIMITED_S, true)] {
        let run = produce(bench, rate, seconds, stop)?;
        let number = |key: &str| run.ledger[key].as_u64().unwrap_or(0);
        let constant = empty.ledger["seen"].as_u64().unwrap_or(0);
        let made = run.pairs * 2 + constant;
        let dealt_with = number("emitted") + number("filtered");
        let lost = lost(&run.ledger);
        let exact = if made == dealt_with + lost { "yes" } else { "NO" };
        let lines = if run.lines == number("emitted") + 2 { "yes" } else { "NO" };
        let rate = match (rate, stop) {
            (0, false) => "as fast as it goes".to_owned(),
            (0, true) => format!("as fast as it goes, kernscope stopped for {} s", STOPPED.as_secs()),
            (rate, _) => rate.to_string(),
        };
        text.push_str(&format!(
            "| {rate} | {seconds} | {made} | {dealt_with} | {lost} | {exact} | {lines} |\n"
        ));
    }
    Ok(text)
}

fn lost(ledger: &Value) -> u64 {
    ledger["lost"].as_object().into_iter().flatten().filter_map(|(_, n)| n.as_u64()).sum()
}

fn produce(bench: &Bench<'_>, rate: u32, seconds: u32, stop: bool) -> Result<Run> {
    let records = bench.dir.join("loss.jsonl");
    let pairs = bench.dir.join("pairs");
    let mut command = Command::new(bench.kernscope);
    command.args(["watch", "--backend", "ebpf", "--format", "jsonl", "--output"]).arg(&records);
    command.arg("--").arg(bench.programs.path("produce")).args([rate.to_string(), seconds.to_string()]);
    command.arg(&pairs).stdin(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().context("start kernscope")?;
    if stop {
        pause(child.id(), &pairs)?;
    }
    let status = child.wait().context("wait for kernscope")?;
    ensure!(status.success(), "kernscope ended with {status}");
    let said = std::fs::read_to_string(&pairs).context("read how many were made")?;
    // The file is far too large to be read here: the tools that count lines are faster.
    let count = tools::read(Command::new("wc").arg("-l").arg(&records))?;
    let last = tools::read(Command::new("tail").args(["-n", "1"]).arg(&records))?;
    for file in [&records, &pairs] {
        std::fs::remove_file(file).with_context(|| format!("remove {}", file.display()))?;
    }
    Ok(Run {
        pairs: said.trim().parse().context("read how many were made")?,
        ledger: serde_json::from_str(&last).context("parse the ledger")?,
        lines: count.split_whitespace().next().unwrap_or_default().parse().context("count lines")?,
    })
}

/// Stops kernscope for a while, once the program has begun (it has made the file for its answer).
fn pause(pid: u32, begun: &Path) -> Result<()> {
    let pid = Pid::from_raw(i32::try_from(pid).context("a process id")?);
    let end = Instant::now() + Duration::from_secs(30);
    while !begun.exists() {
        ensure!(Instant::now() < end, "the program does not begin");
        std::thread::sleep(Duration::from_millis(10));
    }
    kill(pid, Signal::SIGSTOP).context("stop kernscope")?;
    std::thread::sleep(STOPPED);
    kill(pid, Signal::SIGCONT).context("continue kernscope")
}

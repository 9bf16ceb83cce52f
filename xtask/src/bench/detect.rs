//! `cargo xtask bench detect`: what the built-in detections cost a record, and the start.
//!
//! A recording of ordinary work is replayed with and without detections, in turn; what counts is processor time, so that a busy
//! machine does little harm. The start is a replay of next to nothing.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{children_cpu_s, median};
use crate::tools;

/// Shells, programs and opens as builds have them.
const WORK: &str = "i=0; while [ $i -lt 400 ]; do sh -c 'for f in /etc/hosts /etc/passwd /usr/share; do test -e $f && cat /etc/hostname > /dev/null; \
    done; echo \"a;b|c\" | sed \"s/;/ /\" | tr a-z A-Z | sort > out.txt; ls -l out.txt; gzip -9 -c out.txt > out.gz' > /dev/null; i=$((i+1)); done";

/// Flags of `cargo xtask bench detect`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The binary to measure; built in release mode when left out.
    #[arg(long, value_name = "PATH")]
    kernscope: Option<PathBuf>,
    /// Rounds of paired runs.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
}

/// Runs the task.
pub(super) fn run(args: &Args) -> Result<()> {
    let kernscope = tools::kernscope(args.kernscope.as_deref())?;
    let dir = std::env::temp_dir().join(format!("kernscope-bench-detect.{}", std::process::id()));
    std::fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
    let measured = measure(&kernscope, &dir, args.rounds);
    std::fs::remove_dir_all(&dir).with_context(|| format!("remove {}", dir.display()))?;
    measured
}

fn measure(kernscope: &Path, dir: &Path, rounds: usize) -> Result<()> {
    let (long, short) = (dir.join("long.raw"), dir.join("short.raw"));
    let records = record(kernscope, dir, &long, WORK)?;
    record(kernscope, dir, &short, ":")?;
    let mut costs: [Vec<f64>; 2] = Default::default();
    let mut starts: [Vec<f64>; 2] = Default::default();
    for _ in 0..rounds.max(1) {
        for (at, option) in [None, Some("--no-detections")].into_iter().enumerate() {
            costs[at].push(replay(kernscope, dir, &long, option)?);
            starts[at].push(replay(kernscope, dir, &short, option)?);
        }
    }
    let [with, without] = costs.map(|all| median(&all));
    let [start, bare] = starts.map(|all| median(&all));
    let million = 1e6 / records as f64;
    println!("records: {records}, of 400 rounds of shells and small programs");
    println!("a million records, with detections: {:.2} s of processor time", (with - start) * million);
    println!("a million records, without:         {:.2} s", (without - bare) * million);
    println!("the start, with detections: {:.1} ms, without: {:.1} ms", start * 1e3, bare * 1e3);
    Ok(())
}

/// Records a command's run; how many records it has.
fn record(kernscope: &Path, dir: &Path, to: &Path, work: &str) -> Result<u64> {
    let out = dir.join("records.jsonl");
    let mut command = Command::new(kernscope);
    command.args(["watch", "--format", "jsonl", "--output"]).arg(&out).arg("--record").arg(to);
    command.args(["--", "sh", "-c", work]).current_dir(dir).stdout(Stdio::null()).stderr(Stdio::null());
    tools::run(&mut command)?;
    let text = std::fs::read_to_string(&out).with_context(|| format!("read {}", out.display()))?;
    let ledger: Value =
        serde_json::from_str(text.lines().last().unwrap_or_default()).context("read the ledger")?;
    ledger["emitted"].as_u64().context("read the ledger: it does not say how many records there are")
}

/// Processor time of one replay, seconds.
fn replay(kernscope: &Path, dir: &Path, from: &Path, option: Option<&str>) -> Result<f64> {
    let before = children_cpu_s();
    let mut command = Command::new(kernscope);
    command.args(["watch", "--format", "jsonl", "--output", "/dev/null", "--replay"]).arg(from).args(option);
    let status = command.current_dir(dir).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    ensure!(status.success(), "replay {}: {status}", from.display());
    Ok(children_cpu_s() - before)
}

//! Where records go: a full disk, a reader that has gone or sleeps, a private file, a recording.

use super::{STEP, Stage, expect, finish};
use crate::process::{plain_environment, wait_until};
use crate::stream::Stream;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

/// Makes many records, then a file.
const BUSY: &str =
    "i=0; while [ $i -lt 3000 ]; do echo > f$((i % 7)); i=$((i + 1)); done; echo > finished; exit 3";

/// A full disk is told, and does not hurt the command.
pub(super) fn disk_full(stage: &Stage<'_>) -> Result<()> {
    let args = [
        "watch",
        "--backend",
        stage.backend.name(),
        "--format",
        "jsonl",
        "--output",
        "/dev/full",
        "--",
        "/bin/sh",
        "-c",
        BUSY,
    ];
    let outcome = stage.start("run", stage.theatre.kernscope, &args)?.finish(STEP)?;
    let said = String::from_utf8_lossy(&outcome.stderr);
    ensure!(stage.path("finished").exists(), "the command did not finish: {said}");
    ensure!(said.contains("No space left on device"), "the full disk is not told: {said}");
    ensure!(outcome.status.is_some_and(|status| status != 0), "exit status {:?}", outcome.status);
    Ok(())
}

fn piped(stage: &Stage<'_>) -> Result<std::process::Child> {
    let mut command = Command::new(stage.theatre.kernscope);
    command.args([
        "watch",
        "--backend",
        stage.backend.name(),
        "--format",
        "jsonl",
        "--",
        "/bin/sh",
        "-c",
        BUSY,
    ]);
    command.current_dir(&stage.dir).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    plain_environment(&mut command, &stage.dir);
    command.spawn().context("start kernscope")
}

fn await_end(child: &mut std::process::Child) -> Result<()> {
    let ended = wait_until(STEP, || child.try_wait().ok().flatten());
    if ended.is_none() {
        // It is this program's own child and has not been waited for.
        child.kill().ok();
        child.wait()?;
    }
    ensure!(ended.is_some(), "kernscope does not end");
    Ok(())
}

/// A reader that goes away (`| head -1`) does not hurt the command.
pub(super) fn reader_gone(stage: &Stage<'_>) -> Result<()> {
    let mut child = piped(stage)?;
    drop(child.stdout.take());
    let finished = stage.path("finished");
    let seen = wait_until(STEP, || finished.exists().then_some(()));
    await_end(&mut child)?;
    ensure!(seen.is_some(), "the command did not finish");
    Ok(())
}

/// A reader that takes nothing holds up kernscope, not the command; what is lost is counted.
pub(super) fn reader_asleep(stage: &Stage<'_>) -> Result<()> {
    let mut child = piped(stage)?;
    let finished = stage.path("finished");
    let seen = wait_until(STEP, || finished.exists().then_some(()));
    let mut text = Vec::new();
    if let Some(mut stdout) = child.stdout.take() {
        stdout.read_to_end(&mut text)?;
    }
    await_end(&mut child)?;
    ensure!(seen.is_some(), "the command waited for the reader");
    let mut problems = Vec::new();
    let stream = Stream::parse(&text, &mut problems);
    stream.check(stage.theatre.schema, stage.backend, &mut problems);
    problems.retain(|problem| !problem.starts_with("events were lost"));
    ensure!(problems.is_empty(), "{}", problems.join("\n  "));
    Ok(())
}

/// Nobody else can read the records.
pub(super) fn private_file(stage: &Stage<'_>) -> Result<()> {
    finish(stage.watch_script("run", "exit 2")?, 2)?;
    let mode = std::fs::metadata(stage.path("run.jsonl")).context("look at the output")?.permissions().mode();
    ensure!(mode & 0o777 == 0o600, "the output's mode is {:o}", mode & 0o777);
    stage.records("run")?;
    Ok(())
}

/// A command that is not there: a shell's status, and a line that names it.
pub(super) fn not_found(stage: &Stage<'_>) -> Result<()> {
    let outcome = finish(stage.watch("run", &["--", "/no/such/command"])?, 127)?;
    let said = String::from_utf8_lossy(&outcome.stderr);
    ensure!(said.contains("/no/such/command"), "the command is not named: {said}");
    finish(stage.watch("again", &["--", "/etc/passwd"])?, 126)?;
    Ok(())
}

/// What a recording gives is what the run gave.
pub(super) fn replay(stage: &Stage<'_>) -> Result<()> {
    let script = "mkdir d; echo x > d/f; mv d/f d/g; rm d/g; (exit 5); ln -s a b; exit 0";
    finish(stage.watch("run", &["--record", "raw", "--", "/bin/sh", "-c", script])?, 0)?;
    let live = stage.records("run")?;
    let args = ["watch", "--replay", "raw", "--format", "jsonl", "--output", "replay.jsonl"];
    finish(stage.start("replay", stage.theatre.kernscope, &args)?, 0)?;
    let text = std::fs::read(stage.path("replay.jsonl")).context("read the replayed records")?;
    let mut problems = Vec::new();
    let replayed = Stream::parse(&text, &mut problems).records;
    ensure!(problems.is_empty(), "{}", problems.join("\n  "));
    let told = |records: &[Value]| -> Vec<String> {
        let mut records = records.to_vec();
        records.retain(|record| record["kind"] != "coverage" && record["kind"] != "ledger");
        records.iter().map(Value::to_string).collect()
    };
    let (live_told, replayed_told) = (told(&live), told(&replayed));
    if let Some((a, b)) = live_told.iter().zip(&replayed_told).find(|(a, b)| a != b) {
        anyhow::bail!("live:     {a}\n  replayed: {b}");
    }
    ensure!(
        live_told.len() == replayed_told.len(),
        "{} records live, {} replayed",
        live_told.len(),
        replayed_told.len()
    );
    expect(&replayed, "ledger", "that closes", |record| record["closes"] == true)
}

//! Ctrl-C, SIGTERM, the terminal's hang-up, SIGKILL: the run's end and the command's fate.

use super::{STEP, Stage, alive, expect, finish, pid_in};
use crate::case::Backend;
use crate::process::wait_until;
use anyhow::{Result, ensure};
use nix::sys::signal::{Signal, kill, killpg};

/// Tells its process id by renaming, so that the file is whole when it is there.
const READY: &str = "echo $$ > pid; mv pid ready;";

/// A terminal sends Ctrl-C to both: the command dies of it, the account is still told.
pub(super) fn interrupt(stage: &Stage<'_>) -> Result<()> {
    let mut watch = stage.watch_script("run", &format!("{READY} exec sleep 60"))?;
    stage.await_file("ready", &mut watch)?;
    killpg(watch.pid(), Signal::SIGINT)?;
    finish(watch, 130)?;
    let records = stage.records("run")?;
    expect(&records, "process_exit", "by SIGINT", |record| record["signal"] == 2)
}

/// A command that ignores Ctrl-C is watched to its end.
pub(super) fn interrupt_ignored(stage: &Stage<'_>) -> Result<()> {
    let script =
        format!("trap '' INT; {READY} until [ -e go ]; do sleep 0.02; done; echo > survived; exit 7");
    let mut watch = stage.watch_script("run", &script)?;
    stage.await_file("ready", &mut watch)?;
    killpg(watch.pid(), Signal::SIGINT)?;
    stage.touch("go")?;
    finish(watch, 7)?;
    let records = stage.records("run")?;
    let survived = stage.path("survived");
    expect(&records, "file_open", "of survived", |record| record["path"] == *survived.to_string_lossy())
}

/// The second Ctrl-C ends the watch at once, with its account; under eBPF the command goes on.
pub(super) fn interrupt_twice(stage: &Stage<'_>) -> Result<()> {
    let mut watch = stage.watch_script("run", &format!("trap '' INT; {READY} exec sleep 60"))?;
    stage.await_file("ready", &mut watch)?;
    let command = pid_in(&stage.path("ready"))?;
    let stderr_before = watch.stderr_so_far().len();
    kill(watch.pid(), Signal::SIGINT)?;
    // The first has been dealt with once it has been answered.
    wait_until(STEP, || (watch.stderr_so_far().len() > stderr_before).then_some(()));
    kill(watch.pid(), Signal::SIGINT)?;
    let outcome = watch.finish(STEP)?;
    let lives = alive(command);
    // It may be gone already; that is judged below.
    kill(command, Signal::SIGKILL).ok();
    ensure!(outcome.status.is_some(), "the second signal did not end the watch");
    stage.records("run")?;
    ensure!(lives == (stage.backend == Backend::Ebpf), "the command lives on: {lives}");
    Ok(())
}

/// SIGTERM is sent to kernscope alone: it is passed on.
pub(super) fn terminate(stage: &Stage<'_>) -> Result<()> {
    passed_on(stage, Signal::SIGTERM, "TERM")
}

/// So is the hang-up.
pub(super) fn hang_up(stage: &Stage<'_>) -> Result<()> {
    passed_on(stage, Signal::SIGHUP, "HUP")
}

fn passed_on(stage: &Stage<'_>, signal: Signal, name: &str) -> Result<()> {
    let script = format!("trap 'echo > got; exit 9' {name}; {READY} while :; do sleep 0.02; done");
    let mut watch = stage.watch_script("run", &script)?;
    stage.await_file("ready", &mut watch)?;
    kill(watch.pid(), signal)?;
    finish(watch, 9)?;
    ensure!(stage.path("got").exists(), "the command did not get the signal");
    stage.records("run")?;
    Ok(())
}

/// kernscope itself is killed: under eBPF the command goes on, under ptrace it dies with its tracer.
pub(super) fn killed(stage: &Stage<'_>) -> Result<()> {
    let script = format!("{READY} until [ -e go ]; do sleep 0.02; done; echo > finished");
    let mut watch = stage.watch_script("run", &script)?;
    stage.await_file("ready", &mut watch)?;
    let command = pid_in(&stage.path("ready"))?;
    kill(watch.pid(), Signal::SIGKILL)?;
    ensure!(watch.finish(STEP)?.status == Some(137), "kernscope was not killed");
    let ended = |limit| wait_until(limit, || (!alive(command)).then_some(())).is_some();
    if stage.backend == Backend::Ptrace {
        ensure!(ended(STEP), "the command outlives its tracer");
        return Ok(());
    }
    ensure!(alive(command), "the command died with kernscope");
    stage.touch("go")?;
    ensure!(ended(STEP) && stage.path("finished").exists(), "the command did not finish");
    Ok(())
}

//! Watching what runs already, and more than one watch at a time.

use super::{STEP, Stage, alive, expect, finish};
use anyhow::{Result, ensure};
use nix::sys::signal::{Signal, kill};
use serde_json::Value;
use std::path::Path;

fn is_path(record: &Value, path: &Path) -> bool {
    record["path"] == *path.to_string_lossy()
}

/// Each of two watches tells of its own tree only.
pub(super) fn two_at_once(stage: &Stage<'_>) -> Result<()> {
    let script = |mine: &str, other: &str| {
        format!("echo > {mine}; until [ -e {other} ]; do sleep 0.02; done; echo > {mine}.more")
    };
    let first = stage.watch_script("first", &script("one", "two"))?;
    let second = stage.watch_script("second", &script("two", "one"))?;
    finish(first, 0)?;
    finish(second, 0)?;
    for (stem, mine, other) in [("first", "one", "two"), ("second", "two", "one")] {
        let records = stage.records(stem)?;
        for name in [mine.to_owned(), format!("{mine}.more")] {
            let path = stage.path(&name);
            expect(&records, "file_open", &name, |record| is_path(record, &path))?;
        }
        let foreign = stage.path(other);
        ensure!(
            !records.iter().any(|r| r["kind"] == "file_open" && is_path(r, &foreign)),
            "the watch of {mine} tells of {other}"
        );
    }
    Ok(())
}

/// A shell with an open file: what it had open is known, what it does next is told.
pub(super) fn to_a_shell(stage: &Stage<'_>) -> Result<()> {
    let script = "exec 5>>held; echo > ready; until [ -e go ]; do sleep 0.02; done; \
                  echo data >&5; (echo > from-child); exit 4";
    let mut shell = stage.start("shell", Path::new("/bin/sh"), &["-c", script])?;
    stage.await_file("ready", &mut shell)?;
    let pid = shell.pid().as_raw();
    let mut watch = stage.watch("run", &["--pid", &pid.to_string()])?;
    stage.await_record("run", "process_snapshot", &mut watch)?;
    stage.touch("go")?;
    finish(shell, 4)?;
    finish(watch, 0)?;
    let records = stage.records("run")?;
    let by = |record: &Value| record["proc"]["pid"] == pid;
    expect(&records, "process_snapshot", "of the shell", |r| by(r) && r["watched"] == true)?;
    let held = stage.path("held");
    expect(&records, "file_close", "of held", |r| by(r) && is_path(r, &held))?;
    let child = stage.path("from-child");
    expect(&records, "file_open", "in the child", |r| !by(r) && is_path(r, &child))?;
    expect(&records, "process_exit", "of the shell", |r| by(r) && r["code"] == 4)
}

/// Threads and children that were there before are inside the watch.
pub(super) fn to_threads_and_children(stage: &Stage<'_>) -> Result<()> {
    let mut program = stage.start("program", stage.theatre.attach_program, &[])?;
    stage.await_file("ready", &mut program)?;
    let pid = program.pid().as_raw();
    let mut watch = stage.watch("run", &["--pid", &pid.to_string()])?;
    stage.await_record("run", "process_snapshot", &mut watch)?;
    stage.touch("go")?;
    finish(program, 0)?;
    finish(watch, 0)?;
    let records = stage.records("run")?;
    let thread = stage.path("by-thread");
    expect(&records, "file_open", "by the thread", |r| {
        is_path(r, &thread) && r["proc"]["pid"] == pid && r["proc"]["tid"] != pid
    })?;
    let held = stage.path("held");
    expect(&records, "file_close", "of held at exit", |r| {
        is_path(r, &held)
            && r["proc"]["pid"] == pid
            && r["cause"] == "exit"
            && r["write_bytes"].as_u64().is_none_or(|n| n == 5)
    })?;
    let child = stage.path("by-child");
    expect(&records, "file_open", "by the child", |r| is_path(r, &child) && r["proc"]["ppid"] == pid)?;
    expect(&records, "process_exit", "of the child", |r| r["code"] == 6 && r["proc"]["ppid"] == pid)
}

/// Ctrl-C on an attached watch leaves the process as it was.
pub(super) fn and_leave(stage: &Stage<'_>) -> Result<()> {
    let script = "echo > ready; until [ -e go ]; do sleep 0.02; done; echo > after; mkdir dir; exit 5";
    let mut shell = stage.start("shell", Path::new("/bin/sh"), &["-c", script])?;
    stage.await_file("ready", &mut shell)?;
    let pid = shell.pid();
    let mut watch = stage.watch("run", &["--pid", &pid.to_string()])?;
    stage.await_record("run", "process_snapshot", &mut watch)?;
    kill(watch.pid(), Signal::SIGINT)?;
    finish(watch, 0)?;
    stage.records("run")?;
    ensure!(alive(pid), "the process died with the watch");
    stage.touch("go")?;
    finish(shell, 5)?;
    ensure!(stage.path("dir").is_dir(), "the process does not work any more");
    Ok(())
}

/// Everything on the machine, a new process among it.
pub(super) fn all(stage: &Stage<'_>) -> Result<()> {
    let mut watch = stage.watch("run", &["--all"])?;
    stage.await_record("run", "process_snapshot", &mut watch)?;
    finish(stage.start("other", Path::new("/bin/sh"), &["-c", "echo > touched; exit 3"])?, 3)?;
    let touched = stage.path("touched");
    let needle = touched.to_string_lossy().into_owned();
    let file = stage.path("run.jsonl");
    crate::process::wait_until(STEP, || {
        let text = std::fs::read(&file).unwrap_or_default();
        String::from_utf8_lossy(&text).contains(&needle).then_some(())
    });
    kill(watch.pid(), Signal::SIGINT)?;
    finish(watch, 0)?;
    let records = stage.records("run")?;
    expect(&records, "file_open", "of touched", |r| is_path(r, &touched) && r["mode"] == "create")?;
    expect(&records, "process_exit", "with 3", |r| r["code"] == 3)
}

//! Resident memory of kernscope on a large tree of processes that live at the same time.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::Bench;

/// The table.
pub(super) fn table(bench: &Bench<'_>, processes: u32) -> Result<String> {
    let mut text = format!(
        "## Memory on a tree of {processes} processes\n\n| back end | peak resident, MiB |\n| --- | --: |\n"
    );
    for backend in ["ebpf", "ptrace"] {
        let mib = peak_mib(bench, backend, &[&processes.to_string()])?;
        text.push_str(&format!("| {backend} | {mib:.1} |\n"));
    }
    Ok(text)
}

/// The most memory that kernscope had while `tree ARGS` ran under it.
pub(super) fn peak_mib(bench: &Bench<'_>, backend: &str, args: &[&str]) -> Result<f64> {
    let mut command = Command::new(bench.kernscope);
    command.args(["watch", "--backend", backend, "--format", "jsonl", "--output", "/dev/null", "--"]);
    command.arg(bench.programs.path("tree")).args(args);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    peak_of(command.spawn().context("start kernscope")?)
}

/// Waits for `child` and gives its peak resident memory, MiB.
pub(crate) fn peak_of(mut child: Child) -> Result<f64> {
    let path = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0_u32;
    let status = loop {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        if let Some(kib) = line.and_then(|line| line.split_whitespace().next()?.parse().ok()) {
            peak_kib = peak_kib.max(kib);
        }
        if let Some(status) = child.try_wait().context("wait for kernscope")? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    ensure!(status.success(), "kernscope ended with {status}");
    Ok(f64::from(peak_kib) / 1024.0)
}

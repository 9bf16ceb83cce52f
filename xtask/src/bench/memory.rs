//! Resident memory of kernscope on a large tree of processes that live at the same time.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::Bench;

/// The table.
pub(super) fn table(bench: &Bench<'_>, processes: u32) -> Result<String> {
    let mut text = format!(
        "## Memory on a tree of {processes} processes\n\n| back end | resident at the end, MiB | peak (while loading), MiB |\n| --- | --: | --: |\n"
    );
    for backend in ["ebpf", "ptrace"] {
        let memory = of_tree(bench, backend, &[&processes.to_string()])?;
        text.push_str(&format!("| {backend} | {:.1} | {:.1} |\n", memory.last_mib, memory.peak_mib));
    }
    Ok(text)
}

/// What kernscope had while `tree ARGS` ran under it.
fn of_tree(bench: &Bench<'_>, backend: &str, args: &[&str]) -> Result<Memory> {
    let mut command = Command::new(bench.kernscope);
    command.args(["watch", "--backend", backend, "--format", "jsonl", "--output", "/dev/null", "--"]);
    command.arg(bench.programs.path("tree")).args(args);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    memory_of(command.spawn().context("start kernscope")?)
}

/// Resident memory of a process.
#[derive(Default)]
pub(crate) struct Memory {
    /// The most it ever had.
    pub(crate) peak_mib: f64,
    /// What it had last, when every process of the tree had been there.
    pub(crate) last_mib: f64,
}

/// Waits for `child` and gives its resident memory.
pub(crate) fn memory_of(mut child: Child) -> Result<Memory> {
    let path = format!("/proc/{}/status", child.id());
    let mut memory = Memory::default();
    let status = loop {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let mib = |name: &str| -> Option<f64> {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.split_whitespace().next()?.parse::<f64>().ok()? / 1024.0)
        };
        if let (Some(peak), Some(now)) = (mib("VmHWM:"), mib("VmRSS:")) {
            memory = Memory { peak_mib: peak, last_mib: now };
        }
        if let Some(status) = child.try_wait().context("wait for kernscope")? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    ensure!(status.success(), "kernscope ended with {status}");
    Ok(memory)
}

//! A process that is not watched, beside a watch that is: what everybody else pays.

use anyhow::Result;

use super::cost::last_number;
use super::watcher::{Beside, Watcher};
use super::{Bench, median};
use crate::tools;

/// Programs on the two raw system call tracepoints that look at the process id and go away: what the tier costs
/// whoever is on it.
const RAW_TRACEPOINTS: &str = "tracepoint:raw_syscalls:sys_enter /pid == 1/ { @ = count(); } tracepoint:raw_syscalls:sys_exit /pid == 1/ { @ = count(); }";

/// The table.
pub(super) fn table(bench: &Bench<'_>, iterations: u64) -> Result<String> {
    let count = iterations.to_string();
    let program = bench.programs.path("openclose");
    let measure = || -> Result<f64> {
        let said = Watcher::Unwatched.run(bench.kernscope, &[&program, &count], bench.dir)?;
        Ok(last_number(&said)? / iterations as f64)
    };
    let kernscope = bench.kernscope.to_string_lossy().into_owned();
    let sleeping =
        ["watch", "--backend", "ebpf", "--format", "jsonl", "--output", "/dev/null", "--", "sleep", "3600"];
    let with_peer = tools::find("bpftrace").is_some();
    let mut rows = [
        ("alone", Vec::new()),
        ("beside kernscope (ebpf)", Vec::new()),
        ("beside two empty raw tracepoints (bpftrace)", Vec::new()),
    ];
    for _ in 0..bench.rounds {
        rows[0].1.push(measure()?);
        {
            let mut beside = Beside::default();
            beside.add(&kernscope, &sleeping)?;
            beside.settle();
            rows[1].1.push(measure()?);
        }
        if with_peer {
            let mut beside = Beside::default();
            beside.add("bpftrace", &["-e", RAW_TRACEPOINTS])?;
            beside.settle();
            rows[2].1.push(measure()?);
        }
    }
    let mut text = String::from(
        "## An unwatched loop beside a running watch\n\n| | ns an iteration | ratio to alone |\n| --- | --: | --: |\n",
    );
    for (name, values) in &rows {
        if values.is_empty() {
            text.push_str(&format!("| {name} | not installed | |\n"));
            continue;
        }
        let ratios: Vec<f64> = values.iter().zip(&rows[0].1).map(|(value, base)| value / base).collect();
        text.push_str(&format!("| {name} | {:.0} | {:.3} |\n", median(values), median(&ratios)));
    }
    Ok(text)
}

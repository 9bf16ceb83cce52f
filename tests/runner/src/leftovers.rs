//! eBPF programs that nobody holds any more but that are still there: what a monitor must never leave.
//!
//! Asked of `bpftool`, which names the processes that hold each program. Other monitors may come and go while
//! a case runs, so only a program that is new *and* held by no process counts; and while another kernscope runs
//! (whose programs may be held by links alone), nothing can be said.

use crate::process::wait_until;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::Duration;

/// Programs are freed some time after their last holder has gone (RCU).
const GRACE: Duration = Duration::from_secs(5);

/// Ids of the programs that are there now.
#[derive(Debug)]
pub struct Before(BTreeSet<u64>);

impl Before {
    /// `None` without bpftool or privilege.
    pub fn look() -> Option<Self> {
        Some(Self(programs()?.iter().filter_map(|program| program["id"].as_u64()).collect()))
    }

    /// New programs that had no holder each time in a while in which the kernel had time to free them.
    pub fn left_behind(&self) -> Vec<String> {
        let mut left = self.orphans();
        wait_until(GRACE, || {
            if another_kernscope() {
                left.clear();
            }
            if !left.is_empty() {
                // One that is being set up or freed by another monitor is no orphan for long.
                let still = self.orphans();
                left.retain(|id, _| still.contains_key(id));
            }
            left.is_empty().then_some(())
        });
        left.into_iter().map(|(id, name)| format!("eBPF program {id} {name}, held by no process")).collect()
    }

    fn orphans(&self) -> BTreeMap<u64, String> {
        let orphan = |program: &Value| {
            let id = program["id"].as_u64().filter(|id| !self.0.contains(id))?;
            let free = program["pids"].as_array().is_none_or(Vec::is_empty);
            free.then(|| (id, program["name"].as_str().unwrap_or_default().to_owned()))
        };
        programs().unwrap_or_default().iter().filter_map(orphan).collect()
    }
}

fn another_kernscope() -> bool {
    let Ok(entries) = std::fs::read_dir("/proc") else { return false };
    entries.flatten().any(|entry| {
        std::fs::read_to_string(entry.path().join("comm")).is_ok_and(|comm| comm.trim_end() == "kernscope")
    })
}

fn programs() -> Option<Vec<Value>> {
    let output = Command::new("bpftool").args(["-j", "prog", "list"]).output().ok()?;
    output.status.success().then(|| serde_json::from_slice(&output.stdout).ok())?
}

//! eBPF programs that nobody holds any more but that are still there: what a monitor must never leave.
//!
//! Asked of `bpftool`, which names the processes that hold each program. Other monitors may come and go while
//! a case runs, so only a program that is new *and* held by no process counts.

use crate::process::wait_until;
use serde_json::Value;
use std::collections::BTreeSet;
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

    /// New programs without a holder, after giving the kernel time to free them.
    pub fn left_behind(&self) -> Vec<String> {
        let mut left = Vec::new();
        wait_until(GRACE, || {
            left = self.orphans();
            left.is_empty().then_some(())
        });
        left
    }

    fn orphans(&self) -> Vec<String> {
        let new = |program: &&Value| program["id"].as_u64().is_some_and(|id| !self.0.contains(&id));
        let orphan = |program: &&Value| program["pids"].as_array().is_none_or(Vec::is_empty);
        programs().unwrap_or_default().iter().filter(new).filter(orphan).map(Value::to_string).collect()
    }
}

fn programs() -> Option<Vec<Value>> {
    let output = Command::new("bpftool").args(["-j", "prog", "list"]).output().ok()?;
    output.status.success().then(|| serde_json::from_slice(&output.stdout).ok())?
}

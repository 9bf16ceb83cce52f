//! The tree of processes, as far as the records tell it.

use kernscope_report::pretty::clean;
use kernscope_report::{Body, Entry};
use std::collections::BTreeMap;

/// Processes that are kept; beyond them the ones that ended first go.
const KEPT: usize = 4096;
/// Deepest indentation, in steps.
const DEPTH_MAX: usize = 16;

/// A process.
#[derive(Debug, Default)]
pub(super) struct Process {
    pub(super) pid: u32,
    ppid: u32,
    pub(super) name: String,
    pub(super) records: u64,
    /// How it ended, if it did.
    pub(super) ended: Option<String>,
    /// When it was met first: the order among brothers.
    order: u64,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Processes {
    by_pid: BTreeMap<u32, Process>,
    met: u64,
}

impl Processes {
    /// Learns from an entry.
    pub(super) fn take(&mut self, entry: &Entry) {
        let Some(proc) = &entry.proc else { return };
        if matches!(entry.body, Body::ProcessSnapshot { watched: false, .. }) {
            return;
        }
        let process = self.meet(proc.pid, proc.ppid, &proc.comm);
        process.records += 1;
        match &entry.body {
            Body::ProcessSnapshot { argv, .. } | Body::ProcessExec { argv, .. } if !argv.is_empty() => {
                process.name = clean::command(argv);
                process.ended = None;
            }
            Body::ProcessExit { code, signal, .. } => {
                process.ended = Some(match (code, signal) {
                    (Some(code), _) => code.to_string(),
                    (None, Some(signal)) => format!("signal {signal}"),
                    (None, None) => "?".to_owned(),
                });
            }
            Body::ProcessFork { child_pid, child_ppid, .. } => {
                let (parent, name) = (child_ppid.unwrap_or(proc.pid), process.name.clone());
                // The number may have been another's before.
                self.by_pid.remove(child_pid);
                self.meet(*child_pid, parent, &name);
            }
            _ => {}
        }
    }

    fn meet(&mut self, pid: u32, ppid: u32, name: &str) -> &mut Process {
        if !self.by_pid.contains_key(&pid) && self.by_pid.len() >= KEPT {
            self.let_one_go();
        }
        self.met += 1;
        let order = self.met;
        let new = || Process { pid, ppid, name: clean::text(name).into_owned(), order, ..Process::default() };
        self.by_pid.entry(pid).or_insert_with(new)
    }

    fn let_one_go(&mut self) {
        let oldest = |ended: bool| {
            let those = self.by_pid.values().filter(|process| process.ended.is_some() || !ended);
            those.min_by_key(|process| process.order).map(|process| process.pid)
        };
        if let Some(pid) = oldest(true).or_else(|| oldest(false)) {
            self.by_pid.remove(&pid);
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.by_pid.len()
    }

    /// Each with its depth, a parent before its children.
    pub(super) fn rows(&self) -> Vec<(usize, &Process)> {
        let mut below: BTreeMap<u32, Vec<&Process>> = BTreeMap::new();
        let mut roots = Vec::new();
        for process in self.by_pid.values() {
            let is_root = process.ppid == process.pid || !self.by_pid.contains_key(&process.ppid);
            if is_root { roots.push(process) } else { below.entry(process.ppid).or_default().push(process) }
        }
        let mut rows = Vec::with_capacity(self.by_pid.len());
        let newest_first =
            |list: &mut Vec<&Process>| list.sort_by_key(|process| std::cmp::Reverse(process.order));
        newest_first(&mut roots);
        let mut stack: Vec<_> = roots.into_iter().map(|process| (0, process)).collect();
        // A child is taken out when its parent is met: a circle of numbers used again has no root, and no end here.
        while let Some((depth, process)) = stack.pop() {
            rows.push((depth, process));
            let mut children = below.remove(&process.pid).unwrap_or_default();
            newest_first(&mut children);
            stack.extend(children.into_iter().map(|child| ((depth + 1).min(DEPTH_MAX), child)));
        }
        rows
    }
}

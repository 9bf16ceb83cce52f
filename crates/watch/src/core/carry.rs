//! Counters that were told while no descriptor went away: they go into the next close of that open file.
//!
//! Bound: [`MAX_CARRIED`] open files. When that is reached, the counters are told at once in a record of their own,
//! with the cause `flush`, so that the sum over all records stays exact.

use kernscope_report::{Body, Entry};
use std::collections::BTreeMap;

/// Open files with counters that wait for a close.
pub(super) const MAX_CARRIED: usize = 8192;

/// What moved: for a file read and written, for a socket received and sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counters {
    pub(super) in_bytes: u64,
    pub(super) out_bytes: u64,
    pub(super) ins: u64,
    pub(super) outs: u64,
}

impl Counters {
    pub(super) fn is_zero(self) -> bool {
        self == Self::default()
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            in_bytes: self.in_bytes.saturating_add(other.in_bytes),
            out_bytes: self.out_bytes.saturating_add(other.out_bytes),
            ins: self.ins.saturating_add(other.ins),
            outs: self.outs.saturating_add(other.outs),
        }
    }

    /// Writes them into the record of a close.
    pub(super) fn fill(self, entry: &mut Entry) {
        match &mut entry.body {
            Body::FileClose { read_bytes, write_bytes, reads, writes, .. } => {
                *read_bytes = Some(self.in_bytes);
                *write_bytes = Some(self.out_bytes);
                *reads = Some(self.ins);
                *writes = Some(self.outs);
            }
            Body::NetClose { bytes_sent, bytes_received, .. } => {
                *bytes_sent = Some(self.out_bytes);
                *bytes_received = Some(self.in_bytes);
            }
            _ => {}
        }
    }
}

/// Counters by process and open file, with the record that tells them if no close ever does.
#[derive(Debug, Default)]
pub(super) struct Carry(BTreeMap<(u32, u64), (Counters, Entry)>);

impl Carry {
    /// Adds counters. Gives back a record to tell at once when there is no room.
    pub(super) fn add(&mut self, pid: u32, file: u64, counters: Counters, entry: Entry) -> Option<Entry> {
        if let Some((sum, _)) = self.0.get_mut(&(pid, file)) {
            *sum = sum.plus(counters);
            return None;
        }
        if self.0.len() >= MAX_CARRIED {
            return Some(flushed(counters, entry));
        }
        self.0.insert((pid, file), (counters, entry));
        None
    }

    /// The counters that wait for this close; zero when there are none.
    pub(super) fn take(&mut self, pid: u32, file: u64) -> Counters {
        if self.0.is_empty() {
            return Counters::default();
        }
        self.0.remove(&(pid, file)).map(|(counters, _)| counters).unwrap_or_default()
    }

    /// What no close has told of a process that has ended.
    pub(super) fn take_process(&mut self, pid: u32) -> Vec<Entry> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let files: Vec<u64> = self.0.range((pid, 0)..=(pid, u64::MAX)).map(|(&(_, file), _)| file).collect();
        files
            .into_iter()
            .filter_map(|file| self.0.remove(&(pid, file)))
            .map(|(sum, entry)| flushed(sum, entry))
            .collect()
    }

    /// What no close has told at the end of the run.
    pub(super) fn take_all(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.0).into_values().map(|(sum, entry)| flushed(sum, entry)).collect()
    }
}

fn flushed(counters: Counters, mut entry: Entry) -> Entry {
    counters.fill(&mut entry);
    if let Body::FileClose { cause, .. } = &mut entry.body {
        "flush".clone_into(cause);
    }
    entry
}

//! What waits to be written: batches of entries between the run's thread and the one that writes.
//!
//! Bounded by [`QUEUE_BYTES`]: beyond it the run's thread is told no, and counts. It never waits, since it is the one that empties
//! the ring, where a wait would cost every output records, and not this one alone.

use crate::{Body, Entry};
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// About how much may wait for a slow disk or a locked file.
pub(crate) const QUEUE_BYTES: usize = 64 * 1024 * 1024;

/// Entries in a row.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// `seq` of the first one.
    pub(crate) first_seq: u64,
    pub(crate) entries: Vec<Entry>,
    /// About how many bytes they take.
    pub(crate) bytes: usize,
}

/// Entries that one wants to hand on together.
const BATCH_RECORDS: usize = 1024;
/// Bytes of them.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// How far apart the first and the last of a batch may be, nanoseconds.
const BATCH_NS: u64 = 200_000_000;

impl Batch {
    /// Adds an entry; whether the batch should be handed on.
    pub(crate) fn add(&mut self, seq: u64, entry: Entry) -> bool {
        if self.entries.is_empty() {
            self.first_seq = seq;
        }
        self.bytes += weight(&entry);
        self.entries.push(entry);
        let (first, last) = (self.entries.first(), self.entries.last());
        let spans = first.zip(last).map_or(0, |(first, last)| last.ts_ns.saturating_sub(first.ts_ns));
        self.entries.len() >= BATCH_RECORDS || self.bytes >= BATCH_BYTES || spans >= BATCH_NS
    }
}

/// The queue.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    /// There is something to do.
    work: Condvar,
    /// There is less that waits, or nothing is taken any more.
    room: Condvar,
}

#[derive(Debug, Default)]
struct State {
    batches: VecDeque<Batch>,
    waiting_bytes: usize,
    closing: bool,
    /// Nothing is taken any more.
    broken: bool,
    /// What went wrong last, until it is told.
    fault: Option<String>,
}

impl Queue {
    /// Puts a batch behind the others; gives it back when there is no room.
    pub(crate) fn push(&self, batch: Batch) -> Result<(), Batch> {
        let mut state = self.lock();
        if state.broken || state.waiting_bytes >= QUEUE_BYTES {
            return Err(batch);
        }
        state.waiting_bytes += batch.bytes;
        state.batches.push_back(batch);
        self.work.notify_one();
        Ok(())
    }

    /// Waits until a batch finds room, or nothing is taken any more.
    pub(crate) fn wait_for_room(&self) {
        let mut state = self.lock();
        while state.waiting_bytes >= QUEUE_BYTES && !state.broken {
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next batch, waiting for one; none once the queue is closed and empty.
    pub(crate) fn pop(&self) -> Option<Batch> {
        let mut state = self.lock();
        while state.batches.is_empty() && !state.closing {
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.batches.pop_front()
    }

    /// A batch is written, or given up: its room is free.
    pub(crate) fn done(&self, bytes: usize) {
        let mut state = self.lock();
        state.waiting_bytes = state.waiting_bytes.saturating_sub(bytes);
        self.room.notify_all();
    }

    /// Waits before something is tried again, but not when the run ends; whether it does.
    pub(crate) fn pause(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut state = self.lock();
        while !state.closing {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.work.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.closing
    }

    /// No more will come.
    pub(crate) fn close(&self) {
        self.lock().closing = true;
        self.work.notify_one();
    }

    /// Something went wrong; `for_good`: nothing more is taken.
    pub(crate) fn fail(&self, fault: String, for_good: bool) {
        let mut state = self.lock();
        state.fault.get_or_insert(fault);
        state.broken |= for_good;
        self.room.notify_all();
    }

    /// What went wrong since the last time it was asked.
    pub(crate) fn fault(&self) -> Option<String> {
        self.lock().fault.take()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// About how many bytes an entry takes while it waits: what is fixed, and the texts that may be long.
fn weight(entry: &Entry) -> usize {
    const FIXED_BYTES: usize = 768;
    let texts = |list: &[String]| list.iter().map(|text| text.len() + 24).sum::<usize>();
    FIXED_BYTES
        + match &entry.body {
            Body::ProcessSnapshot { argv, .. } => texts(argv),
            Body::ProcessExec { argv, env, .. } => texts(argv) + env.as_deref().map_or(0, texts),
            Body::TlsData(data) => data.data.len(),
            // Of a body its first 16 KiB are kept; a tree of JSON takes more than its text.
            Body::Http(http) if http.body.is_some() => 64 * 1024,
            Body::Stdio(line) => 4 * line.body.as_ref().map_or(0, |_| line.body_bytes as usize),
            Body::Dns(dns) => texts(&dns.answers),
            _ => 0,
        }
}

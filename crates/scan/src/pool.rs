//! Threads that scan, and one order of what they find.
//!
//! Each thread takes the next job from the walk, numbers it, and hands its outcome to the caller's thread, which puts
//! outcomes back in order. A thread that gets [`AHEAD_MOST`] jobs ahead of what has been handed over waits.

use crate::desk::Desk;
use crate::walk::Jobs;
use crate::{Options, Outcome};
use kernscope_sieve::matcher::Matcher;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, PoisonError};

/// Files that may wait for one before them.
pub const AHEAD_MOST: u64 = 16_384;
/// Outcomes on their way to the caller's thread.
const QUEUE: usize = 256;

/// How far a scan is, for whoever wants to show it.
#[derive(Debug, Default)]
pub struct Progress {
    /// Files that have been looked at.
    pub files: AtomicU64,
    /// Bytes that have been looked at.
    pub bytes: AtomicU64,
    /// Findings, before anything is taken off them.
    pub found: AtomicU64,
}

/// Scans, and calls `take` with what each file held, in the order of the walk, on this thread. Ends early, with all that was
/// finished, when `stop` is set; what had been begun is counted as lost.
pub fn scan(
    options: &Options,
    matcher: &Matcher,
    stop: &AtomicBool,
    progress: &Progress,
    take: &mut dyn FnMut(Outcome),
) {
    let line = Line {
        jobs: Mutex::new((0, Jobs::new(options, matcher))),
        handed: Mutex::new(0),
        moved: Condvar::new(),
    };
    let (sender, receiver) = sync_channel(QUEUE);
    std::thread::scope(|scope| {
        for _ in 0..options.threads.max(1) {
            let (line, sender) = (&line, sender.clone());
            scope.spawn(move || work(options, matcher, stop, progress, line, &sender));
        }
        drop(sender);
        hand_over(&line, &receiver, take);
    });
}

/// What the threads share.
struct Line {
    jobs: Mutex<(u64, Jobs)>,
    /// Outcomes that have been handed over.
    handed: Mutex<u64>,
    moved: Condvar,
}

fn work(
    options: &Options,
    matcher: &Matcher,
    stop: &AtomicBool,
    progress: &Progress,
    line: &Line,
    sender: &SyncSender<(u64, Outcome)>,
) {
    let mut desk = Desk::new(options, matcher, stop);
    while !stop.load(Ordering::Relaxed) {
        let (number, job) = {
            let mut jobs = line.jobs.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(job) = jobs.1.next() else { return };
            jobs.0 += 1;
            (jobs.0 - 1, job)
        };
        line.wait_for(number);
        let outcome = desk.guarded(options, |desk| desk.work(job, options));
        progress.files.fetch_add(1, Ordering::Relaxed);
        progress.bytes.fetch_add(outcome.tally.bytes, Ordering::Relaxed);
        progress.found.fetch_add(outcome.found.len() as u64, Ordering::Relaxed);
        if sender.send((number, outcome)).is_err() {
            return;
        }
    }
}

impl Line {
    /// Waits until `number` is not too far ahead.
    fn wait_for(&self, number: u64) {
        let mut handed = self.handed.lock().unwrap_or_else(PoisonError::into_inner);
        while number >= *handed + AHEAD_MOST {
            handed = self.moved.wait(handed).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn hand_over(line: &Line, receiver: &Receiver<(u64, Outcome)>, take: &mut dyn FnMut(Outcome)) {
    let (mut waiting, mut next) = (BTreeMap::new(), 0);
    for (number, outcome) in receiver {
        waiting.insert(number, outcome);
        while let Some(outcome) = waiting.remove(&next) {
            take(outcome);
            next += 1;
        }
        *line.handed.lock().unwrap_or_else(PoisonError::into_inner) = next;
        line.moved.notify_all();
    }
    waiting.into_values().for_each(take);
}

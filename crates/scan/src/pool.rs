//! Threads that scan, and one order of what they find.
//!
//! Each thread takes the next job of the walk, with its number, and lays its outcome down for the caller's thread, which puts
//! outcomes back in order. Most outcomes say little: that thread is woken for [`WAKING`] of them, or for a finding, or looks by
//! itself after [`PAUSE`]. A thread that gets [`AHEAD_MOST`] jobs ahead of what has been handed over waits.

use crate::desk::Desk;
use crate::queue::Queue;
use crate::walk::Jobs;
use crate::{Options, Outcome};
use kernscope_sieve::matcher::Matcher;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::Duration;

/// Files that may wait for one before them.
pub const AHEAD_MOST: u64 = 16_384;
/// Outcomes for which the caller's thread is woken.
const WAKING: usize = 64;
/// How long outcomes lie at most.
const PAUSE: Duration = Duration::from_millis(20);

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
    let threads = options.threads.max(1);
    let line = Line {
        jobs: Queue::new(Jobs::new(options, matcher)),
        laid: Mutex::new((Vec::new(), threads)),
        more: Condvar::new(),
        handed: Mutex::new(0),
        moved: Condvar::new(),
    };
    std::thread::scope(|scope| {
        let mut refused = None;
        let started = (0..threads).filter(|_| {
            let at_work = AtWork(&line);
            let begun = Builder::new()
                .spawn_scoped(scope, move || work(options, matcher, stop, progress, &at_work))
                .map_err(|cause| refused = Some(cause));
            begun.is_ok()
        });
        // Fewer threads do as well; without any nothing is looked at.
        if let (0, Some(cause)) = (started.count(), refused) {
            let mut outcome = Outcome::default();
            outcome.tally.seen("file");
            outcome.lose("unreadable", format_args!("start a thread: {cause}; end other programs"));
            return take(outcome);
        }
        hand_over(&line, take);
    });
}

/// What the threads share.
struct Line {
    jobs: Queue,
    /// Numbered outcomes that wait to be handed over, and threads that are still at work.
    laid: Mutex<(Vec<(u64, Outcome)>, usize)>,
    more: Condvar,
    /// Outcomes that have been handed over.
    handed: Mutex<u64>,
    moved: Condvar,
}

/// A thread's part in it, until it is dropped.
struct AtWork<'a>(&'a Line);

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        locked(&self.0.laid).1 -= 1;
        self.0.more.notify_one();
    }
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn work(options: &Options, matcher: &Matcher, stop: &AtomicBool, progress: &Progress, at_work: &AtWork<'_>) {
    let AtWork(line) = at_work;
    let mut desk = Desk::new(options, matcher, stop);
    while !stop.load(Ordering::Relaxed) {
        let Some((number, job)) = line.jobs.next() else { return };
        line.wait_for(number);
        let outcome = desk.guarded(options, |desk| desk.work(job, options));
        progress.files.fetch_add(1, Ordering::Relaxed);
        progress.bytes.fetch_add(outcome.tally.bytes, Ordering::Relaxed);
        progress.found.fetch_add(outcome.found.len() as u64, Ordering::Relaxed);
        line.lay_down(number, outcome);
    }
}

impl Line {
    /// Waits until `number` is not too far ahead.
    fn wait_for(&self, number: u64) {
        let mut handed = locked(&self.handed);
        while number >= *handed + AHEAD_MOST {
            handed = self.moved.wait(handed).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lay_down(&self, number: u64, outcome: Outcome) {
        let has_found = !outcome.found.is_empty();
        let mut laid = locked(&self.laid);
        laid.0.push((number, outcome));
        if has_found || laid.0.len() == WAKING {
            self.more.notify_one();
        }
    }

    /// What was laid down since the last time; `None` when no more will come.
    fn taken(&self) -> Option<Vec<(u64, Outcome)>> {
        let mut laid = locked(&self.laid);
        if laid.0.len() < WAKING && laid.1 > 0 {
            laid = self.more.wait_timeout(laid, PAUSE).unwrap_or_else(PoisonError::into_inner).0;
        }
        let is_over = laid.0.is_empty() && laid.1 == 0;
        (!is_over).then(|| std::mem::take(&mut laid.0))
    }
}

fn hand_over(line: &Line, take: &mut dyn FnMut(Outcome)) {
    let (mut waiting, mut next) = (BTreeMap::new(), 0);
    while let Some(outcomes) = line.taken() {
        waiting.extend(outcomes);
        while let Some(outcome) = waiting.remove(&next) {
            take(outcome);
            next += 1;
        }
        *locked(&line.handed) = next;
        line.moved.notify_all();
    }
    waiting.into_values().for_each(take);
}

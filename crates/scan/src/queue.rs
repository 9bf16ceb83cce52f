//! Jobs of the walk, numbered and laid ready, so that threads seldom wait for one another.
//!
//! The walk reads directories and is one thread's at a time. Whoever takes a job when few are ready walks on for the others, who
//! take what there is meanwhile.

use crate::pool::locked;
use crate::walk::{Job, Jobs};
use std::collections::VecDeque;
use std::sync::{Mutex, TryLockError};

/// As many jobs are laid ready.
const READY: usize = 64;
/// With fewer than so many ready, one who comes walks on.
const FEW: usize = READY / 2;

pub(crate) struct Queue {
    walk: Mutex<Jobs>,
    ready: Mutex<Ready>,
}

#[derive(Default)]
struct Ready {
    jobs: VecDeque<Job>,
    /// Number of the first of them.
    first: u64,
}

impl Queue {
    pub(crate) fn new(jobs: Jobs) -> Self {
        Self { walk: Mutex::new(jobs), ready: Mutex::default() }
    }

    /// The next job and its number, in the order of the walk; `None` at its end.
    pub(crate) fn next(&self) -> Option<(u64, Job)> {
        let (job, left) = self.take();
        if left < FEW {
            match self.walk.try_lock() {
                Ok(mut walk) => self.fill(&mut walk),
                Err(TryLockError::Poisoned(walk)) => self.fill(&mut walk.into_inner()),
                Err(TryLockError::WouldBlock) => false,
            };
        }
        job.or_else(|| {
            let mut walk = locked(&self.walk);
            loop {
                // Others lay some ready while this one waits for the walk, and take what it lays ready.
                let job = self.take().0;
                if job.is_some() || !self.fill(&mut walk) {
                    return job;
                }
            }
        })
    }

    /// What is first, and how many are left.
    fn take(&self) -> (Option<(u64, Job)>, usize) {
        let mut ready = locked(&self.ready);
        let job = ready.jobs.pop_front().map(|job| (ready.first, job));
        ready.first += u64::from(job.is_some());
        (job, ready.jobs.len())
    }

    /// Walks on until enough is ready; whether there was any more. Each job may be taken as soon as it is there.
    fn fill(&self, walk: &mut Jobs) -> bool {
        let mut any = false;
        for job in walk.take(READY) {
            any = true;
            let mut ready = locked(&self.ready);
            ready.jobs.push_back(job);
            if ready.jobs.len() >= READY {
                break;
            }
        }
        any
    }
}

//! Which agents run: a look at every process, once where the kernel tells who begins later (`ebpf::agents`), else again and again.
//!
//! Between two looks an agent may begin unseen; the back end then tells what was there when it was found, and all from then on.
//! An agent that another one has started is in that one's tree.

use super::Signatures;
use crate::proc_snapshot;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Shortest time between two looks.
const PAUSE: Duration = Duration::from_millis(250);
/// A look takes at most one part in so many of the time: with very many processes looks come seldom.
const SHARE: u32 = 20;

/// An agent that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its process id.
    pub pid: u32,
    /// Which it is.
    pub agent: Arc<str>,
}

/// Looks for agents.
#[derive(Debug)]
pub struct Finder {
    signatures: Arc<Signatures>,
    /// Those that were found and are still there, by pid and start.
    known: HashSet<(u32, u64)>,
    next: Instant,
}

impl Finder {
    /// Has found nothing yet.
    pub fn new(signatures: Arc<Signatures>) -> Self {
        Self { signatures, known: HashSet::new(), next: Instant::now() }
    }

    /// Agents that were not there at the last look, if it is time for another.
    pub fn fresh(&mut self) -> Vec<Found> {
        let began = Instant::now();
        if began < self.next {
            return Vec::new();
        }
        let (own, mut still, mut found) = (std::process::id(), HashSet::new(), Vec::new());
        for pid in proc_snapshot::pids().into_iter().filter(|pid| *pid != own) {
            let Some((start_ns, agent)) = self.look(pid) else { continue };
            still.insert((pid, start_ns));
            if !self.known.contains(&(pid, start_ns)) {
                found.push(Found { pid, agent });
            }
        }
        self.known = still;
        // What is below another is watched with it.
        let known: HashSet<u32> = self.known.iter().map(|(pid, _)| *pid).collect();
        found.retain(|one| !proc_snapshot::ancestors(one.pid).iter().any(|above| known.contains(&above.pid)));
        self.next = Instant::now() + PAUSE.max(began.elapsed() * SHARE);
        found
    }

    fn look(&self, pid: u32) -> Option<(u64, Arc<str>)> {
        let agent = self.signatures.running(pid)?;
        Some((proc_snapshot::stat(pid)?.start_ns, agent))
    }
}

impl Signatures {
    /// Which agent a process is now; `None` also where it cannot be looked at.
    pub fn running(&self, pid: u32) -> Option<Arc<str>> {
        let argv = std::fs::read(format!("/proc/{pid}/cmdline")).ok().filter(|argv| !argv.is_empty())?;
        let argv: Vec<_> = argv.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
        let exe = std::fs::read_link(format!("/proc/{pid}/exe")).ok()?;
        self.agent(&exe.to_string_lossy(), &argv).cloned()
    }
}

//! Agents that begin while the run goes on: known by their exec, and by nothing later.
//!
//! The kernel's programs watch whoever executes a program, as a candidate (kernel/watch/src/candidate.rs), so that the exec and all
//! that follows it come here in their order. What an agent or a process of its tree did is handed on; everybody else is refused at his
//! exec, and what came of him by then is passed over and counted.
//!
//! Bounds: arguments wait for the exec behind them, of at most [`MAX_ANNOUNCED`] threads; the last [`MAX_REFUSED`] who were refused
//! are remembered with their starts, for events that come late.

use crate::agents::{Found, Signatures};
use crate::core::KEEP_ENDED;
use crate::proc_snapshot;
use crate::raw::{Body, Event, path_from_walk};
use kernscope_abi as abi;
use kernscope_abi::layout::{IoCount, IoKey, VERDICT_REFUSED, WATCHED_CANDIDATE, Watched};
use kernscope_kit::load::{LoadError, Object, Table, Words};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// Threads whose arguments wait for their exec.
const MAX_ANNOUNCED: usize = 4096;
/// Processes that were refused and may still be heard of.
const MAX_REFUSED: usize = 65_536;
/// Refusals between two looks for what the kernel's programs counted of those who were refused.
const SWEEP_AFTER: u32 = 4096;

/// The watched set.
pub(super) type WatchedSet = Table<u32, Watched, 4, 16>;

/// Who is an agent, or of one's tree.
pub(super) struct Agents {
    signatures: Arc<Signatures>,
    verdicts: Words,
    /// Counts by process and file: a close takes them out, and who was refused comes to none.
    counts: Table<IoKey, IoCount, 16, 56>,
    /// Processes of the trees that are watched, with their starts.
    taken: HashMap<u32, u64>,
    /// Those of them that ended last.
    ended: VecDeque<(u32, u64)>,
    /// Arguments whose exec has not come, by thread.
    announced: HashMap<u32, Vec<Vec<u8>>>,
    refused: Refused,
    found: Vec<Found>,
    passed_over: u64,
    unswept: u32,
}

/// Where events go on to.
type Onward<'a> = &'a mut dyn FnMut(&[u8]);

impl Agents {
    pub(super) fn new(object: &Object, signatures: Arc<Signatures>) -> Result<Self, LoadError> {
        Ok(Self {
            signatures,
            verdicts: object.words("VERDICTS")?,
            counts: object.table("IO")?,
            taken: HashMap::new(),
            ended: VecDeque::new(),
            announced: HashMap::new(),
            refused: Refused::default(),
            found: Vec::new(),
            passed_over: 0,
            unswept: 0,
        })
    }

    /// Whether a process is of a tree that is watched.
    pub(super) fn has(&self, pid: u32) -> bool {
        self.taken.contains_key(&pid)
    }

    /// A process is of a tree that is watched.
    pub(super) fn take(&mut self, pid: u32, start_ns: u64) {
        self.taken.insert(pid, start_ns);
    }

    /// Agents that began since this was asked last.
    pub(super) fn found(&mut self) -> Vec<Found> {
        std::mem::take(&mut self.found)
    }

    /// Events of processes that are of no agent.
    pub(super) fn passed_over(&self) -> u64 {
        self.passed_over
    }

    /// Hands an event on, with what was held back before it, if it is of a tree that is watched. Parents of a new agent are told to
    /// `told` first.
    pub(super) fn pass(&mut self, watched: &mut WatchedSet, bytes: &[u8], told: Onward<'_>, on: Onward<'_>) {
        // What is no event is counted where events are read.
        let Ok(event) = Event::decode(bytes) else { return on(bytes) };
        let header = &event.header;
        let is_taken = self.is_taken(header);
        match event.body {
            Body::Strings(_) if !is_taken => self.announce(header.tid, bytes),
            Body::Exec(exec) => {
                let strings = self.announced.remove(&header.tid).unwrap_or_default();
                if is_taken || self.is_agent(&event, &strings, told) {
                    self.keep(watched, header.pid, header.start_ns, header.ppid);
                    strings.iter().for_each(|strings| on(strings));
                    on(bytes);
                } else {
                    self.refuse(watched, header, exec.candidate);
                    self.passed_over += 1 + strings.len() as u64;
                }
            }
            Body::Fork(fork) if is_taken => {
                self.keep(watched, fork.child_pid, fork.child_start_ns, fork.child_ppid);
                on(bytes);
            }
            Body::Exit(_) if is_taken => {
                on(bytes);
                self.ended(header.pid);
            }
            _ if is_taken || self.is_late(watched, header, told) => on(bytes),
            _ => self.passed_over += 1,
        }
    }

    /// Events of a process may come after its end.
    fn ended(&mut self, pid: u32) {
        self.ended.extend(self.taken.get(&pid).map(|start| (pid, *start)));
        if self.ended.len() > KEEP_ENDED
            && let Some((oldest, start)) = self.ended.pop_front()
            && self.taken.get(&oldest) == Some(&start)
        {
            self.taken.remove(&oldest);
        }
    }

    fn is_taken(&self, header: &abi::Header) -> bool {
        let start = self.taken.get(&header.pid);
        start.is_some_and(|start| proc_snapshot::same_start(*start, header.start_ns))
    }

    fn announce(&mut self, thread: u32, bytes: &[u8]) {
        if self.announced.len() >= MAX_ANNOUNCED && !self.announced.contains_key(&thread) {
            // Their execs were lost: nothing will ask for them.
            self.passed_over += self.announced.drain().map(|(_, strings)| strings.len() as u64).sum::<u64>();
        }
        let strings = self.announced.entry(thread).or_default();
        if strings.len() >= 2 * abi::MAX_CHUNKS as usize {
            self.passed_over += strings.drain(..).len() as u64;
        }
        strings.push(bytes.to_vec());
    }

    /// Whether an exec is that of an agent, which is then taken, and its parents told.
    fn is_agent(&mut self, event: &Event<'_>, strings: &[Vec<u8>], told: Onward<'_>) -> bool {
        let header = &event.header;
        let exe = event.sections.get(abi::SEC_PATH).map(|section| path_from_walk(section.bytes));
        let argv = arguments(strings);
        let argv: Vec<_> = argv
            .strip_suffix(&[0])
            .unwrap_or(&argv)
            .split(|byte| *byte == 0)
            .map(String::from_utf8_lossy)
            .collect();
        let exe = exe.unwrap_or_default();
        let Some(agent) = self.signatures.agent(&String::from_utf8_lossy(&exe), &argv).cloned() else {
            return false;
        };
        self.found.push(Found { pid: header.pid, agent });
        tell_parents(header, told);
        true
    }

    /// Whether it is of an agent whose exec was lost: then the process itself says what it is. The others are looked at once.
    fn is_late(&mut self, watched: &mut WatchedSet, header: &abi::Header, told: Onward<'_>) -> bool {
        if self.refused.has(header.pid, header.start_ns) {
            return false;
        }
        let agent = proc_snapshot::stat(header.pid)
            .filter(|stat| proc_snapshot::same_start(stat.start_ns, header.start_ns))
            .and_then(|_| self.signatures.running(header.pid));
        match agent {
            Some(agent) => {
                self.found.push(Found { pid: header.pid, agent });
                tell_parents(header, told);
                self.keep(watched, header.pid, header.start_ns, header.ppid);
                true
            }
            None => {
                self.refuse(watched, header, 0);
                false
            }
        }
    }

    /// Makes a candidate an ordinary member of the watched set, unless it has gone; its children are, too, from then on.
    fn keep(&mut self, watched: &mut WatchedSet, pid: u32, start_ns: u64, ppid: u32) {
        self.taken.insert(pid, start_ns);
        watched.replace(&pid, &Watched { start_ns, ppid, flags: 0 });
    }

    /// The kernel's programs let a candidate go at its next call; of one whose place is not known the entry is taken out here.
    fn refuse(&mut self, watched: &mut WatchedSet, header: &abi::Header, candidate: u32) {
        let pid = header.pid;
        match candidate.checked_sub(1) {
            Some(slot) => self.verdicts.publish(slot as usize, VERDICT_REFUSED),
            None if watched.get(&pid).is_some_and(|entry| entry.flags & WATCHED_CANDIDATE != 0) => {
                // It may have gone meanwhile.
                let _ = watched.remove(&pid);
            }
            None => {}
        }
        self.refused.add(pid, header.start_ns);
        self.unswept += 1;
        if self.unswept >= SWEEP_AFTER {
            self.unswept = 0;
            for key in self.counts.keys().into_iter().filter(|key| !watched.contains(&key.pid)) {
                let _ = self.counts.remove(&key);
            }
        }
    }
}

/// The bytes of the arguments: each followed by NUL.
fn arguments(strings: &[Vec<u8>]) -> Vec<u8> {
    let mut argv = Vec::new();
    for event in strings.iter().filter_map(|bytes| Event::decode(bytes).ok()) {
        if let (Body::Strings(abi::Strings { what: abi::STRINGS_ARGV, .. }), Some(section)) =
            (event.body, event.sections.get(abi::SEC_STRINGS))
        {
            argv.extend_from_slice(section.bytes);
        }
    }
    argv
}

/// Tells of those above a process that may have gone by now.
fn tell_parents(header: &abi::Header, told: Onward<'_>) {
    let parent = proc_snapshot::process(header.ppid);
    let above = parent.iter().flat_map(|parent| proc_snapshot::ancestors(parent.pid)).collect::<Vec<_>>();
    for process in above.iter().rev().chain(&parent) {
        told(&proc_snapshot::event(process, header.ts_ns, false));
    }
}

/// The last who were refused. A number that another process has by now is not refused for it.
#[derive(Default)]
struct Refused {
    processes: HashSet<(u32, u64)>,
    order: VecDeque<(u32, u64)>,
}

impl Refused {
    fn has(&self, pid: u32, start_ns: u64) -> bool {
        self.processes.contains(&(pid, start_ns))
    }

    fn add(&mut self, pid: u32, start_ns: u64) {
        if self.processes.insert((pid, start_ns)) {
            self.order.push_back((pid, start_ns));
        }
        if self.order.len() > MAX_REFUSED
            && let Some(oldest) = self.order.pop_front()
        {
            self.processes.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_refused_is_remembered_for_some_time() {
        let mut refused = Refused::default();
        for pid in 0..=MAX_REFUSED as u32 {
            refused.add(pid, 7);
            refused.add(pid, 7);
        }
        assert!(!refused.has(0, 7) && refused.has(1, 7) && refused.has(MAX_REFUSED as u32, 7));
        assert_eq!(refused.processes.len(), refused.order.len());
    }

    #[test]
    fn who_has_the_number_of_one_that_was_refused_is_another() {
        let mut refused = Refused::default();
        refused.add(42, 1_000);
        assert!(refused.has(42, 1_000) && !refused.has(42, 2_000));
    }
}

//! The process table: who is who, and who descends from whom.
//!
//! A process is its pid and its start: the pid alone comes again. The parent link is set when the process is created
//! and never changes, so that lineage survives reparenting and double forks. The clock of `/proc` ticks at
//! 10 ms, the kernel's own start times are finer; two starts in one tick with one pid are one process.
//!
//! Bounds: at most [`MAX_LIVE`] processes (more are reported from their events alone, without lineage or binary);
//! of the ended ones the last [`KEEP_ENDED`], plus those that have descendants here, at most [`MAX_ANCESTORS`].

use super::command::Command;
use super::intern::{Interner, Name};
use super::opened::Opened;
use kernscope_abi as abi;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Most processes in the table, ended ones included.
pub const MAX_LIVE: usize = 131_072;
/// Ended processes that are kept in any case, for events that come late.
pub const KEEP_ENDED: usize = 1024;
/// Ended processes that are kept because they have descendants in the table.
pub const MAX_ANCESTORS: usize = 16_384;
/// Longest chain that [`Table::lineage`] follows.
pub const MAX_LINEAGE: usize = 1024;

/// Resolution of start times from `/proc` (`USER_HZ` is 100 on every architecture that matters here).
const TICK_NS: u64 = 10_000_000;

/// Names a process for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcId {
    /// Process id.
    pub pid: u32,
    /// Start of the process, nanoseconds since boot.
    pub start_ns: u64,
}

impl ProcId {
    pub(super) fn of(header: &abi::Header) -> Self {
        Self { pid: header.pid, start_ns: header.start_ns }
    }

    fn key(self) -> Key {
        Key { pid: self.pid, tick: self.start_ns / TICK_NS }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    pid: u32,
    tick: u64,
}

/// One process.
#[derive(Debug)]
pub struct Process {
    /// Who it is.
    pub id: ProcId,
    /// Who created it; `None` when that was not seen.
    pub parent: Option<ProcId>,
    /// Process id of its parent, as last told.
    pub ppid: u32,
    /// Name of its main thread.
    pub comm: Name,
    /// Path of its binary.
    pub exe: Option<Name>,
    /// Inside the watched set; `false` for an ancestor known for lineage only.
    pub watched: bool,
    /// It has ended.
    pub ended: bool,
    /// Processes in the table that it created.
    pub children: u32,
    /// Record of the fork that made it.
    pub(super) forked_seq: Option<u64>,
    pub(super) command: Option<Arc<Command>>,
    /// The AI coding agent that it is or was started by.
    pub(super) agent: Option<Arc<str>>,
    pub(super) opened: Opened,
    comm_bytes: [u8; abi::COMM_LEN],
    /// Its time as a recently ended process is over.
    expired: bool,
}

impl Process {
    pub(super) fn has_comm(&self, comm: &[u8; abi::COMM_LEN]) -> bool {
        self.comm_bytes == *comm
    }

    /// What a person calls it: the last component of its binary, else the thread's name.
    pub fn name(&self) -> &str {
        let exe = self.exe.as_ref().and_then(|exe| exe.text.rsplit('/').next());
        exe.filter(|name| !name.is_empty()).unwrap_or(&self.comm.text)
    }
}

/// Processes by identity.
#[derive(Debug, Default)]
pub struct Table {
    nodes: HashMap<Key, Process>,
    /// The process that a pid stands for now.
    current: HashMap<u32, Key>,
    recent: VecDeque<Key>,
    ancestors: VecDeque<Key>,
}

impl Table {
    /// The process, if it is known.
    pub fn get(&self, id: ProcId) -> Option<&Process> {
        self.nodes.get(&id.key())
    }

    /// The process that has this pid now, or had it last.
    pub fn current(&self, pid: u32) -> Option<&Process> {
        self.nodes.get(self.current.get(&pid)?)
    }

    /// Its parent: who created it, or who has the pid that it names as its parent.
    pub fn parent(&self, process: &Process) -> Option<&Process> {
        if let Some(parent) = process.parent {
            return self.get(parent);
        }
        self.current(process.ppid)
            .filter(|parent| parent.id.key().tick <= process.id.key().tick && parent.id != process.id)
    }

    /// Its ancestors, nearest first, without itself; at most [`MAX_LINEAGE`].
    pub fn lineage(&self, id: ProcId) -> impl Iterator<Item = &Process> {
        let first = self.get(id).and_then(|process| self.parent(process));
        std::iter::successors(first, |process| self.parent(process)).take(MAX_LINEAGE)
    }

    /// How many watched ancestors it has: how far to indent it.
    pub fn depth(&self, id: ProcId) -> usize {
        self.lineage(id).take_while(|process| process.watched).count()
    }

    /// The processes it created that are in the table, oldest first. Looks at the whole table.
    pub fn children(&self, id: ProcId) -> Vec<&Process> {
        let mut children: Vec<_> = self
            .nodes
            .values()
            .filter(|process| process.parent.is_some_and(|p| p.key() == id.key()))
            .collect();
        children.sort_by_key(|process| (process.id.start_ns, process.id.pid));
        children
    }

    /// How many processes are in the table.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether no process has been seen.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    pub(super) fn get_mut(&mut self, id: ProcId) -> Option<&mut Process> {
        self.nodes.get_mut(&id.key())
    }

    /// The process an event is about; added when it is new. `None` when the table is full.
    pub(super) fn enter(&mut self, header: &abi::Header, names: &mut Interner) -> Option<&mut Process> {
        let id = ProcId::of(header);
        if !self.nodes.contains_key(&id.key()) {
            let parent = self.current(header.ppid).filter(|p| p.id.start_ns <= id.start_ns).map(|p| p.id);
            let parent = parent.filter(|parent| parent.key() != id.key());
            let exe = None;
            self.add(id, parent, header, exe, names);
        }
        let process = self.nodes.get_mut(&id.key())?;
        if process.id.start_ns.is_multiple_of(TICK_NS) {
            process.id.start_ns = header.start_ns;
        }
        process.ppid = header.ppid;
        if header.tid == header.pid && process.comm_bytes != header.comm {
            process.comm_bytes = header.comm;
            process.comm = names.name(trimmed(&header.comm));
        }
        Some(process)
    }

    /// `header`'s process created `child`.
    pub(super) fn fork(&mut self, header: &abi::Header, fork: &abi::Fork, names: &mut Interner) {
        let parent = ProcId::of(header);
        let child = ProcId { pid: fork.child_pid, start_ns: fork.child_start_ns };
        if child.key() == parent.key() {
            return;
        }
        let exe = self.get(parent).and_then(|process| process.exe.clone());
        let command = self.get(parent).and_then(|process| process.command.clone());
        let agent = self.get(parent).and_then(|process| process.agent.clone());
        // Two processes of one pid in one tick: the first has ended, make room for the second.
        if self.get(child).is_some_and(|process| process.ended) {
            self.remove(child.key());
        }
        if let Some(known) = self.nodes.get_mut(&child.key()) {
            // Its first event came before its creator's.
            known.exe = known.exe.take().or(exe);
            known.command = known.command.take().or(command);
            known.agent = known.agent.take().or(agent);
            let link = known.parent.is_none() && parent.start_ns <= child.start_ns;
            if link {
                known.parent = Some(parent);
                self.count_child(parent);
            }
            return;
        }
        let header = abi::Header { ppid: fork.child_ppid, ..*header };
        let watched = self.add(child, Some(parent), &header, exe, names);
        if let Some(child) = self.get_mut(child) {
            child.command = command;
        }
        debug_assert!(watched || self.nodes.len() >= MAX_LIVE);
    }

    fn add(
        &mut self,
        id: ProcId,
        parent: Option<ProcId>,
        header: &abi::Header,
        exe: Option<Name>,
        names: &mut Interner,
    ) -> bool {
        if self.nodes.len() >= MAX_LIVE {
            return false;
        }
        let agent = parent.and_then(|parent| self.get(parent)?.agent.clone());
        let process = Process {
            id,
            parent,
            ppid: header.ppid,
            comm: names.name(trimmed(&header.comm)),
            exe,
            watched: true,
            ended: false,
            children: 0,
            forked_seq: None,
            command: None,
            agent,
            opened: Opened::default(),
            comm_bytes: header.comm,
            expired: false,
        };
        self.nodes.insert(id.key(), process);
        if let Some(old) = self.current.insert(id.pid, id.key()).filter(|old| *old != id.key()) {
            // The pid is in use again: its former owner has ended, seen or not.
            self.end_key(old);
        }
        if let Some(parent) = parent {
            self.count_child(parent);
        }
        true
    }

    fn count_child(&mut self, parent: ProcId) {
        if let Some(process) = self.get_mut(parent) {
            process.children += 1;
        }
    }

    /// The process has ended.
    pub(super) fn end(&mut self, id: ProcId) {
        self.end_key(id.key());
    }

    fn end_key(&mut self, key: Key) {
        let Some(process) = self.nodes.get_mut(&key).filter(|process| !process.ended) else { return };
        process.ended = true;
        process.opened = Opened::default();
        self.recent.push_back(key);
        if self.recent.len() > KEEP_ENDED
            && let Some(oldest) = self.recent.pop_front()
        {
            self.expire(oldest);
        }
    }

    fn expire(&mut self, key: Key) {
        let Some(process) = self.nodes.get_mut(&key).filter(|process| process.ended) else { return };
        process.expired = true;
        if process.children == 0 {
            self.remove(key);
            return;
        }
        self.ancestors.push_back(key);
        if self.ancestors.len() > MAX_ANCESTORS {
            self.drop_ancestors();
        }
    }

    /// Forgets those that are gone already; when that is not enough, the oldest quarter.
    fn drop_ancestors(&mut self) {
        let nodes = &self.nodes;
        self.ancestors.retain(|key| nodes.get(key).is_some_and(|process| process.expired));
        while self.ancestors.len() > MAX_ANCESTORS / 4 * 3 {
            let Some(oldest) = self.ancestors.pop_front() else { break };
            self.remove(oldest);
        }
    }

    /// Removes a process, and those of its ancestors that were kept only for it.
    fn remove(&mut self, key: Key) {
        let mut next = Some(key);
        while let Some(key) = next.take() {
            let Some(process) = self.nodes.remove(&key) else { return };
            if self.current.get(&key.pid) == Some(&key) {
                self.current.remove(&key.pid);
            }
            let Some(parent) = process.parent.map(ProcId::key) else { return };
            if let Some(process) = self.nodes.get_mut(&parent) {
                process.children = process.children.saturating_sub(1);
                next = (process.expired && process.children == 0).then_some(parent);
            }
        }
    }
}

pub(super) fn trimmed(comm: &[u8; abi::COMM_LEN]) -> &[u8] {
    let len = comm.iter().position(|&b| b == 0).unwrap_or(comm.len());
    &comm[..len]
}

#[cfg(test)]
mod tests;

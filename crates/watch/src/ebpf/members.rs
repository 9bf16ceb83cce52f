//! Who is watched, and what is told of those that were there before.

use super::agents::Agents;
use super::{Command, Ebpf, internal, start_error};
use crate::agents::Found;
use crate::backend::{BackendError, Target};
use crate::proc_snapshot;
use kernscope_abi::layout::{WATCHED_CANDIDATE, WATCHED_FROM_EXEC, Watched};
use kernscope_kit::spawn::{self, Paused};
use kernscope_report::clock::monotonic_ns;

#[cfg(doc)]
use super::Options;

impl Ebpf {
    /// Puts the target into the watched set and tells of the processes that were there before.
    pub(super) fn register(&mut self, spawn: &spawn::Options) -> Result<(), BackendError> {
        match self.target.clone() {
            Target::Command(argv) => {
                let paused = Paused::spawn(&argv, spawn).map_err(start_error)?;
                let waiting = Watched { start_ns: 0, ppid: std::process::id(), flags: WATCHED_FROM_EXEC };
                self.watched.insert(&paused.pid(), &waiting).map_err(internal)?;
                self.snapshot_ancestors(paused.pid());
                self.command = Command::Waiting(paused);
            }
            Target::Pid(pid) => self.register_tree(pid)?,
            Target::Trees(pids) => pids.into_iter().for_each(|pid| drop(self.watch_tree(pid))),
            Target::All => {
                let own = std::process::id();
                for process in proc_snapshot::all() {
                    if process.pid != own {
                        self.add(&process)?;
                    }
                    self.tell(&process, process.pid != own);
                }
            }
        }
        Ok(())
    }

    /// Watches another process that runs already, and its descendants.
    ///
    /// # Errors
    /// When it has gone.
    pub fn watch_tree(&mut self, pid: u32) -> Result<(), BackendError> {
        self.register_tree(pid)?;
        if let Some(libraries) = &mut self.libraries {
            let object = &mut self.object;
            self.watched.keys().into_iter().for_each(|pid| libraries.see_process(object, pid));
        }
        self.tell_news();
        Ok(())
    }

    /// Adds a running process and its descendants. A fork during the scan is no gap: once the parent is in the
    /// set its children are added by the kernel, and before that the next look finds them.
    fn register_tree(&mut self, pid: u32) -> Result<(), BackendError> {
        let root = proc_snapshot::process(pid).ok_or_else(|| BackendError {
            act: "watch",
            object: format!("process {pid}"),
            cause: "no such process".into(),
            fix: String::new(),
        })?;
        self.snapshot_ancestors(pid);
        self.add(&root)?;
        self.tell(&root, true);
        loop {
            let fresh: Vec<_> =
                proc_snapshot::descendants(pid).into_iter().filter(|one| !self.is_member(one.pid)).collect();
            if fresh.is_empty() {
                return Ok(());
            }
            for process in fresh {
                self.add(&process)?;
                self.tell(&process, true);
            }
        }
    }

    /// Whether a process is in the watched set for good.
    fn is_member(&self, pid: u32) -> bool {
        self.watched.get(&pid).is_some_and(|entry| entry.flags & WATCHED_CANDIDATE == 0)
    }

    /// Whether a process is of the tree of an agent ([`Options::agents`]).
    pub fn is_of_agent(&self, pid: u32) -> bool {
        self.agents.as_ref().is_some_and(|agents| agents.has(pid))
    }

    /// Agents that began since this was asked last ([`Options::agents`]); they are watched.
    pub fn found(&mut self) -> Vec<Found> {
        self.agents.as_mut().map(Agents::found).unwrap_or_default()
    }

    fn add(&mut self, process: &proc_snapshot::Process) -> Result<(), BackendError> {
        if let Some(agents) = &mut self.agents {
            agents.take(process.pid, process.start_ns);
        }
        let entry = Watched { start_ns: process.start_ns, ppid: process.ppid, flags: 0 };
        self.watched.insert(&process.pid, &entry).map_err(internal)
    }

    fn snapshot_ancestors(&mut self, pid: u32) {
        for process in proc_snapshot::ancestors(pid).iter().rev() {
            self.tell(process, false);
        }
    }

    fn tell(&mut self, process: &proc_snapshot::Process, watched: bool) {
        self.synthetic.push_back(proc_snapshot::event(process, monotonic_ns(), watched));
    }
}

//! Tasks come and go.

use super::tasks::{self, Before, Pending, Process, Thread};
use super::{Early, Ptrace};
use crate::raw::Body;
use kernscope_abi as abi;
use kernscope_kit::trace::{self, Happened, Status};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::time::{Duration, Instant};

/// How long a new task waits for its creator to tell of it; the creator may have been killed.
const ORPHAN_AFTER: Duration = Duration::from_secs(1);
/// How long letting go of a tree may take.
const LET_GO_WITHIN: Duration = Duration::from_secs(5);
/// `SIGKILL` in a set of pending signals.
const SIGKILL_BIT: u64 = 1 << 8;

impl Ptrace {
    /// Takes a task into the tables; returns its process id.
    pub(super) fn adopt(&mut self, tid: i32) -> u32 {
        let status = tasks::status(tid).unwrap_or_default();
        let pid = if status.tgid == 0 { tid.unsigned_abs() } else { status.tgid };
        let process =
            self.processes.entry(pid).or_insert_with(|| Process::read(pid, &status, super::boot_ns()));
        process.tids.insert(tid);
        self.threads.insert(tid, Thread { pid, comm: tasks::comm(tid), pending: None, ending: false });
        pid
    }

    /// A task has made another.
    pub(super) fn born(&mut self, creator: i32) {
        let Ok(message) = trace::event_message(creator) else { return };
        let Ok(child) = i32::try_from(message) else { return };
        if !self.threads.contains_key(&child) {
            self.welcome(child, creator);
        }
    }

    /// Tells of a new task, and lets it run if it has stopped already.
    fn welcome(&mut self, child: i32, creator: i32) {
        let pid = self.adopt(child);
        let process = self.processes.get(&pid);
        let body = abi::Fork {
            child_pid: pid,
            child_tid: child.unsigned_abs(),
            child_ppid: process.map_or(0, |process| process.ppid),
            pad: 0,
            child_start_ns: process.map_or(0, |process| process.start_ns),
        };
        let header = self.header(creator);
        self.tell(header, Body::Fork(body), &[]);
        if let Some(Early { status, .. }) = self.early.remove(&child) {
            self.handle(status);
        }
    }

    /// Tasks whose creator was killed before it could tell of them.
    pub(super) fn adopt_orphans(&mut self) {
        let due = |early: &Early| early.since.elapsed() > ORPHAN_AFTER;
        let orphans: Vec<i32> =
            self.early.iter().filter(|(_, early)| due(early)).map(|(&tid, _)| tid).collect();
        for tid in orphans {
            let stopped =
                self.early.get(&tid).is_some_and(|early| early.status.happened() != Happened::Ended);
            match tasks::status(tid) {
                Some(status) if stopped => {
                    let parent = if status.tgid == tid.unsigned_abs() { status.ppid } else { status.tgid };
                    self.welcome(tid, parent.cast_signed());
                }
                // A child of ours that is no tracee: nothing to tell.
                _ => {
                    self.early.remove(&tid);
                }
            }
        }
    }

    /// A task is about to end; its descriptors are still there.
    pub(super) fn ending(&mut self, tid: i32) {
        let Some(thread) = self.threads.get_mut(&tid) else { return };
        thread.ending = true;
        if let Some(pending) = thread.pending.take() {
            self.cut_short(tid, pending);
        }
        let Some(thread) = self.threads.get(&tid) else { return };
        let Some(process) = self.processes.get(&thread.pid) else { return };
        // The files live as long as one thread does that is not on its way out.
        let dying = |other: &i32| {
            self.threads.get(other).is_none_or(|thread| thread.ending)
                || tasks::status(*other).is_none_or(|status| status.pending & SIGKILL_BIT != 0)
        };
        if !process.closes_told && process.tids.iter().all(dying) {
            self.close_all(tid, true);
        }
    }

    /// A task was killed in a call. The call has come to its end, and its result is still in the registers.
    fn cut_short(&mut self, tid: i32, pending: Pending) {
        match result(tid) {
            // What the register holds from the entry on: the call has not been made.
            Some(ret) if ret == -i64::from(nix::libc::ENOSYS) => {}
            Some(ret) => self.finish(tid, pending, ret),
            None => self.lose(&pending),
        }
    }

    /// Counts the event of a call whose result will not be known.
    fn lose(&mut self, pending: &Pending) {
        let kind = match pending.before {
            Before::Path(..) => Some(abi::KIND_PATH_OP),
            Before::Exec(_) => Some(abi::KIND_EXEC_FAIL),
            _ => super::files::kind_of(pending.call),
        };
        if let Some(kind) = kind {
            self.cover.lost(kind, "killed_in_call");
        }
    }

    /// A task is gone.
    pub(super) fn task_ended(&mut self, status: Status) {
        let tid = status.tid;
        let Some(pid) = self.threads.get(&tid).map(|thread| thread.pid) else { return };
        if let Some(pending) = self.threads.get_mut(&tid).and_then(|thread| thread.pending.take()) {
            self.lose(&pending);
        }
        if tid.unsigned_abs() == pid {
            // The kernel tells the leader's end last.
            if self.processes.get(&pid).is_some_and(|process| !process.closes_told) {
                self.close_all(tid, false);
            }
            let header = self.header(tid);
            let status_word = status.raw.cast_unsigned();
            self.tell(header, Body::Exit(abi::Exit { status: status_word, fds_unseen: 0 }), &[]);
            let process = self.processes.remove(&pid);
            for tid in process.map(|process| process.tids).unwrap_or_default() {
                self.threads.remove(&tid);
            }
            self.threads.remove(&tid);
            self.note_end(status);
        } else {
            self.threads.remove(&tid);
            if let Some(process) = self.processes.get_mut(&pid) {
                process.tids.remove(&tid);
            }
        }
    }

    /// There is nobody to wait for although there should be.
    pub(super) fn forget_all(&mut self) {
        for _ in self.processes.drain() {
            self.cover.lost(abi::KIND_EXIT, "vanished");
        }
        self.threads.clear();
        self.early.clear();
    }

    /// A task's user id may have changed.
    pub(super) fn refresh(&mut self, tid: i32) {
        let Some(pid) = self.threads.get(&tid).map(|thread| thread.pid) else { return };
        if let (Some(status), Some(process)) = (tasks::status(tid), self.processes.get_mut(&pid)) {
            process.uid = status.uid;
            process.ppid = status.ppid;
        }
    }

    /// A task has given itself another name.
    pub(super) fn renamed(&mut self, tid: i32) {
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.comm = tasks::comm(tid);
        }
    }

    /// Ends the tracing: an attached tree goes on alone, a command's tree ends.
    pub(super) fn let_go(&mut self) {
        let until = Instant::now() + LET_GO_WITHIN;
        self.alarm.set(Some(Duration::from_millis(20)));
        while !self.ended() && Instant::now() < until {
            if self.cover.attached {
                for &tid in self.threads.keys() {
                    let _ = trace::interrupt(tid);
                }
            } else {
                // Tracees are not reaped by anybody before us: these ids are theirs.
                for &pid in self.processes.keys() {
                    let _ = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL);
                }
            }
            match trace::wait(true) {
                Ok(Some(status)) if self.cover.attached => self.release(status),
                Ok(Some(status)) => self.handle(status),
                Ok(None) => self.adopt_orphans(),
                Err(_) => self.forget_all(),
            }
        }
        self.alarm.set(None);
    }

    fn release(&mut self, status: Status) {
        let tid = status.tid;
        if !self.threads.contains_key(&tid) && !self.took_over(tid, status.happened()) {
            // One of whom its creator has not told yet; let go now, it would be waited for when that is told.
            self.early.insert(tid, Early { status, since: Instant::now() });
            return;
        }
        let signal = match status.happened() {
            Happened::Ended => return self.task_ended(status),
            Happened::Signal(signal) => signal,
            Happened::Event(
                nix::libc::PTRACE_EVENT_FORK | nix::libc::PTRACE_EVENT_VFORK | nix::libc::PTRACE_EVENT_CLONE,
            ) => {
                self.born(tid);
                0
            }
            _ => 0,
        };
        let _ = trace::detach(tid, signal);
        if let Some(thread) = self.threads.remove(&tid)
            && let Some(process) = self.processes.get_mut(&thread.pid)
        {
            process.tids.remove(&tid);
        }
    }
}

/// What the last call of a stopped task returned.
fn result(tid: i32) -> Option<i64> {
    let regs = nix::sys::ptrace::getregs(Pid::from_raw(tid)).ok()?;
    #[cfg(target_arch = "x86_64")]
    return Some(regs.rax.cast_signed());
    #[cfg(target_arch = "aarch64")]
    return Some(regs.regs[0].cast_signed());
}

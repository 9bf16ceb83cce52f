//! Descriptors that go away: which closes are told, and where the counters of the others go.
//!
//! The rules are those of `docs/DECISIONS.md`, 3; sockets and other files follow the same.

use super::carry::Counters;
use super::pending::Held;
use super::table::ProcId;
use super::{Core, Unknown};
use kernscope_abi as abi;
use kernscope_report::Entry;

/// One descriptor that went away.
pub(super) struct Gone {
    pub(super) file: u64,
    pub(super) fd: i32,
    pub(super) cause: u32,
    pub(super) counters: Counters,
}

/// The word for a cause in a record; `None` for a number that is none.
pub(super) fn cause_name(cause: u32) -> Option<&'static str> {
    Some(match cause {
        abi::CLOSE_CALL => "close",
        abi::CLOSE_DUP => "dup",
        abi::CLOSE_EXEC => "exec",
        abi::CLOSE_EXIT => "exit",
        abi::CLOSE_FLUSH => "flush",
        _ => return None,
    })
}

impl Core {
    /// Tells a close, holds it, or sets it aside. `entry` is its record, counters to be filled in.
    pub(super) fn gone(
        &mut self,
        header: &abi::Header,
        gone: &Gone,
        mut entry: Entry,
        out: &mut Vec<Entry>,
    ) -> Result<(), Unknown> {
        let pid = header.pid;
        match gone.cause {
            abi::CLOSE_FLUSH => {
                self.tally.filter("flush");
                self.keep(pid, gone.file, gone.counters, entry, out);
            }
            abi::CLOSE_EXEC => {
                if let Some(stale) = self.pending.stale(header.tid, gone.fd, gone.file) {
                    self.void_held(vec![stale], "exec_close_void", out);
                }
                let held = Held { pid, fd: gone.fd, file: gone.file, counters: gone.counters, entry };
                match self.pending.hold(header, held) {
                    None => self.tally.held += 1,
                    Some(held) => self.settle(held, out),
                }
            }
            abi::CLOSE_EXIT => {
                while let Some(held) = self.pending.void(pid, gone.fd, gone.file) {
                    self.void_held(vec![held], "exec_close_void", out);
                }
                let counters = gone.counters.plus(self.carry.take(pid, gone.file));
                let own = self
                    .table
                    .get(ProcId::of(header))
                    .is_some_and(|process| process.opened.contains(gone.file));
                // A back end that does not count tells at exit only of what the process has used.
                let unused = self.config.counts && counters.is_zero();
                if unused && !own {
                    self.tally.filter("inherited_close");
                    return Ok(());
                }
                self.fill(counters, &mut entry);
                self.emit(out, entry);
            }
            abi::CLOSE_CALL | abi::CLOSE_DUP => {
                let counters = gone.counters.plus(self.carry.take(pid, gone.file));
                self.fill(counters, &mut entry);
                self.closed(ProcId::of(header), gone.file, gone.fd);
                self.emit(out, entry);
            }
            _ => return Err(Unknown),
        }
        Ok(())
    }

    fn closed(&mut self, id: ProcId, file: u64, fd: i32) {
        if let Some(process) = self.table.get_mut(id) {
            process.opened.closed(file, fd);
        }
    }

    /// The process opened this file itself.
    pub(super) fn note_opened(&mut self, header: &abi::Header, file: u64, fd: i32) {
        if let Some(process) = self.table.get_mut(ProcId::of(header)) {
            process.opened.note(file, fd);
        }
    }

    fn fill(&self, counters: Counters, entry: &mut Entry) {
        if self.config.counts {
            counters.fill(entry);
        }
    }

    /// Counters without a close wait for the next one.
    fn keep(&mut self, pid: u32, file: u64, counters: Counters, entry: Entry, out: &mut Vec<Entry>) {
        if counters.is_zero() || !self.config.counts {
            return;
        }
        if let Some(entry) = self.carry.add(pid, file, counters, entry) {
            self.derive(entry, out);
        }
    }

    /// The exec has succeeded: its closes are told.
    pub(super) fn settle_held(&mut self, held: Vec<Held>, out: &mut Vec<Entry>) {
        for held in held {
            self.tally.held -= 1;
            self.settle(held, out);
        }
    }

    fn settle(&mut self, mut held: Held, out: &mut Vec<Entry>) {
        let counters = held.counters.plus(self.carry.take(held.pid, held.file));
        self.fill(counters, &mut held.entry);
        if let Some(proc) = &held.entry.proc {
            let id = ProcId { pid: proc.pid, start_ns: proc.start_ns };
            self.closed(id, held.file, held.fd);
        }
        self.emit(out, held.entry);
    }

    /// The exec has failed: the descriptors are still there.
    pub(super) fn void_held(&mut self, held: Vec<Held>, reason: &'static str, out: &mut Vec<Entry>) {
        for held in held {
            self.tally.held -= 1;
            self.tally.filter(reason);
            self.keep(held.pid, held.file, held.counters, held.entry, out);
        }
    }
}

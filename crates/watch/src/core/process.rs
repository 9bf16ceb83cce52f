//! Processes begin, end, or were there before.

use super::table::ProcId;
use super::{Core, paths};
use crate::raw::Event;
use kernscope_abi as abi;
use kernscope_report::text::Escapes;
use kernscope_report::{Body, Entry};

impl Core {
    pub(super) fn fork(&mut self, event: &Event<'_>, fork: &abi::Fork, out: &mut Vec<Entry>) {
        let header = &event.header;
        let who = self.who(header);
        if fork.child_pid == header.pid {
            self.tally.filter("thread_fork");
            return;
        }
        self.table.fork(header, fork, &mut self.names);
        let child = ProcId { pid: fork.child_pid, start_ns: fork.child_start_ns };
        if let Some(child) = self.table.get_mut(child) {
            child.forked_seq = Some(self.tally.emitted);
        }
        let body = Body::ProcessFork {
            child_pid: fork.child_pid,
            child_start_ns: fork.child_start_ns,
            child_ppid: (fork.child_ppid != header.pid).then_some(fork.child_ppid),
        };
        self.emit(out, who.entry(body, Escapes::default()));
    }

    pub(super) fn exit(&mut self, event: &Event<'_>, exit: &abi::Exit, out: &mut Vec<Entry>) {
        let header = &event.header;
        for thread in self.pending.take_process(header.pid) {
            // Its descriptors did not show up among those of the ended process: the exec had gone past the point
            // where it closes them, and died after it.
            self.settle_held(thread.held, out);
        }
        self.tls_process_ends(header, out);
        self.stdio_ends(header);
        for entry in self.carry.take_process(header.pid) {
            self.derive(entry, out);
        }
        self.tally.fds_unseen += u64::from(exit.fds_unseen != 0);
        let who = self.who(header);
        self.table.end(ProcId::of(header));
        let signal = (exit.status & 0x7f).cast_signed();
        let now_ns = header.ts_ns.checked_add(self.config.boot_offset_ns);
        let body = Body::ProcessExit {
            code: (signal == 0).then_some((exit.status >> 8 & 0xff).cast_signed()),
            signal: (signal != 0).then_some(signal),
            core_dumped: signal != 0 && exit.status & 0x80 != 0,
            duration_ns: now_ns
                .and_then(|now| now.checked_sub(header.start_ns))
                .filter(|_| header.start_ns != 0),
        };
        self.emit(out, who.entry(body, Escapes::default()));
    }

    pub(super) fn snapshot(&mut self, event: &Event<'_>, snapshot: &abi::Snapshot, out: &mut Vec<Entry>) {
        let mut escapes = Escapes::default();
        let usable = |tag| event.sections.get(tag).filter(|sec| !sec.has(abi::SECF_UNRESOLVED));
        let exe = usable(abi::SEC_RESOLVED).map(|sec| escapes.text("exe", sec.bytes));
        let name = exe.as_deref().map(|exe| self.names.text(exe, !escapes.is_empty()));
        if let Some(process) = self.table.enter(&event.header, &mut self.names) {
            process.exe = name.or_else(|| process.exe.take());
            process.watched = snapshot.watched != 0;
        }
        let argv = usable(abi::SEC_STRINGS)
            .map(|sec| escapes.texts("argv", paths::strings(sec.bytes)))
            .unwrap_or_default();
        let shown = self.runs(&event.header, exe.as_deref(), &argv);
        let who = self.who(&event.header);
        let body = Body::ProcessSnapshot {
            argv,
            cwd: usable(abi::SEC_RESOLVED2).map(|sec| escapes.text("cwd", sec.bytes)),
            exe,
            watched: snapshot.watched != 0,
        };
        self.emit_as(out, who.entry(body, escapes), shown, None);
    }
}

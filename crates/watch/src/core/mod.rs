//! The pure core: raw events in, entries out.
//!
//! [`Core::step`] decodes one raw event, brings its tables up to date and pushes what the event has to tell. It knows
//! no clock, no file system and no environment: the same bytes give the same entries, live or from a recording.
//!
//! Each event gives exactly one [`Entry`], or is counted as filtered (with a reason) or undecodable in [`Tally`]. Some
//! entries wait: a descriptor marked close-on-exec is closed only if the exec succeeds, so its close is told
//! when that is known; plain text waits until it is known which of it is secret (`spoken`). At a process's end its `KIND_EXIT` comes after the closes of its descriptors.
//!
//! Everything is bounded; each module says by how much and what happens then.
//!
//! ```
//! use kernscope_abi as abi;
//! use kernscope_watch::core::{Config, Core};
//! use kernscope_watch::raw::{Body, Builder};
//! let mut core = Core::new(Config::default());
//! let header = abi::Header { pid: 7, tid: 7, ..Default::default() };
//! let mut out = Vec::new();
//! core.step(&Builder::new(header, Body::Exit(abi::Exit { status: 9, fds_unseen: 0 })).finish(), &mut out);
//! assert!(matches!(out[0].body, kernscope_report::Body::ProcessExit { signal: Some(9), .. }));
//! assert!(core.tally().balanced());
//! ```

pub mod argv;
mod bound;
mod carry;
mod chain;
mod closes;
mod command;
mod content;
mod dns;
mod env;
mod exec;
mod files;
mod http;
mod intern;
mod names;
mod net;
mod opened;
mod path_calls;
mod paths;
mod pending;
mod process;
mod refused;
mod spoken;
mod stdio;
mod table;
mod tally;
#[cfg(test)]
mod tests;
mod tls;
mod told;
mod uring;

pub use command::Command;
pub(crate) use command::Sketch;
pub use intern::Name;
pub use names::kind_name;
pub use spoken::HOLD_NS;
pub use table::{KEEP_ENDED, MAX_ANCESTORS, MAX_LINEAGE, MAX_LIVE, ProcId, Process, Table};
pub use tally::Tally;

use crate::agents::Signatures;
use crate::detect::Detector;
use crate::policy::{Current, Means};
use crate::raw::{Body, Event};
use crate::talk::judges::Judges;
use intern::Interner;
use kernscope_abi as abi;
use kernscope_report::text::Escapes;
use kernscope_report::{self as report, Entry, Proc};
use kernscope_sieve::matcher::Matcher;
use std::sync::Arc;

/// What the core is told once, before the first event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Records of execs carry the environment.
    pub env: bool,
    /// Secrets in arguments, in what was found and said, and values of secret-looking environment names are left out.
    pub redact: bool,
    /// The back end counts what moves through descriptors; without, such fields are `null`.
    pub counts: bool,
    /// `CLOCK_BOOTTIME` minus `CLOCK_MONOTONIC`, nanoseconds: events have the one, starts of processes the other.
    pub boot_offset_ns: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { env: false, redact: true, counts: true, boot_offset_ns: 0 }
    }
}

/// The state that events build up.
#[derive(Debug)]
pub struct Core {
    config: Config,
    tally: Tally,
    table: Table,
    names: Interner,
    pending: pending::Pending,
    told: told::Told,
    carry: carry::Carry,
    bound: bound::Bound,
    requests: uring::Requests,
    judges: Judges,
    tls: tls::Tls,
    spoken: spoken::Spoken,
    answered: dns::Names,
    lines: stdio::Lines,
    talks: http::Talks,
    chains: chain::Chains,
    policy: Option<(Current, Means)>,
    /// What events say of paths is what this policy says.
    heeds_verdicts: bool,
    detector: Option<Box<Detector>>,
    refused: refused::Refused,
    agents: Option<Arc<Signatures>>,
}

/// An event with a number that this version does not know, where a field must have one of a few values.
struct Unknown;

impl Core {
    /// A core that has seen nothing.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            tally: Tally::default(),
            table: Table::default(),
            names: Interner::default(),
            pending: pending::Pending::default(),
            told: told::Told::default(),
            carry: carry::Carry::default(),
            bound: bound::Bound::default(),
            requests: uring::Requests::default(),
            judges: Judges::default(),
            tls: tls::Tls::default(),
            spoken: spoken::Spoken::default(),
            answered: dns::Names::default(),
            lines: stdio::Lines::default(),
            talks: http::Talks::default(),
            chains: chain::Chains::default(),
            policy: None,
            heeds_verdicts: false,
            detector: None,
            refused: refused::Refused::default(),
            agents: None,
        }
    }

    /// Judges what is told by a policy from now on; `means` says what makes denied things fail.
    pub fn set_policy(&mut self, policy: Current, means: Means) {
        self.policy = Some((policy, means));
    }

    /// Takes the word of the kernel's programs for which lists a file is on: they are held to the same policy. Not for a recording,
    /// whose events were judged by the policy of then.
    pub fn heed_verdicts(&mut self) {
        self.heeds_verdicts = true;
    }

    /// Holds data that calls and TLS libraries moved against these rules.
    #[must_use]
    pub fn with_rules(self, matcher: Matcher) -> Self {
        Self { judges: Judges::with(matcher), ..self }
    }

    /// Holds records against these rules; alerts follow the record that completes them.
    #[must_use]
    pub fn with_detector(self, detector: Detector) -> Self {
        Self { detector: Some(Box::new(detector)), ..self }
    }

    /// Says of processes which AI coding agent they belong to.
    #[must_use]
    pub fn with_agents(self, signatures: Arc<Signatures>) -> Self {
        Self { agents: Some(signatures), ..self }
    }

    /// What rules are held against records, if any.
    pub fn detector(&self) -> Option<&Detector> {
        self.detector.as_deref()
    }

    /// Takes one raw event and pushes what it tells.
    pub fn step(&mut self, bytes: &[u8], out: &mut Vec<Entry>) {
        let Ok(event) = Event::decode(bytes) else {
            self.tally.undecodable += 1;
            return;
        };
        self.waited(event.header.ts_ns, out);
        match self.dispatch(&event, bytes, out) {
            Ok(()) => self.tally.received[usize::from(event.body.kind())] += 1,
            Err(Unknown) => self.tally.undecodable += 1,
        }
    }

    fn dispatch(&mut self, event: &Event<'_>, bytes: &[u8], out: &mut Vec<Entry>) -> Result<(), Unknown> {
        let header = &event.header;
        // Hints belong to the call in progress: any event of a later call ends their life.
        let hint = match event.body {
            Body::Strings(_) | Body::PathHint(_) | Body::UringSubmit(_) | Body::Deny(_) => None,
            _ => self.pending.take_hint(header.tid),
        };
        match event.body {
            Body::Fork(ref fork) => self.fork(event, fork, out),
            Body::Exec(ref exec) => self.exec(event, exec, out),
            Body::Strings(ref strings) => self.strings(event, strings)?,
            Body::ExecFail(ref fail) => self.exec_fail(event, fail, out),
            Body::Exit(ref exit) => self.exit(event, exit, out),
            Body::Open(ref open) => self.open(event, open, out),
            Body::Close(ref close) => self.close(event, close, out)?,
            Body::PathOp(ref op) => self.path_op(event, op, hint.as_deref(), out)?,
            Body::PathHint(_) => {
                self.pending.hint(header, &bytes[..header.size as usize]);
                self.tally.filter("path_hint");
            }
            Body::Mmap(ref mmap) => self.mmap(event, mmap, out),
            Body::Net(ref net) => self.net(event, net, out)?,
            Body::UringSubmit(ref submit) => {
                self.requests.submit(submit.request, &bytes[..header.size as usize]);
                self.tally.filter("uring_submit");
            }
            Body::Content(ref content) => self.content(event, content, hint.as_deref(), out)?,
            Body::Tls(ref tls) => self.tls(event, tls, out)?,
            Body::Dns(ref dns) => self.dns(event, dns, out)?,
            Body::Stdio(ref moved) => self.stdio(event, moved, out)?,
            Body::TlsTarget(ref target) => self.tls_target(event, target),
            Body::Deny(ref deny) => self.refused(event, deny, out),
            Body::Snapshot(ref snapshot) => self.snapshot(event, snapshot, out),
        }
        if let Some(hint) = hint {
            self.pending.recycle(hint);
        }
        Ok(())
    }

    /// Ends the run: pushes what is still held back and what no close has told.
    pub fn finish(&mut self, out: &mut Vec<Entry>) {
        for thread in self.pending.take_all() {
            // The exec is not decided. The descriptors are open as far as anybody knows.
            self.void_held(thread.held, "exec_unfinished", out);
        }
        for entry in self.carry.take_all() {
            self.derive(entry, out);
        }
        self.conns_end(out);
    }

    /// Where the events have gone.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The processes, for lineage and names.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// What it was told at the start.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Who did it, as it is at this moment.
    fn who(&mut self, header: &abi::Header) -> Who {
        let process = self.table.enter(header, &mut self.names);
        let agent = process.as_ref().and_then(|process| process.agent.clone());
        let (known, exe) = match process {
            Some(process) => {
                (process.has_comm(&header.comm).then(|| process.comm.clone()), process.exe.clone())
            }
            None => (None, None),
        };
        let comm = known.unwrap_or_else(|| self.names.name(table::trimmed(&header.comm)));
        Who { header: *header, comm, exe, agent }
    }

    /// Gives out the entry of one event, and what a policy has to say of it.
    fn emit(&mut self, out: &mut Vec<Entry>, entry: Entry) {
        self.emit_as(out, entry, None, None);
    }

    /// What the kernel's programs said of the path of an event.
    fn verdict(&self, event: &Event<'_>) -> Option<u32> {
        let bits = event.sections.get(abi::SEC_JUDGED).filter(|_| self.heeds_verdicts)?;
        bits.bytes.try_into().ok().map(u32::from_ne_bytes)
    }

    /// The same with other arguments than those that are judged: without their secrets; and with what the kernel's programs said.
    fn emit_as(
        &mut self,
        out: &mut Vec<Entry>,
        mut entry: Entry,
        shown: Option<Vec<String>>,
        verdict: Option<u32>,
    ) {
        let seq = self.tally.emitted;
        self.tally.emitted += 1;
        let mut said: Vec<Entry> = match &self.policy {
            Some((policy, means)) if !self.refused.tells(&entry) => {
                let policy = policy.get();
                let told = |broken| policy.told(broken, &entry, means, seq);
                policy.judge_with(&entry, verdict).into_iter().map(told).collect()
            }
            _ => Vec::new(),
        };
        if let Some(detector) = &mut self.detector {
            let alerts = detector.see(&self.table, seq, &entry).into_iter();
            said.extend(alerts.map(|alert| Entry { body: report::Body::Alert(alert), ..entry.clone() }));
        }
        if let (
            Some(shown),
            report::Body::ProcessExec { argv, .. } | report::Body::ProcessSnapshot { argv, .. },
        ) = (shown, &mut entry.body)
        {
            *argv = shown;
        }
        out.push(entry);
        for entry in said {
            self.derive(entry, out);
        }
    }

    /// Gives out an entry that stands for no single event.
    fn derive(&mut self, entry: Entry, out: &mut Vec<Entry>) {
        self.tally.derived += 1;
        self.emit(out, entry);
    }
}

/// The process of an entry.
struct Who {
    header: abi::Header,
    comm: Name,
    exe: Option<Name>,
    agent: Option<Arc<str>>,
}

impl Who {
    fn entry(self, body: report::Body, escapes: Escapes) -> Entry {
        let mut escaped = escapes.into_fields();
        if self.comm.escaped {
            escaped.push("proc.comm");
        }
        if self.exe.as_ref().is_some_and(|exe| exe.escaped) {
            escaped.push("proc.exe");
        }
        let proc = Proc {
            pid: self.header.pid,
            tid: self.header.tid,
            ppid: self.header.ppid,
            uid: self.header.uid,
            comm: self.comm.text,
            exe: self.exe.map(|exe| exe.text),
            start_ns: self.header.start_ns,
            agent: self.agent,
        };
        Entry { ts_ns: self.header.ts_ns, proc: Some(proc), body, escaped }
    }
}

//! What a page holds of a run: lines of JSON, each one thing.
//!
//! `{"about": ..}` first; `{"proc": ..}` before the first record of a process as it is then, numbered from 0; a record as
//! everywhere, but with `t` (nanoseconds since the run began) and `p` (number of its process) in the place of `v`, `ts` and
//! `proc`, and with `seq` only where it is not the one that follows; `{"end": ..}` last.

use crate::clock::Clock;
use crate::{Body, Coverage, Entry, Ledger, Proc};
use serde::Serialize;
use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;

/// Records that a page holds; a browser would take more, but nobody's patience.
pub const RECORDS_MAX: u64 = 500_000;

/// What a page says of its run.
#[derive(Clone, Debug, Serialize)]
pub struct About {
    /// What was watched, in words.
    pub what: String,
    /// Wall clock minus the clock of the entries, nanoseconds.
    #[serde(skip)]
    pub offset_ns: i64,
    /// The machine's name.
    pub host: String,
    /// Release of the kernel.
    pub kernel: String,
    /// Version of kernscope.
    pub version: String,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Line<'a> {
    About(Began<'a>),
    Proc(&'a Proc),
    End { coverage: Option<&'a Coverage>, ledger: Option<&'a Ledger>, left_out: u64 },
}

/// What the run is, and when it began: with its first record.
#[derive(Serialize)]
struct Began<'a> {
    #[serde(flatten)]
    about: &'a About,
    started: &'a str,
}

#[derive(Serialize)]
struct Row<'a> {
    t: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    p: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(flatten)]
    body: &'a Body,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    escaped: &'a [&'static str],
}

/// One process as it was at one time.
type Known = (u32, u32, u32, u32, u64, Arc<str>, Option<Arc<str>>);

/// Writes lines.
#[derive(Debug)]
pub(super) struct Lines {
    about: About,
    /// Time of the first record; `None` before it.
    origin_ns: Option<u64>,
    procs: HashMap<Known, u32>,
    next_seq: u64,
    written: u64,
    left_out: u64,
}

impl Lines {
    /// Of this run.
    pub(super) fn new(about: About) -> Self {
        Self { about, origin_ns: None, procs: HashMap::new(), next_seq: 0, written: 0, left_out: 0 }
    }

    /// When the run began; that is told the first time.
    fn origin(&mut self, ts_ns: u64, to: &mut impl Write) -> io::Result<u64> {
        if let Some(origin_ns) = self.origin_ns {
            return Ok(origin_ns);
        }
        let mut clock = Clock::new(self.about.offset_ns);
        line(to, &Line::About(Began { about: &self.about, started: clock.rfc3339(ts_ns) }))?;
        self.origin_ns = Some(ts_ns);
        Ok(ts_ns)
    }

    /// Writes one record, if there is room for it.
    pub(super) fn record(&mut self, seq: u64, entry: &Entry, to: &mut impl Write) -> io::Result<()> {
        if self.written >= RECORDS_MAX {
            self.left_out += 1;
            return Ok(());
        }
        let origin_ns = self.origin(entry.ts_ns, to)?;
        let p = entry.proc.as_ref().map(|proc| self.number(proc, to)).transpose()?;
        let seq = Some(seq).filter(|seq| *seq != self.next_seq);
        self.next_seq = seq.unwrap_or(self.next_seq) + 1;
        self.written += 1;
        let t = entry.ts_ns.wrapping_sub(origin_ns).cast_signed();
        line(to, &Row { t, p, seq, body: &entry.body, escaped: &entry.escaped })
    }

    /// Writes how the run ended, at `ts_ns`.
    pub(super) fn end(
        mut self,
        ts_ns: u64,
        coverage: Option<&Coverage>,
        ledger: Option<&Ledger>,
        to: &mut impl Write,
    ) -> io::Result<()> {
        self.origin(ts_ns, to)?;
        line(to, &Line::End { coverage, ledger, left_out: self.left_out })
    }

    /// The number of a process; told before it is used first.
    fn number(&mut self, proc: &Proc, to: &mut impl Write) -> io::Result<u32> {
        let Proc { pid, tid, ppid, uid, comm, exe, start_ns, agent: _ } = proc;
        let known = (*pid, *tid, *ppid, *uid, *start_ns, Arc::clone(comm), exe.clone());
        if let Some(number) = self.procs.get(&known) {
            return Ok(*number);
        }
        let number = u32::try_from(self.procs.len()).unwrap_or(u32::MAX);
        self.procs.insert(known, number);
        line(to, &Line::Proc(proc))?;
        Ok(number)
    }
}

fn line(to: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *to, value)?;
    to.write_all(b"\n")
}

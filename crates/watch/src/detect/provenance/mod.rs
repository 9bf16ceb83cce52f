//! Where a command comes from: text that a process received, from the network or from another program, and that it or a
//! descendant then ran.
//!
//! Neither is kept for long as text. Both are made comparable ([`grams`]: JSON's quotes and escapes are no matter) and kept as hashes of
//! eight characters that follow one another. A command is taken for received when nearly all of its hashes are among those of
//! one conversation of the process or an ancestor. Records of a conversation may come later than the command, since they
//! wait until it is known which of it is secret: so commands are remembered as well, for [`RUN_NS`].
//!
//! What was received is asked only for commands whose hashes are nearly all known of some text, so that a long conversation costs no
//! more a record than a short one. A text is hashed when a command first asks for it (`index`): of a long download, which no command
//! follows, none is. Until then what is compared of it is kept.
//!
//! Bounded: [`MAX_GRAMS`] hashes or characters, [`MAX_TEXTS`] records, [`MAX_RUNS`] commands; the oldest go first.

mod grams;
mod index;
mod spoken;

use super::shell;
use crate::core::{ProcId, Table};
use grams::Grams;
use index::{Heard, Text};
use kernscope_report::{Body, Entry, TlsDirection};
use spoken::Spoken;
use std::collections::{BTreeMap, VecDeque};

/// Hashes of texts that are kept, or characters that are not hashed yet: 4 bytes each, and some 12 to look them up.
const MAX_GRAMS: usize = 1 << 18;
/// Records whose text is kept.
const MAX_TEXTS: usize = 1024;
/// Conversations of which the last characters are kept.
const MAX_WAYS: usize = 256;
/// Commands that wait for a text that is told later.
const MAX_RUNS: usize = 256;
/// How long they wait, nanoseconds of `CLOCK_MONOTONIC`.
const RUN_NS: u64 = 5_000_000_000;
/// Hashes of the shortest command that is no chance.
const SHORTEST: usize = 6;
/// Descendants of what was told are not told again; so many are known.
const MAX_TOLD: usize = 1024;

/// Where a command comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// `tls` or `stdio`.
    pub(super) from: Vec<String>,
    /// The records whose text it was, oldest first.
    pub(super) seqs: Vec<u64>,
    /// In a sentence.
    pub(super) because: String,
}

/// A command, and where it comes from, known after it was told.
pub(super) type Late = (Entry, u64, Origin);

/// One direction of a conversation: process, number, and whether it is what stands in fields of JSON.
type Way = (u32, u64, u64, bool);

#[derive(Debug)]
struct Run {
    entry: Entry,
    seq: u64,
    /// The process and its ancestors.
    by: Vec<ProcId>,
    grams: Grams,
}

/// Texts and commands of the last while.
#[derive(Debug, Default)]
pub(super) struct Provenance {
    heard: Heard,
    ways: BTreeMap<Way, Vec<u8>>,
    fields: BTreeMap<Way, Spoken>,
    runs: VecDeque<Run>,
    told: VecDeque<ProcId>,
}

impl Provenance {
    /// Takes a record; where a command comes from, if it is one, and what is known now of earlier ones.
    pub(super) fn take(&mut self, table: &Table, seq: u64, entry: &Entry) -> (Option<Origin>, Vec<Late>) {
        match &entry.body {
            Body::TlsData(said) if said.direction == TlsDirection::Recv => {
                let whom = said.remote.as_deref().map_or(String::new(), |remote| format!(" from {remote}"));
                (None, self.hear(seq, entry, "tls", said.conn, whom, &said.data))
            }
            Body::Stdio(said) if said.direction == TlsDirection::Recv => {
                let text = said.body.as_ref().map(ToString::to_string).unwrap_or_default();
                let fd = u64::try_from(said.fd).unwrap_or(0);
                (None, self.hear(seq, entry, "stdio", fd, format!(" on descriptor {fd}"), &text))
            }
            Body::ProcessExec { argv, .. } => (self.run(table, seq, entry, argv), Vec::new()),
            _ => (None, Vec::new()),
        }
    }

    /// A process has received a text.
    fn hear(
        &mut self,
        seq: u64,
        entry: &Entry,
        from: &'static str,
        number: u64,
        whom: String,
        data: &str,
    ) -> Vec<Late> {
        let Some(proc) = &entry.proc else { return Vec::new() };
        let whom = format!("{} ({}) received{whom}", proc.comm, proc.pid);
        let way = (proc.pid, proc.start_ns, number, false);
        if self.fields.len() >= MAX_WAYS && !self.fields.contains_key(&way) {
            self.fields.pop_first();
            self.ways.pop_first();
        }
        let fields = self.fields.entry(way).or_default().feed(data);
        for (text, is_field) in
            [(data, false), (&*fields, true)].into_iter().filter(|(text, _)| !text.is_empty())
        {
            let way = (way.0, way.1, way.2, is_field);
            let plain = grams::plain_after(self.ways.entry(way).or_default(), text);
            self.heard.keep(Text::new(seq, way, from, whom.clone(), plain));
        }
        self.runs.retain(|run| entry.ts_ns.saturating_sub(run.entry.ts_ns) <= RUN_NS);
        self.late(seq, (way.0, way.1))
    }

    /// The commands of a process and its descendants that are explained by what it received with the record `seq`.
    fn late(&mut self, seq: u64, proc: (u32, u64)) -> Vec<Late> {
        // Texts that were known before have been asked.
        let is_asked = |run: &Run| {
            run.by.iter().any(|id| (id.pid, id.start_ns) == proc) && self.heard.is_news(seq, &run.grams)
        };
        let (asked, others): (VecDeque<Run>, VecDeque<Run>) =
            std::mem::take(&mut self.runs).into_iter().partition(is_asked);
        self.runs = others;
        if !asked.is_empty() {
            self.heard.index();
        }
        let mut late = Vec::new();
        for run in asked {
            match self.heard.origin(&run.by, &run.grams) {
                Some(_) if self.is_told(&run.by) => {}
                Some(origin) => {
                    self.tell(&run.by);
                    late.push((run.entry, run.seq, origin));
                }
                None => self.runs.push_back(run),
            }
        }
        late
    }

    /// A process runs a command.
    fn run(&mut self, table: &Table, seq: u64, entry: &Entry, argv: &[String]) -> Option<Origin> {
        let proc = entry.proc.as_ref()?;
        let id = ProcId { pid: proc.pid, start_ns: proc.start_ns };
        let grams = match shell::text_of(argv) {
            Some(text) => Grams::of(text),
            None => Grams::of(&argv.join(" ")),
        };
        if grams.len() < SHORTEST {
            return None;
        }
        let by: Vec<ProcId> =
            std::iter::once(id).chain(table.lineage(id).map(|process| process.id)).collect();
        if self.is_told(&by) {
            return None;
        }
        let run = Run { entry: entry.clone(), seq, by, grams };
        self.heard.index();
        if let Some(origin) = self.heard.origin(&run.by, &run.grams) {
            self.tell(&run.by);
            return Some(origin);
        }
        if self.runs.len() >= MAX_RUNS {
            self.runs.pop_front();
        }
        self.runs.push_back(run);
        None
    }

    fn is_told(&self, by: &[ProcId]) -> bool {
        by.iter().skip(1).any(|id| self.told.contains(id))
    }

    fn tell(&mut self, by: &[ProcId]) {
        if self.told.len() >= MAX_TOLD {
            self.told.pop_front();
        }
        self.told.extend(by.first());
    }
}

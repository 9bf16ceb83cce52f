//! A record with what is known beside it: who did it, of whom it descends, what the text of its shell says.
//!
//! What takes work is done when the first rule asks for it, and once.

use super::provenance::Origin;
use super::shell::{self, Reading};
use super::value::{self, Value};
use crate::core::{ProcId, Process, Table};
use kernscope_report::{Body, Entry};
use std::cell::OnceCell;

/// A record that rules look at.
pub(super) struct Scene<'a> {
    pub(super) entry: &'a Entry,
    pub(super) seq: u64,
    table: &'a Table,
    id: Option<ProcId>,
    line: OnceCell<String>,
    reading: OnceCell<Reading>,
    run: OnceCell<Vec<String>>,
    /// Where the command comes from, if it was received.
    origin: Option<Origin>,
}

impl<'a> Scene<'a> {
    pub(super) fn new(entry: &'a Entry, seq: u64, table: &'a Table) -> Self {
        let id = entry.proc.as_ref().map(|proc| ProcId { pid: proc.pid, start_ns: proc.start_ns });
        let (line, reading, run) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Self { entry, seq, table, id, line, reading, run, origin: None }
    }

    /// The same, with what is known of where the command comes from.
    pub(super) fn from(self, origin: Option<Origin>) -> Self {
        Self { origin, ..self }
    }

    pub(super) fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    pub(super) fn id(&self) -> Option<ProcId> {
        self.id
    }

    pub(super) fn table(&self) -> &'a Table {
        self.table
    }

    /// The process that did it.
    pub(super) fn process(&self) -> Option<&'a Process> {
        self.table.get(self.id?)
    }

    /// Its ancestors, nearest first.
    pub(super) fn lineage(&self) -> impl Iterator<Item = &'a Process> {
        self.id.into_iter().flat_map(|id| self.table.lineage(id))
    }

    /// Gives the value of a field to `look`.
    pub(super) fn with<R>(&self, name: &str, look: impl FnOnce(Value<'_>) -> R) -> R {
        match (name, &self.entry.body) {
            ("line", Body::ProcessExec { argv, .. }) => look(Value::Text(self.line(argv))),
            ("run", Body::ProcessExec { argv, .. }) => look(Value::Texts(self.run(argv))),
            ("from", _) => {
                look(self.origin.as_ref().map_or(Value::Missing, |origin| Value::Texts(&origin.from)))
            }
            ("shell", Body::ProcessExec { .. }) => look(Value::Texts(&self.reading().signs)),
            ("written", body) => look(value::written(body)),
            ("of_other", _) => look(self.of_other()),
            _ => look(value::get(self.entry, name)),
        }
    }

    /// Whether the path is below `/proc/PID` of another process.
    fn of_other(&self) -> Value<'_> {
        let Value::Text(path) = value::get(self.entry, "path") else { return Value::Missing };
        let pid = path.strip_prefix("/proc/").and_then(|rest| rest.split('/').next()?.parse::<u32>().ok());
        let own = self.entry.proc.as_ref().map(|proc| (proc.pid, proc.tid));
        match (pid, own) {
            (Some(pid), Some((own, tid))) => Value::Flag(pid != own && pid != tid),
            _ => Value::Missing,
        }
    }

    /// What a shell is told to run, read.
    pub(super) fn reading(&self) -> &Reading {
        self.reading.get_or_init(|| match &self.entry.body {
            Body::ProcessExec { argv, .. } => match shell::text_of(argv) {
                Some(text) => shell::read(text, self.lineage()),
                None => shell::read_arguments(argv),
            },
            _ => Reading::default(),
        })
    }

    fn line(&self, argv: &[String]) -> &str {
        self.line.get_or_init(|| argv.join(" "))
    }

    /// The command, and each command that a shell is told to run, as the shell would see it.
    fn run(&self, argv: &[String]) -> &[String] {
        self.run.get_or_init(|| {
            let own = std::iter::once(plain(argv));
            let all = own.chain(self.reading().commands.iter().cloned());
            // `sudo -u x id` is `id` as well.
            all.flat_map(|line| {
                let inner = inner(&line);
                std::iter::once(line).chain(inner)
            })
            .collect()
        })
    }
}

/// The command that a command starts, where it is one that starts another.
fn inner(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split(' ').collect();
    let inner = &words[shell::wrapper::inner_at(&words)?..];
    let name = inner.first().map_or("", |first| first.rsplit('/').next().unwrap_or(first));
    Some(std::iter::once(name).chain(inner[1..].iter().copied()).collect::<Vec<_>>().join(" "))
}

/// A command with the folder of its program left out, so that rules need not know where programs are.
fn plain(argv: &[String]) -> String {
    let name = argv.first().map_or("", |first| first.rsplit('/').next().unwrap_or(first));
    std::iter::once(name).chain(argv.iter().skip(1).map(String::as_str)).collect::<Vec<_>>().join(" ")
}

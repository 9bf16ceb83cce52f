//! Lines for people: a live tree on a terminal, plain columns in a pipe, and a summary at the end.
//!
//! Names come from strangers, so nothing that could steer a terminal gets through ([`clean`]). Mappings, closes
//! and the like are told with `-v` only; how many lines were left out is said in the summary. They count as
//! emitted all the same: this sink took them.

pub mod clean;
mod depths;
mod describe;
mod end;
mod paint;
pub mod units;

pub use describe::equation;
pub use end::short;

use crate::output::Output;
use crate::sink::{End, Sink, settle};
use crate::{Body, Entry, Ledger};
use depths::Depths;
use describe::describe;
use paint::{Ink, Paint};

/// What a record says, in words, without its time and process; shortened, and safe to show.
pub fn words(body: &Body) -> String {
    let mut line = String::new();
    describe(&mut line, Paint(false), body, false);
    line
}

/// How lines look.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// With colours.
    pub color: bool,
    /// Indented by the depth of the process.
    pub tree: bool,
    /// Every record, and nothing shortened.
    pub verbose: bool,
}

/// Deepest indentation, in steps.
const INDENT_MAX: u16 = 12;

/// Writes lines for people.
#[derive(Debug)]
pub struct Pretty {
    output: Output,
    lines: Lines,
    hidden: u64,
}

impl Pretty {
    /// Lines in this style.
    pub fn new(output: Output, style: Style) -> Self {
        Self { output, lines: Lines::new(style), hidden: 0 }
    }

    /// Ends the stream with its last line: nothing is known of its end.
    pub fn finish_without_account(&mut self) {
        self.output.finish(&mut |_| Vec::new());
    }

    /// What kept lines from being written, if anything did.
    pub fn failed_by(&self) -> Option<std::io::ErrorKind> {
        self.output.failed_by()
    }
}

impl Sink for Pretty {
    fn entry(&mut self, entry: &Entry) {
        let depth = self.lines.follow(entry);
        if !self.lines.style.verbose && is_noise(&entry.body) {
            self.hidden += 1;
            return;
        }
        let lines = &self.lines;
        self.output.line(|bytes| {
            lines.append(bytes, entry, depth);
            true
        });
    }

    fn flush(&mut self) {
        self.output.flush();
    }

    fn fault(&mut self) -> Option<String> {
        self.output.fault()
    }

    fn finish(&mut self, end: &End<'_>) -> Ledger {
        let (style, hidden) = (self.lines.style, self.hidden);
        let (settled, _) = self.output.finish(&mut |settled| {
            let ledger = settle(end.ledger, settled.unwritten);
            end::render(Paint(style.color), end, &ledger, hidden).into_bytes()
        });
        settle(end.ledger, settled.unwritten)
    }
}

/// Told with `-v` only: what repeats and says little by itself.
fn is_noise(body: &Body) -> bool {
    match body {
        Body::FileMmap { ret, .. } => *ret >= 0,
        Body::FileClose { write_bytes, .. } => write_bytes.unwrap_or(0) == 0,
        Body::NetClose { bytes_sent, bytes_received, .. } => {
            bytes_sent.unwrap_or(0) == 0 && bytes_received.unwrap_or(0) == 0
        }
        Body::ProcessSnapshot { watched, .. } => !watched,
        _ => false,
    }
}

/// Makes single lines; knows the time of the first and the depth of every process.
#[derive(Debug)]
struct Lines {
    style: Style,
    start_ns: Option<u64>,
    depths: Depths,
}

impl Lines {
    fn new(style: Style) -> Self {
        Self { style, start_ns: None, depths: Depths::default() }
    }

    /// Learns from an entry; the depth of its process.
    fn follow(&mut self, entry: &Entry) -> u16 {
        if !matches!(entry.body, Body::ProcessSnapshot { .. }) {
            self.start_ns.get_or_insert(entry.ts_ns);
        }
        self.depths.follow(entry)
    }

    fn append(&self, bytes: &mut Vec<u8>, entry: &Entry, depth: u16) {
        let paint = Paint(self.style.color);
        let mut line = String::with_capacity(160);
        let offset_ns = entry.ts_ns.saturating_sub(self.start_ns.unwrap_or(entry.ts_ns));
        paint.put(&mut line, Ink::Dim, &units::offset(offset_ns));
        if let Some(proc) = &entry.proc {
            paint.put(&mut line, Ink::Dim, &format!(" {:>7} ", proc.pid));
            if self.style.tree {
                paint.put(&mut line, Ink::Dim, &"│ ".repeat(usize::from(depth.min(INDENT_MAX))));
            }
            let comm = clean::text(&proc.comm);
            line.push_str(&format!("{comm:<15} "));
        } else {
            line.push(' ');
        }
        describe(&mut line, paint, &entry.body, self.style.verbose);
        bytes.extend_from_slice(line.trim_end().as_bytes());
        bytes.push(b'\n');
    }
}

#[cfg(test)]
mod tests;

//! How findings and the end of a scan are told: lines for people, or records.

use crate::args::Format;
use crate::failure::Failure;
use crate::stream::print;
use kernscope_report::text::Escapes;
use kernscope_report::{Body, Coverage, Entry, Ledger, Match, Sequencer, clock};
use kernscope_scan::{Fingerprints, Found, Tally, redact};
use kernscope_sieve::rules::Rule;
use std::collections::BTreeMap;

/// Writes records to standard output, and counts them.
pub(super) struct Teller {
    format: Format,
    bare: bool,
    sequencer: Sequencer,
    names: Fingerprints,
    /// Findings that were told.
    pub(super) emitted: u64,
    /// Why nothing more is written, if so.
    pub(super) broken: Option<Failure>,
}

impl Teller {
    /// `bare`: secrets are shown as they are.
    pub(super) fn new(format: Format, bare: bool) -> Self {
        let sequencer = Sequencer::new(clock::realtime_offset_ns());
        Self { format, bare, sequencer, names: Fingerprints::default(), emitted: 0, broken: None }
    }

    /// Tells a finding.
    pub(super) fn found(&mut self, rule: &Rule, found: &Found) {
        let mut escapes = Escapes::default();
        let path = escapes.text("path", &found.path);
        let redacted =
            if self.bare { escapes.text("redacted", &found.at.secret) } else { redact(&found.at.secret) };
        let matched = Match {
            rule: rule.id.clone(),
            description: rule.description.clone(),
            severity: rule.severity.as_str().to_owned(),
            path,
            commit: None,
            start: found.at.start,
            end: found.at.end,
            secret_start: found.at.secret_start,
            line: found.at.line,
            column: found.at.column,
            redacted,
            secret_bytes: found.at.secret.len() as u64,
            entropy: found.at.entropy,
            fingerprint: self.names.next(&rule.id, found),
        };
        self.emitted += 1;
        self.tell(Body::Match(matched), escapes.into_fields());
    }

    /// Tells what was looked at, and what became of it.
    pub(super) fn end(&mut self, tally: &Tally) {
        let own = |map: &BTreeMap<&str, u64>| -> BTreeMap<String, u64> {
            map.iter().map(|(key, count)| ((*key).to_owned(), *count)).collect()
        };
        let mut seen_by = own(&tally.seen_by);
        if self.emitted > 0 {
            seen_by.insert("match".to_owned(), self.emitted);
        }
        let ledger = Ledger {
            seen: seen_by.values().sum(),
            emitted: self.emitted,
            filtered: tally.filtered_by.values().sum(),
            lost: own(&tally.lost_by),
            filtered_by: own(&tally.filtered_by),
            seen_by,
            ..Ledger::default()
        };
        let why =
            "archives and UTF-16 are scanned as the bytes they are; git history is not looked at".to_owned();
        self.tell(
            Body::Coverage(Coverage { backend: "scan".to_owned(), why, ..Coverage::default() }),
            Vec::new(),
        );
        self.tell(Body::Ledger(ledger.close()), Vec::new());
    }

    fn tell(&mut self, body: Body, escaped: Vec<&'static str>) {
        if self.broken.is_some() {
            return;
        }
        let line = match (self.format, &body) {
            (Format::Pretty, Body::Match(m)) => {
                format!("{}:{}:{} {} {}", m.path, m.line, m.column, m.rule, m.redacted)
            }
            (Format::Pretty, Body::Coverage(coverage)) => format!("coverage {}", coverage.why),
            (Format::Pretty, Body::Ledger(ledger)) => equation(ledger),
            _ => {
                let entry = Entry { ts_ns: clock::monotonic_ns(), proc: None, body, escaped };
                match serde_json::to_string(&self.sequencer.stamp(&entry)) {
                    Ok(line) => line,
                    Err(cause) => {
                        self.broken = Some(Failure::usage(format_args!("write a record: {cause}")));
                        return;
                    }
                }
            }
        };
        let line = match self.format {
            Format::Pretty => kernscope_report::pretty::clean::text(&line).into_owned(),
            Format::Jsonl => line,
        };
        self.broken = print(format!("{line}\n").as_bytes()).err();
    }
}

/// What was met and what became of it, by reason.
fn equation(ledger: &Ledger) -> String {
    let parts = |map: &BTreeMap<String, u64>| {
        let parts: Vec<_> = map.iter().map(|(key, count)| format!("{key} {count}")).collect();
        if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
    };
    format!(
        "ledger seen {}{} = emitted {} + filtered {}{} + lost {}{}",
        ledger.seen,
        parts(&ledger.seen_by),
        ledger.emitted,
        ledger.filtered,
        parts(&ledger.filtered_by),
        ledger.lost.values().sum::<u64>(),
        parts(&ledger.lost)
    )
}

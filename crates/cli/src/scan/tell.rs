//! How findings and the end of a scan are told: lines for people, records, or SARIF.

use super::accepted::Accepted;
use super::sarif::Report;
use super::sink::Sink;
use super::{access, account};
use crate::failure::Failure;
use crate::stream::note;
use kernscope_report::text::Escapes;
use kernscope_report::{Body, Coverage, Entry, Ledger, Match, Sequencer, clock};
use kernscope_scan::{Fingerprints, Found, Tally, User, Watched, redact};
use kernscope_sieve::rules::Rule;
use std::collections::{BTreeMap, HashSet};

/// `--format` of a scan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    #[default]
    Pretty,
    Jsonl,
    Sarif,
}

/// Findings that are remembered; above that they are forgotten, and may be told again.
const TOLD_MOST: usize = 1 << 20;

/// How to tell.
pub(super) struct How {
    pub(super) format: Format,
    /// Secrets are shown as they are.
    pub(super) bare: bool,
    /// Archives are looked into.
    pub(super) archives: bool,
    /// Git history is looked at.
    pub(super) history: bool,
    /// What is watched for files that are used; nothing where files are named.
    pub(super) watched: Vec<Watched>,
}

/// Writes, and counts.
pub(super) struct Teller {
    sink: Sink,
    form: Form,
    how: How,
    names: Fingerprints,
    accepted: Accepted,
    user: Option<User>,
    /// Findings that were told.
    pub(super) emitted: u64,
    /// Findings that were not, by reason.
    set_aside: BTreeMap<&'static str, u64>,
    /// Fingerprints of what was told of a history, or of files that are used again and again.
    told: HashSet<String>,
}

enum Form {
    Lines,
    Records(Sequencer),
    Sarif(Report),
}

impl Teller {
    /// Begins.
    pub(super) fn new(how: How, sink: Sink, accepted: Accepted, rules: &[Rule]) -> Self {
        let form = match how.format {
            Format::Pretty => Form::Lines,
            Format::Jsonl => Form::Records(Sequencer::new(clock::realtime_offset_ns())),
            Format::Sarif => Form::Sarif(Report::default()),
        };
        let names = Fingerprints::default();
        let mut teller = Self {
            sink,
            form,
            how,
            names,
            accepted,
            user: None,
            emitted: 0,
            set_aside: BTreeMap::new(),
            told: HashSet::new(),
        };
        if teller.how.format == Format::Sarif {
            teller.sink.write(&Report::head(rules));
        }
        teller
    }

    /// What comes next is of another file, or of the same anew; `user`: who used it.
    pub(super) fn begin(&mut self, user: Option<User>) {
        self.names.begin();
        self.user = user;
    }

    /// Tells a finding, unless it is accepted.
    pub(super) fn found(&mut self, rule: &Rule, found: &Found) {
        let mut escapes = Escapes::default();
        let path = escapes.text("path", &found.path);
        let fingerprint = self.names.next(&rule.id, found);
        if self.accepted.has(&fingerprint, &rule.id, &path) {
            *self.set_aside.entry("baseline").or_default() += 1;
            return;
        }
        if self.was_told(&fingerprint) {
            *self.set_aside.entry("told_before").or_default() += 1;
            return;
        }
        self.emitted += 1;
        let redacted =
            if self.how.bare { escapes.text("redacted", &found.at.secret) } else { redact(&found.at.secret) };
        let matched = Match {
            rule: rule.id.clone(),
            description: rule.description.clone(),
            severity: rule.severity.as_str().to_owned(),
            path,
            commit: found.commit.as_deref().map(str::to_owned),
            start: found.at.start,
            end: found.at.end,
            secret_start: found.at.secret_start,
            line: found.at.line,
            column: found.at.column,
            redacted,
            secret_bytes: found.at.secret.len() as u64,
            entropy: found.at.entropy,
            fingerprint,
        };
        match &mut self.form {
            Form::Lines => {
                let Match { path, line, column, rule, redacted, .. } = &matched;
                let commit = matched.commit.as_ref().map_or(String::new(), |commit| format!(" in {commit}"));
                let user = self.user.as_ref().map_or(String::new(), |user| format!(" by {}", user.shown()));
                self.line(&format!("{path}:{line}:{column} {rule} {redacted}{commit}{user}"));
            }
            Form::Records(_) => self.record(Body::Match(matched), escapes.into_fields()),
            Form::Sarif(report) => {
                let text = report.result(rule, found, &matched);
                self.sink.write(&text);
            }
        }
    }

    /// A file that changes keeps its secrets: of a history, and of a file that is used again, the first time is told.
    fn was_told(&mut self, fingerprint: &str) -> bool {
        if !self.how.history && self.how.watched.is_empty() {
            return false;
        }
        if self.told.len() >= TOLD_MOST {
            self.told.clear();
        }
        !self.told.insert(fingerprint.to_owned())
    }

    /// Says what could not be scanned.
    pub(super) fn trouble(&mut self, line: &str) {
        note(line);
        if let Form::Sarif(report) = &mut self.form {
            report.notice(line);
        }
    }

    /// Tells what was looked at, and what became of it; writes the new baseline. `stopped`: before the end of the walk.
    pub(super) fn end(&mut self, tally: &Tally, stopped: bool) {
        let ledger = self.ledger(tally);
        let why = account::coverage(tally, &self.how, stopped);
        match &mut self.form {
            Form::Lines => {
                self.line(&format!("coverage {why}"));
                self.line(&account::equation(&ledger));
            }
            Form::Records(_) => {
                let hooks = access::hook(&self.how.watched, tally).into_iter().collect();
                let coverage = Coverage { backend: "scan".to_owned(), why, hooks, ..Coverage::default() };
                self.record(Body::Coverage(coverage), Vec::new());
                self.record(Body::Ledger(ledger), Vec::new());
            }
            Form::Sarif(report) => {
                let text = std::mem::take(report).tail(&ledger);
                self.sink.write(&text);
            }
        }
        if let Err(failure) = self.accepted.write() {
            self.sink.fail(failure);
        }
    }

    /// Whether nobody has anything of what is still to be found: nothing more is written, and no baseline is to be.
    pub(super) fn is_in_vain(&self) -> bool {
        self.sink.is_broken() && !self.accepted.is_to_be_written()
    }

    /// Why what was told is not whole, if so.
    pub(super) fn failure(&self) -> Option<&Failure> {
        self.sink.failure()
    }

    fn ledger(&self, tally: &Tally) -> Ledger {
        let own = |map: &BTreeMap<&str, u64>| -> BTreeMap<String, u64> {
            map.iter().map(|(key, count)| ((*key).to_owned(), *count)).collect()
        };
        let (mut seen_by, mut filtered_by) = (own(&tally.seen_by), own(&tally.filtered_by));
        let found = self.emitted + self.set_aside.values().sum::<u64>();
        if found > 0 {
            seen_by.insert("match".to_owned(), found);
        }
        filtered_by.extend(own(&self.set_aside));
        let ledger = Ledger {
            seen: seen_by.values().sum(),
            emitted: self.emitted,
            filtered: filtered_by.values().sum(),
            lost: own(&tally.lost_by),
            filtered_by,
            seen_by,
            ..Ledger::default()
        };
        ledger.close()
    }

    fn line(&mut self, line: &str) {
        let line = kernscope_report::pretty::clean::text(line);
        self.sink.write(&format!("{line}\n"));
    }

    fn record(&mut self, body: Body, escaped: Vec<&'static str>) {
        let Form::Records(sequencer) = &mut self.form else { return };
        let proc = self.user.as_ref().filter(|_| matches!(body, Body::Match(_))).map(access::proc);
        let entry = Entry { ts_ns: clock::monotonic_ns(), proc, body, escaped };
        match serde_json::to_string(&sequencer.stamp(&entry)) {
            Ok(line) => self.sink.write(&format!("{line}\n")),
            Err(cause) => self.sink.fail(Failure::usage(format_args!("write a record: {cause}"))),
        }
    }
}

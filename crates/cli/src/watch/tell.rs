//! From the session to the outputs: every entry to the sink, into the summary, and to where records are kept.
//!
//! Each output has an account of its own: what one loses (a full disk, a slow reader) the other may have.

use super::config::Config;
use super::learn::Learning;
use super::policy::Answers;
use crate::args::Format;
use crate::failure::Failure;
use crate::records;
use crate::stream::note;
use crate::tui::Tui;
use kernscope_report::clock::{self, Clock};
use kernscope_report::html::{About, Report};
use kernscope_report::pretty::short;
use kernscope_report::records::{Begin, Keeper};
use kernscope_report::sink::LOST_OUTPUT;
use kernscope_report::{Coverage, End, Entry, Hook, Jsonl, Ledger, Output, Pretty, Sink, State, Summary};
use kernscope_watch::core::Core;
use kernscope_watch::session;
use std::convert::Infallible;
use std::path::Path;

/// The output of a run.
pub(crate) struct Teller {
    sink: Box<dyn Sink>,
    summary: Summary,
    /// Where records are kept, if they are.
    keeper: Option<Keeper>,
    /// The page that is written, if one is.
    report: Option<Report>,
    /// What a policy is made of, if one is to be.
    learning: Option<Learning>,
    /// Who waits for answers of name servers.
    answers: Option<Answers>,
    /// Secrets are left in; who reads a page or a session of it is told.
    unredacted: bool,
    /// The summary is part of what a person sees anyway.
    shows_summary: bool,
    faulted: bool,
}

impl Teller {
    /// Opens the output. `offset_ns`: wall clock minus `CLOCK_MONOTONIC` of the events.
    pub(crate) fn new(config: &Config, offset_ns: i64) -> Result<Self, Failure> {
        let keeper = config.db.as_deref().map(|path| keep(config, path, offset_ns)).transpose()?;
        let report =
            config.report.as_deref().map(|path| begin_report(config, path, offset_ns)).transpose()?;
        let learning = config.learn.as_ref().map(|_| Learning::begin(config, offset_ns)).transpose()?;
        // Last, since a line on standard error would not be seen behind a screen.
        let sink = open_sink(config, offset_ns)?;
        let shows_summary = config.format == Format::Pretty && config.output.is_none();
        let (summary, answers) = (Summary::default(), None);
        Ok(Self {
            sink,
            summary,
            keeper,
            report,
            learning,
            answers,
            unredacted: !config.redact,
            shows_summary,
            faulted: false,
        })
    }

    /// Hands on what name servers answer.
    pub(crate) fn tell_answers(&mut self, answers: Option<Answers>) {
        self.answers = answers;
    }

    /// When the last entry was, `CLOCK_MONOTONIC` nanoseconds.
    pub(crate) fn last_ns(&self) -> u64 {
        self.summary.last_ns
    }

    /// Writes the end; gives the account with what the output lost in it.
    pub(crate) fn finish(mut self, ts_ns: u64, coverage: &Coverage, ledger: &Ledger) -> Ledger {
        let mut coverage = coverage.clone();
        coverage.hooks.extend(self.unredacted.then(unredacted));
        let coverage = &coverage;
        let end = End { ts_ns, summary: &self.summary, coverage, ledger };
        // First, since it does not depend on who reads the output.
        if let Some(keeper) = self.keeper.take() {
            end_session(keeper, &end);
        }
        if let Some(report) = self.report.take() {
            end_report(report, &end);
        }
        if let Some(learning) = self.learning.take() {
            learning.finish(coverage, ledger);
        }
        let ledger = self.sink.finish(&end);
        self.tell_fault();
        if !self.shows_summary || self.faulted {
            note(short(&self.summary, coverage, &ledger));
        }
        ledger
    }

    fn tell_fault(&mut self) {
        if let Some(fault) = self.sink.fault() {
            self.faulted = true;
            note(fault);
        }
        let kept = self.keeper.as_mut().and_then(Keeper::fault);
        let reported = self.report.as_mut().and_then(Report::fault);
        kept.into_iter().chain(reported).for_each(note);
    }
}

/// What the coverage statement says of `--no-redact`.
fn unredacted() -> Hook {
    Hook {
        name: "redaction".to_owned(),
        tier: "none".to_owned(),
        state: State::Blind,
        why: "--no-redact: secrets stand in records as they are".to_owned(),
    }
}

/// What a person or a program reads while the run goes on.
fn open_sink(config: &Config, offset_ns: i64) -> Result<Box<dyn Sink>, Failure> {
    if config.tui {
        return Ok(Box::new(Tui::start(config.words(), config.style)?));
    }
    let output = match &config.output {
        Some(path) => Output::file(path).map_err(Failure::usage)?,
        None => {
            Output::stdout().map_err(|cause| Failure::usage(format_args!("use standard output: {cause}")))?
        }
    };
    Ok(match config.format {
        Format::Pretty => Box::new(Pretty::new(output, config.style)),
        Format::Jsonl => Box::new(Jsonl::new(output, offset_ns)),
    })
}

/// Opens the database and begins a session in it; old ones go first, where that is asked for.
fn keep(config: &Config, path: &Path, offset_ns: i64) -> Result<Keeper, Failure> {
    let mut clock = Clock::new(clock::realtime_offset_ns());
    let begin = Begin {
        started: clock.rfc3339(clock::monotonic_ns()).to_owned(),
        what: config.words(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        host: host(),
        kernel: super::kernel_release(),
        offset_ns,
    };
    let keeper = Keeper::start(path, &begin).map_err(Failure::usage)?;
    if let Some(days) = config.keep_days {
        records::forget(path, days)?;
    }
    Ok(keeper)
}

fn begin_report(config: &Config, path: &Path, offset_ns: i64) -> Result<Report, Failure> {
    let (what, kernel) = (config.words(), super::kernel_release());
    let about =
        About { what, offset_ns, host: host(), kernel, version: env!("CARGO_PKG_VERSION").to_owned() };
    Report::start(path, about).map_err(Failure::usage)
}

/// The machine's name.
fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

/// Puts the page in its place, and says what is missing there.
fn end_report(mut report: Report, end: &End<'_>) {
    let told = report.fault().is_some();
    match report.finish(end) {
        Err(error) if !told => note(format_args!("{error}; there is no report")),
        Err(_) => {}
        Ok(ledger) => {
            if let Some(lost) = ledger.lost.get(LOST_OUTPUT) {
                note(format_args!(
                    "{lost} records are missing from the report: its file took them too slowly"
                ));
            }
        }
    }
}

/// Says which session it is, and what of it could not be kept.
fn end_session(keeper: Keeper, end: &End<'_>) {
    let session = keeper.session();
    let (ledger, failed) = keeper.finish(end);
    if let Some(failed) = failed {
        note(format_args!("{failed}; the session will be told as cut off"));
    }
    let lost = ledger.lost.get(LOST_OUTPUT).copied().unwrap_or(0);
    let lost = if lost > 0 { format!(", {lost} records could not be kept") } else { String::new() };
    note(format_args!("kept as session {session}{lost}; see kernscope show {session}"));
}

impl session::Sink for Teller {
    type Error = Infallible;

    fn entry(&mut self, _core: &Core, entry: Entry) -> Result<(), Infallible> {
        self.summary.entry(&entry);
        self.sink.entry(&entry);
        if let Some(answers) = &self.answers {
            answers.see(&entry);
        }
        if let Some(learning) = &mut self.learning {
            learning.see(&entry);
        }
        match (&mut self.report, &mut self.keeper) {
            (Some(report), Some(keeper)) => {
                report.take(entry.clone());
                keeper.take(entry);
            }
            (Some(report), None) => report.take(entry),
            (None, Some(keeper)) => keeper.take(entry),
            (None, None) => {}
        }
        Ok(())
    }

    fn idle(&mut self, _core: &Core) {
        self.sink.flush();
        if let Some(keeper) = &mut self.keeper {
            keeper.flush();
        }
        if let Some(report) = &mut self.report {
            report.flush();
        }
        self.tell_fault();
    }
}

//! From the session to the output: every entry to the sink and into the summary.

use super::config::Config;
use crate::args::Format;
use crate::failure::Failure;
use crate::stream::note;
use kernscope_report::pretty::short;
use kernscope_report::{Coverage, End, Entry, Jsonl, Ledger, Output, Pretty, Sink, Summary};
use kernscope_watch::core::Core;
use kernscope_watch::session;
use std::convert::Infallible;

/// The output of a run.
pub(crate) struct Teller {
    sink: Box<dyn Sink>,
    summary: Summary,
    /// The summary is part of what a person sees anyway.
    shows_summary: bool,
    faulted: bool,
}

impl Teller {
    /// Opens the output. `offset_ns`: wall clock minus `CLOCK_MONOTONIC` of the events.
    pub(crate) fn new(config: &Config, offset_ns: i64) -> Result<Self, Failure> {
        let output = match &config.output {
            Some(path) => Output::file(path).map_err(Failure::usage)?,
            None => Output::stdout()
                .map_err(|cause| Failure::usage(format_args!("use standard output: {cause}")))?,
        };
        let sink: Box<dyn Sink> = match config.format {
            Format::Pretty => Box::new(Pretty::new(output, config.style)),
            Format::Jsonl => Box::new(Jsonl::new(output, offset_ns)),
        };
        let shows_summary = config.format == Format::Pretty && config.output.is_none();
        Ok(Self { sink, summary: Summary::default(), shows_summary, faulted: false })
    }

    /// When the last entry was, `CLOCK_MONOTONIC` nanoseconds.
    pub(crate) fn last_ns(&self) -> u64 {
        self.summary.last_ns
    }

    /// Writes the end; gives the account with what the output lost in it.
    pub(crate) fn finish(mut self, ts_ns: u64, coverage: &Coverage, ledger: &Ledger) -> Ledger {
        let ledger = self.sink.finish(&End { ts_ns, summary: &self.summary, coverage, ledger });
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
    }
}

impl session::Sink for Teller {
    type Error = Infallible;

    fn entry(&mut self, _core: &Core, entry: Entry) -> Result<(), Infallible> {
        self.summary.entry(&entry);
        self.sink.entry(&entry);
        Ok(())
    }

    fn idle(&mut self, _core: &Core) {
        self.sink.flush();
        self.tell_fault();
    }
}

//! One run: events from a back end through the core to a sink, and the account at the end.
//!
//! The loop here is the same for all back ends and for a replay. It never stops the watched program from going on:
//! a sink that fails costs records (`lost: output`), not the run.

use crate::backend::{Account, Backend, BackendError, Progress};
use crate::core::{Core, HOLD_NS, kind_name};
use crate::stream::{StreamError, Trailer, Writer};
use kernscope_abi as abi;
use kernscope_report::{Coverage, Entry, Hook, Ledger, State};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Shortest wait for events: after a poll that found some.
const MIN_WAIT: Duration = Duration::from_millis(1);
/// Longest wait for events; also how long a signal may go unnoticed.
const MAX_WAIT: Duration = Duration::from_millis(100);
/// After detaching, a back end that delivers nothing this many times in a row has nothing left.
const EMPTY_POLLS: u32 = 3;
/// Polls after detaching, so that a back end that cannot be detached does not hold the run for ever. What it
/// delivers later is missing from the account, which then does not close.
const MAX_DRAIN_POLLS: u32 = 100_000;

/// Where entries go.
pub trait Sink {
    /// Why an entry could not be written.
    type Error;

    /// Takes one entry. `core` gives lineage and names as of this moment.
    ///
    /// # Errors
    /// When the entry is lost; it is counted, and the run goes on.
    fn entry(&mut self, core: &Core, entry: Entry) -> Result<(), Self::Error>;

    /// Nothing happens at the moment: a time to flush and to draw.
    fn idle(&mut self, core: &Core) {
        let _ = core;
    }
}

impl<F, E> Sink for F
where
    F: FnMut(&Core, Entry) -> Result<(), E>,
{
    type Error = E;

    fn entry(&mut self, core: &Core, entry: Entry) -> Result<(), E> {
        self(core, entry)
    }
}

/// What a run came to.
#[derive(Debug)]
pub struct Outcome<E> {
    /// The account; `closes` says whether it adds up.
    pub ledger: Ledger,
    /// What was covered.
    pub coverage: Coverage,
    /// The back end broke, and the run ended early.
    pub backend_error: Option<BackendError>,
    /// The first failure of the sink.
    pub sink_error: Option<E>,
    /// The recording broke off; the run went on without it.
    pub record_error: Option<StreamError>,
    /// Nothing that was watched is left (`false`: stopped before).
    pub ended: bool,
}

/// Runs until nothing watched is left or `stop` says so; then detaches and takes what is still there.
pub fn run<S: Sink>(
    backend: &mut dyn Backend,
    core: &mut Core,
    recorder: Option<Writer<'_>>,
    sink: &mut S,
    stop: &dyn Fn() -> bool,
) -> Outcome<S::Error> {
    let mut run =
        Run { core, recorder, sink, out: Vec::new(), unwritten: 0, sink_error: None, record_error: None };
    let mut backend_error = None;
    let mut ended = false;
    let mut wait = MIN_WAIT;
    let mut last_event = Instant::now();
    while !ended && !stop() {
        match run.poll(backend, wait) {
            Ok((Progress::Ended, _)) => ended = true,
            Ok((Progress::Running, 0)) => {
                run.quiet(last_event.elapsed());
                wait = (wait * 2).min(MAX_WAIT);
            }
            Ok((Progress::Running, _)) => (wait, last_event) = (MIN_WAIT, Instant::now()),
            Err(error) => {
                backend_error = Some(error);
                break;
            }
        }
    }
    backend.detach();
    if let Err(error) = run.drain(backend) {
        backend_error.get_or_insert(error);
    }
    run.core.finish(&mut run.out);
    run.tell();
    run.sink.idle(run.core);
    let account = backend.account();
    let mut coverage = backend.coverage();
    run.end_recording(&account, &coverage);
    coverage.hooks.extend(unseen_closes(run.core));
    coverage.hooks.extend(detections(run.core));
    coverage.tls.extend(run.core.tls_coverage());
    let ledger = ledger(&account, run.core, run.unwritten);
    let Run { sink_error, record_error, .. } = run;
    Outcome { ledger, coverage, backend_error, sink_error, record_error, ended }
}

struct Run<'a, 'w, S: Sink> {
    core: &'a mut Core,
    recorder: Option<Writer<'w>>,
    sink: &'a mut S,
    out: Vec<Entry>,
    unwritten: u64,
    sink_error: Option<S::Error>,
    record_error: Option<StreamError>,
}

impl<S: Sink> Run<'_, '_, S> {
    /// One poll; how many events it delivered.
    fn poll(&mut self, backend: &mut dyn Backend, wait: Duration) -> Result<(Progress, u64), BackendError> {
        let mut delivered = 0;
        let progress = backend.poll(wait, &mut |event| {
            delivered += 1;
            self.event(event);
        })?;
        Ok((progress, delivered))
    }

    fn event(&mut self, event: &[u8]) {
        if let Some(writer) = &mut self.recorder
            && let Err(error) = writer.event(event)
        {
            self.record_error.get_or_insert(error);
            self.recorder = None;
        }
        self.core.step(event, &mut self.out);
        self.tell();
    }

    /// Nothing has happened for some time: what waits for more need not wait for ever.
    fn quiet(&mut self, since: Duration) {
        if since >= Duration::from_nanos(HOLD_NS) {
            self.core.waited(u64::MAX, &mut self.out);
            self.tell();
        }
        self.sink.idle(self.core);
    }

    fn tell(&mut self) {
        for entry in self.out.drain(..) {
            if let Err(error) = self.sink.entry(self.core, entry) {
                self.unwritten += 1;
                self.sink_error.get_or_insert(error);
            }
        }
    }

    /// Takes what was produced before everything was detached.
    fn drain(&mut self, backend: &mut dyn Backend) -> Result<(), BackendError> {
        let mut empty = 0;
        for _ in 0..MAX_DRAIN_POLLS {
            match self.poll(backend, Duration::ZERO)? {
                (Progress::Ended, 0) => return Ok(()),
                (Progress::Running, 0) => empty += 1,
                _ => empty = 0,
            }
            if empty == EMPTY_POLLS {
                break;
            }
        }
        Ok(())
    }

    fn end_recording(&mut self, account: &Account, coverage: &Coverage) {
        let Some(writer) = self.recorder.take() else { return };
        let trailer = Trailer { account: account.clone(), coverage: coverage.clone() };
        if let Err(error) = writer.finish(&trailer) {
            self.record_error.get_or_insert(error);
        }
    }
}

/// What the events themselves say is missing.
fn unseen_closes(core: &Core) -> Option<Hook> {
    let processes = core.tally().fds_unseen;
    (processes > 0).then(|| Hook {
        name: "close_at_exit".to_owned(),
        tier: "none".to_owned(),
        state: State::Partial,
        why: format!(
            "{processes} processes ended with more than {} descriptors open; those beyond were not looked at",
            abi::MAX_FDS
        ),
    })
}

/// How detections went: what did not fit is missing from the alerts.
fn detections(core: &Core) -> Option<Hook> {
    let counts = core.detector()?.counts();
    let mut why = format!("{} rules", counts.rules);
    for (count, what) in [
        (counts.repeats, "the same as an alert that was told"),
        (counts.beyond, "beyond what one rule may tell"),
        (counts.forgotten, "sequences dropped while under way"),
    ] {
        if count > 0 {
            why.push_str(&format!("; {count} {what}"));
        }
    }
    let state = match counts {
        _ if counts.beyond > 0 || counts.forgotten > 0 => State::Partial,
        _ if counts.told > 0 => State::Attached,
        _ => State::Idle,
    };
    Some(Hook { name: "detections".to_owned(), tier: "core".to_owned(), state, why })
}

/// The account of a run: the back end's counts, the core's, and what the sink did not take. `closes` compares numbers
/// that were counted in different places; nothing here is made to fit.
fn ledger(account: &Account, core: &Core, unwritten: u64) -> Ledger {
    let tally = core.tally();
    let mut lost: BTreeMap<String, u64> = account
        .lost
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(cause, count)| ((*cause).to_owned(), *count))
        .collect();
    for (cause, count) in [("undecodable", tally.undecodable), ("output", unwritten)] {
        if count > 0 {
            let sum = lost.entry(cause.to_owned()).or_default();
            *sum = sum.saturating_add(count);
        }
    }
    let by_kind = |counts: &[u64; abi::KIND_MAX]| -> BTreeMap<String, u64> {
        let named = counts.iter().enumerate().filter(|(_, count)| **count > 0);
        named.map(|(kind, count)| (kind_name(kind).to_owned(), *count)).collect()
    };
    let mut seen_by = by_kind(&account.produced);
    if tally.derived > 0 {
        seen_by.insert("derived".to_owned(), tally.derived);
    }
    let mut filtered_by = tally.filtered.clone();
    for (reason, count) in &account.filtered {
        let sum = filtered_by.entry(*reason).or_default();
        *sum = sum.saturating_add(*count);
    }
    Ledger {
        seen: seen_by.values().fold(0, |sum, count| sum.saturating_add(*count)),
        emitted: tally.emitted.saturating_sub(unwritten),
        filtered: filtered_by.values().fold(0, |sum, count| sum.saturating_add(*count)),
        lost,
        closes: false,
        filtered_by: filtered_by.into_iter().map(|(reason, count)| (reason.to_owned(), count)).collect(),
        seen_by,
    }
    .close()
}

#[cfg(test)]
mod tests;

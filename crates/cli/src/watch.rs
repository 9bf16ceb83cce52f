//! `kernscope watch`: sets a run up, runs it, and ends as its command did.

pub(crate) mod apart;
pub(crate) mod config;
mod control;
pub(crate) mod ctl;
mod learn;
mod live;
pub(crate) mod policy;
mod replay;
pub(crate) mod signals;
mod status;
mod tell;

use crate::args::{BackendName, WatchArgs};
use crate::failure::{BROKEN, Failure, Outcome};
use crate::stream::note;
use config::{Config, Source};
use kernscope_report::clock;
use kernscope_report::output::private_file;
use kernscope_sieve::matcher::Matcher;
use kernscope_watch::backend::Target;
use kernscope_watch::core::{self, Core};
use kernscope_watch::detect::Detector;
use kernscope_watch::session;
use kernscope_watch::stream::{Header, Writer};
use live::Live;
use signals::Signals;
use status::{failure, status_code};
use std::cell::Cell;
use std::io::BufWriter;
use std::process::ExitCode;
use std::sync::Arc;
use tell::Teller;

/// Bytes of raw events that are written at once.
const RECORD_BUFFER_BYTES: usize = 256 * 1024;

pub(crate) fn run(mut args: WatchArgs) -> Outcome {
    if let Some(action) = args.action.take() {
        return ctl::run(action);
    }
    let config = Config::new(args)?;
    match &config.source {
        Source::Replay(path) => replay::run(&config, path),
        Source::Live { target, backend } => watch(&config, target, *backend),
    }
}

fn watch(config: &Config, target: &Target, wanted: BackendName) -> Outcome {
    // Files first: a wrong name should not cost a started command.
    let offset_ns = clock::realtime_offset_ns();
    let mut teller = Teller::new(config, offset_ns)?;
    let record = config.record.as_deref().map(private_file).transpose().map_err(Failure::usage)?;
    let signals = take_signals()?;
    let stop = Cell::new(false);
    let mut live = Live::new(config, target, wanted, &signals, &stop)?;
    let header = Header {
        backend: live.name().to_owned(),
        kernel: kernel_release(),
        boot_offset_ns: clock::boot_offset_ns(),
        realtime_offset_ns: offset_ns,
        counts: live.counts(),
    };
    let recorder = record
        .map(|file| Writer::new(BufWriter::with_capacity(RECORD_BUFFER_BYTES, file), &header))
        .transpose()
        .map_err(Failure::usage)?;
    let mut core = new_core(config, &header);
    if let Some(enforcement) = live.enforcement() {
        enforcement.check(config.best_effort)?;
        enforcement.tell();
        core.set_policy(enforcement.current.clone(), enforcement.means.clone());
        core.heed_verdicts();
        signals.reread_on_hangup();
        teller.tell_answers(enforcement.answers());
    }
    let outcome = session::run(&mut live, &mut core, recorder, &mut teller, &|| stop.get());
    if !config.tui {
        // A screen is given back first: it listens to signals itself.
        signals.release();
    }
    teller.finish(clock::monotonic_ns(), &outcome.coverage, &outcome.ledger);
    if let Some(error) = &outcome.record_error {
        note(format_args!("{error}; the recording ends early"));
    }
    let status = live.command_status().map(status_code);
    if let Some(error) = outcome.backend_error {
        return Err(match status {
            // The command has run and ended; its status says more than ours would.
            Some(status) => Failure::with_status(status, &error),
            None => failure(&error),
        });
    }
    Ok(ExitCode::from(status.unwrap_or_else(|| unfinished(live.has_command(), &signals))))
}

/// After the files are open: opening a named pipe may wait for ever, and a signal should end that.
fn take_signals() -> Result<Signals, Failure> {
    Signals::install().map_err(|cause| Failure::usage(format_args!("install signal handlers: {cause}")))
}

/// The status of a run whose command has not ended, or that has none.
fn unfinished(has_command: bool, signals: &Signals) -> u8 {
    match signals.stopped_by() {
        Some(signal) if has_command => u8::try_from(128 + signal).unwrap_or(BROKEN),
        _ => 0,
    }
}

fn new_core(config: &Config, header: &Header) -> Core {
    let core = Core::new(core::Config {
        env: config.env,
        redact: config.redact,
        counts: header.counts,
        boot_offset_ns: header.boot_offset_ns,
    })
    .with_agents(Arc::clone(&config.agents));
    let core = match &config.rules {
        Some(rules) => core.with_rules(Matcher::new(rules.clone())),
        None => core,
    };
    match &config.detections {
        Some(detections) => core.with_detector(Detector::new(detections.clone())),
        None => core,
    }
}

/// As `uname -r` has it.
fn kernel_release() -> String {
    std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned()
}

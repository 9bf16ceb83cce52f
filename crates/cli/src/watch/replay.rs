//! `--replay FILE`: records again, from a recording, without any privilege.

use super::config::Config;
use super::tell::Teller;
use super::{new_core, take_signals};
use crate::failure::{Failure, Outcome, USAGE};
use kernscope_watch::policy::{Current, Means};
use kernscope_watch::session;
use kernscope_watch::stream::Replay;
use std::cell::Cell;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::ExitCode;

const BUFFER_BYTES: usize = 256 * 1024;

pub(crate) fn run(config: &Config, path: &Path) -> Outcome {
    let shown = path.display();
    let file = File::open(path).map_err(|cause| {
        Failure::usage(format_args!("open recording {shown}: {cause}; give a file that --record wrote"))
    })?;
    let mut replay = Replay::new(BufReader::with_capacity(BUFFER_BYTES, file))
        .map_err(|cause| Failure::usage(format_args!("{shown}: {cause}")))?;
    let header = replay.header().clone();
    let mut teller = Teller::new(config, header.realtime_offset_ns)?;
    let signals = take_signals()?;
    let mut core = new_core(config, &header);
    if let Some(policy) = &config.policy {
        core.set_policy(Current::new((**policy).clone()), Means::none("what is replayed has happened"));
    }
    let stop = Cell::new(false);
    let outcome = session::run(&mut replay, &mut core, None, &mut teller, &|| {
        signals.poll(false, |_, _| stop.set(true));
        stop.get()
    });
    signals.release();
    let ts_ns = teller.last_ns();
    teller.finish(ts_ns, &outcome.coverage, &outcome.ledger);
    match outcome.backend_error {
        Some(error) => Err(Failure::with_status(USAGE, format_args!("replay {shown}: {error}"))),
        None => Ok(ExitCode::SUCCESS),
    }
}

//! A run: the counts are looked at until it ends, then taken when nothing is attached any more.

use super::hook::Hooked;
use super::tell::Teller;
use crate::failure::{BROKEN, Failure, Outcome};
use crate::filter::wrong;
use crate::watch::signals::Signals;
use kernscope_kit::attach::{Decided, Interface, Tallied};
use kernscope_kit::load::Loaded;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How often the counts are looked at.
const TICK: Duration = Duration::from_millis(100);
/// How often at most they are told.
const TOLD: Duration = Duration::from_secs(1);
/// How long packets that were under way when the program was taken off are waited for.
const SETTLING: Duration = Duration::from_millis(200);

/// What is looked at, and who is told.
pub(super) struct Run {
    pub(super) tallied: Tallied,
    pub(super) loaded: Loaded,
    pub(super) interface: Interface,
    pub(super) duration: Option<Duration>,
    pub(super) teller: Teller,
}

/// Why a run ended.
enum Ended {
    /// As it was asked to, or nobody reads any more.
    Asked,
    /// There is no interface.
    Gone,
}

impl Run {
    /// Tells the counts until the end; then, with nothing attached, the last of them and the account.
    pub(super) fn follow(mut self, hooked: Hooked, signals: &Signals) -> Outcome {
        self.teller.begin()?;
        let ended = self.watch(signals)?;
        drop(hooked);
        signals.release();
        let decided = self.settled()?;
        self.teller.end(decided)?;
        match ended {
            Ended::Asked => Ok(ExitCode::SUCCESS),
            Ended::Gone => {
                Err(Failure::with_status(BROKEN, format_args!("interface {} is gone", self.interface)))
            }
        }
    }

    fn watch(&mut self, signals: &Signals) -> Result<Ended, Failure> {
        let (start, mut stop, mut next) = (Instant::now(), false, TOLD);
        while !stop && !self.teller.is_deaf() && self.duration.is_none_or(|all| start.elapsed() < all) {
            let left = self.duration.map_or(TICK, |all| all.saturating_sub(start.elapsed()));
            std::thread::sleep(TICK.min(left));
            signals.poll(false, |_, _| stop = true);
            if start.elapsed() >= next {
                next += TOLD;
                self.teller.counts(start.elapsed(), self.read()?)?;
                if !self.interface.is_there() {
                    return Ok(Ended::Gone);
                }
            }
        }
        Ok(Ended::Asked)
    }

    fn read(&self) -> Result<Decided, Failure> {
        self.tallied.read(&self.loaded).map_err(wrong)
    }

    /// The counts when no CPU runs the program any more. If they do not close in time, the account says so.
    fn settled(&self) -> Result<Decided, Failure> {
        let start = Instant::now();
        loop {
            let decided = self.read()?;
            if decided.closes() || start.elapsed() > SETTLING {
                return Ok(decided);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

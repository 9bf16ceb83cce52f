//! Alerts told elsewhere: by a request to a web server, or by a command.
//!
//! An alert is put into the database's outbox when it is told, and taken out when the other side has it, so that nothing is lost when
//! either side is down or the run is killed; it may come twice. What fails is tried again after 5 seconds, then twice as long each
//! time, up to an hour. Letters go out on a thread of their own, one after the other.

mod deliver;

use super::database::{Database, failed};
use super::tell::now_ns;
use crate::failure::Failure;
use crate::stream::note;
use deliver::Target;
use kernscope_lan::store::{Store, StoreError};
use kernscope_report::{Alert, Severity};
use std::path::Path;
use std::time::Duration;

/// How often the outbox is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const FIRST_WAIT_S: u64 = 5;
const LONGEST_WAIT_S: u64 = 3_600;
/// Letters in one go.
const BATCH: usize = 32;

/// To whom alerts are told.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Notify {
    /// Addresses that alerts are sent to as JSON.
    pub(super) urls: Vec<String>,
    /// A command and its arguments, which gets the alert on its standard input.
    pub(super) command: Vec<String>,
    /// Alerts below this are left out.
    pub(super) least: Severity,
}

impl Notify {
    /// Whether anybody is told.
    pub(super) fn is_wanted(&self) -> bool {
        !self.urls.is_empty() || !self.command.is_empty()
    }

    fn targets(&self) -> Vec<String> {
        let command = (!self.command.is_empty()).then(|| deliver::COMMAND.to_owned());
        self.urls.iter().cloned().chain(command).collect()
    }

    /// Refuses what cannot work.
    pub(super) fn check(&self, database: Option<&Database>) -> Result<(), Failure> {
        self.urls.iter().try_for_each(|url| Target::parse(url).map(drop))?;
        if self.is_wanted() && database.is_none() {
            return Err(Failure::usage(
                "notify: what has not arrived yet waits in the database; leave --no-db out",
            ));
        }
        Ok(())
    }

    /// Puts alerts into the outbox.
    pub(super) fn post(&self, database: &mut Database, alerts: &[Alert]) {
        let records: Vec<_> = alerts
            .iter()
            .filter(|alert| alert.severity >= self.least)
            .filter_map(|alert| serde_json::to_string(alert).ok())
            .collect();
        if self.is_wanted() && !records.is_empty() {
            database.post(&self.targets(), &records);
        }
    }

    /// Sends what is in the outbox, until the process ends.
    pub(super) fn start(&self, path: &Path) -> Result<(), Failure> {
        if !self.is_wanted() {
            return Ok(());
        }
        let mut store = Store::open(path).map_err(failed)?;
        let command = self.command.clone();
        let send = move || {
            let mut is_down = false;
            loop {
                if let Err(why) = round(&mut store, &command, &mut is_down) {
                    note(format_args!("notify: {why}"));
                }
                std::thread::sleep(LOOK_EVERY);
            }
        };
        let thread = std::thread::Builder::new().name("notify".to_owned()).spawn(send);
        thread.map(drop).map_err(|cause| Failure::usage(format_args!("notify: start a thread: {cause}")))
    }
}

/// Sends what is due. That somebody cannot be reached is said once, and once that all can again.
fn round(store: &mut Store, command: &[String], is_down: &mut bool) -> Result<(), StoreError> {
    for letter in store.due(now_ns() / 1_000_000_000, BATCH)? {
        let sent = match letter.target.as_str() {
            deliver::COMMAND => deliver::by_command(command, &letter.record),
            url => deliver::by_request(url, &letter.record),
        };
        match sent {
            Ok(()) => {
                store.delivered(&letter)?;
                if std::mem::take(is_down) {
                    note("notify: alerts arrive again");
                }
            }
            Err(why) => {
                let wait_s = wait_s(letter.tries);
                store.again(&letter, now_ns() / 1_000_000_000 + wait_s)?;
                if !std::mem::replace(is_down, true) {
                    note(format_args!(
                        "notify {}: {why}; tried again in {wait_s} seconds, and kept until then",
                        letter.target
                    ));
                }
            }
        }
    }
    Ok(())
}

/// How long a letter waits that was tried so often before.
fn wait_s(tries: u32) -> u64 {
    FIRST_WAIT_S.saturating_mul(1 << tries.min(20)).min(LONGEST_WAIT_S)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_down_is_asked_less_and_less() {
        assert_eq!([0, 1, 2, 9, 10, u32::MAX].map(wait_s), [5, 10, 20, 2_560, 3_600, 3_600]);
    }
}

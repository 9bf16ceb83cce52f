//! `--learn`: a policy that allows what a run did, written when it ends, however it ends.

use super::config::Config;
use super::policy::places;
use crate::failure::Failure;
use crate::stream::note;
use kernscope_kit::probe::{self, Answer};
use kernscope_report::output::{Pending, PendingError};
use kernscope_report::{Coverage, Entry, Ledger};
use kernscope_watch::policy::learn::{About, Learner, Machine};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What is written, for errors.
const WHAT: &str = "policy";

/// A policy that is being learnt.
#[derive(Debug)]
pub(crate) struct Learning {
    learner: Learner,
    pending: Pending,
    file: File,
    /// What is watched, in words.
    what: String,
    /// Wall clock minus the clock of the records, nanoseconds.
    offset_ns: i64,
    /// When the first record was made.
    began_ns: Option<u64>,
}

impl Learning {
    /// Makes the file, so that a wrong name costs no run.
    pub(crate) fn begin(config: &Config, offset_ns: i64) -> Result<Self, Failure> {
        let Some((path, replaces)) = &config.learn else {
            return Err(Failure::usage("watch --learn: name a file"));
        };
        let (pending, file) = match replaces {
            true => Pending::create(WHAT, path),
            false => Pending::create_new(WHAT, path),
        }
        .map_err(|error| Failure::usage(explain(&error, path)))?;
        let what = config.words();
        Ok(Self { learner: Learner::default(), pending, file, what, offset_ns, began_ns: None })
    }

    /// Takes what a record tells.
    pub(crate) fn see(&mut self, entry: &Entry) {
        self.began_ns.get_or_insert(entry.ts_ns);
        self.learner.see(entry);
    }

    /// Writes the policy.
    pub(crate) fn finish(mut self, coverage: &Coverage, ledger: &Ledger) {
        let began = self.began();
        let names = coverage.backend == "ebpf" && probe::lsm() == Answer::Yes;
        let machine = Machine {
            places: &places(),
            names,
            was_there: &|path| began.is_some_and(|began| was_there(path, began)),
        };
        let about = About { what: &self.what, backend: &coverage.backend, lost: ledger.lost.values().sum() };
        let text = self.learner.text(&about, &machine);
        let path = self.pending.path().to_owned();
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_all());
        match written.and_then(|()| self.pending.put()) {
            Ok(()) => {
                note(format_args!("learnt policy {}: read it, then use it by --policy {0}", path.display()))
            }
            Err(cause) => {
                note(format_args!("{}; nothing was learnt", PendingError::new(WHAT, &path, &cause)))
            }
        }
    }

    /// When the first record was made, by the wall clock.
    fn began(&self) -> Option<SystemTime> {
        let since = i128::from(self.began_ns?) + i128::from(self.offset_ns);
        Some(UNIX_EPOCH + Duration::from_nanos(u64::try_from(since).ok()?))
    }
}

/// Whether a file is older than the run. Devices, pipes and the like are nothing that a run makes by opening.
fn was_there(path: &Path, began: SystemTime) -> bool {
    let Ok(found) = path.symlink_metadata() else { return false };
    let born = found.created();
    !found.is_file() || born.is_ok_and(|born| born < began)
}

fn explain(error: &PendingError, path: &Path) -> String {
    match path.symlink_metadata().is_ok_and(|found| found.is_file()) {
        true => format!("{error}, or add --force to write over it"),
        false => error.to_string(),
    }
}

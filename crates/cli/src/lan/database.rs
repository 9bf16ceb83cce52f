//! The database of devices, as the commands of `lan` use it.

use super::tell::now_ns;
use crate::failure::{BROKEN, Failure};
use crate::state;
use crate::stream::note;
use kernscope_lan::Mac;
use kernscope_lan::anomaly::{Learnt, Tally};
use kernscope_lan::store::{Correction, Said, Store, StoreError};
use kernscope_report::{Alert, Device};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Plots go back a week.
const VOLUMES_DAYS: u64 = 8;
const DAY_NS: u64 = 86_400_000_000_000;

/// Where the database is when no option says.
///
/// # Errors
/// When neither `XDG_STATE_HOME` nor `HOME` is set.
pub(super) fn default_path() -> Result<PathBuf, Failure> {
    state::file("lan.db")
}

/// Opens the database of `--db`, or the usual one, which must be there.
pub(super) fn open(path: Option<&Path>) -> Result<Store, Failure> {
    let path = path.map_or_else(default_path, |path| Ok(path.to_owned()))?;
    Store::open(&path).map_err(Failure::usage)
}

/// A failure to read or write it.
pub(super) fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::with_status(BROKEN, error)
}

/// A database that a run writes to.
pub(super) struct Database {
    store: Store,
    corrections: HashMap<String, Correction>,
    muted: HashSet<String>,
    /// Said already that nothing is written.
    told: bool,
}

impl Database {
    /// Opens it, or makes it.
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        let store = Store::create(path).map_err(Failure::usage)?;
        let corrections = store.corrections().map_err(Failure::usage)?;
        let muted = store.muted().map_err(Failure::usage)?;
        Ok(Self { store, corrections, muted, told: false })
    }

    /// Keeps devices. Whether they are kept; that they are not is said once. To keep nothing succeeds also where nothing could be kept,
    /// and says nothing of that.
    pub(super) fn keep(&mut self, devices: &[Device]) -> bool {
        if devices.is_empty() {
            return true;
        }
        let kept = self.store.put(devices);
        self.is_kept(kept)
    }

    /// The same for alerts.
    pub(super) fn keep_alerts(&mut self, alerts: &[Alert]) -> bool {
        if alerts.is_empty() {
            return true;
        }
        let kept = self.store.put_alerts(alerts);
        self.is_kept(kept)
    }

    /// Keeps what a user says of an alert that is kept. That it cannot be done is said.
    pub(super) fn say_of_alert(&mut self, id: &str, said: Said) {
        match self.store.say_of_alert(id, said) {
            Ok(true) => self.refresh(),
            Ok(false) => note(format_args!("alert {id}: not in {}", self.store.path().display())),
            Err(error) => note(error),
        }
    }

    /// The `id` of alerts that are not to be told.
    pub(super) fn muted(&self) -> &HashSet<String> {
        &self.muted
    }

    /// The same for talks of a source, which are added to what it said before.
    pub(super) fn keep_talks(&mut self, source: &str, tally: &Tally) -> bool {
        tally.is_empty() || {
            let kept = self.store.add_talks(source, tally);
            self.is_kept(kept)
        }
    }

    /// The same for what was learnt of a network.
    pub(super) fn keep_learnt(&mut self, network: &str, rows: &[Learnt]) -> bool {
        let kept = self.store.put_learnt(network, rows);
        self.is_kept(kept)
    }

    /// What was learnt of a network; nothing where it cannot be read, which is said.
    pub(super) fn learnt(&self, network: &str) -> Vec<Learnt> {
        self.store.learnt(network).unwrap_or_else(|error| {
            note(format_args!("{error}; the network is learnt anew"));
            Vec::new()
        })
    }

    /// A source that is read again says it anew.
    pub(super) fn begin_source(&mut self, source: &str) -> bool {
        let begun = self.store.begin_source(source);
        self.is_kept(begun)
    }

    /// Puts records into the outbox. That it cannot be done is said.
    pub(super) fn post(&mut self, targets: &[String], records: &[String]) {
        match self.store.post(targets, records) {
            Ok(0) => {}
            Ok(given_up) => note(format_args!(
                "notify: {given_up} alerts that did not arrive are given up for newer ones"
            )),
            Err(error) => note(format_args!("notify: an alert is not told elsewhere: {error}")),
        }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        self.store.path()
    }

    /// Reads anew which alerts users muted.
    pub(super) fn refresh(&mut self) {
        if let Ok(muted) = self.store.muted() {
            self.muted = muted;
        }
        if let Ok(corrections) = self.store.corrections() {
            self.corrections = corrections;
        }
    }

    fn is_kept(&mut self, kept: Result<(), StoreError>) -> bool {
        if let Err(error) = &kept
            && !self.told
        {
            note(error);
        }
        self.told = kept.is_err();
        kept.is_ok()
    }

    /// Devices that were seen before, and of which sort they are; none where they cannot be read, which is said when they are
    /// written.
    pub(super) fn known(&self) -> Vec<(Mac, String)> {
        let devices = self.store.devices(now_ns()).unwrap_or_default();
        devices.into_iter().filter_map(|device| Some((device.mac.parse().ok()?, device.category))).collect()
    }

    /// Puts what users said of a device above what is told of it.
    pub(super) fn correct(&self, device: &mut Device) {
        if let Some(correction) = self.corrections.get(&device.mac) {
            correction.apply(device);
        }
    }

    /// Forgets what was seen last more than so many days ago.
    pub(super) fn forget(&mut self, days: u32) {
        let oldest = now_ns().saturating_sub(u64::from(days).saturating_mul(DAY_NS));
        let volumes = now_ns().saturating_sub(VOLUMES_DAYS * DAY_NS);
        let forgotten =
            self.store.forget_before(oldest).and_then(|_| self.store.forget_volumes_before(volumes));
        if let Err(error) = forgotten {
            note(error);
        }
    }
}

/// A hardware address on a command line.
pub(super) fn mac(text: &str) -> Result<Mac, String> {
    text.parse().map_err(|cause: kernscope_lan::mac::NotMac| cause.to_string())
}

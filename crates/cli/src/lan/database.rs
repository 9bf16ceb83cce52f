//! The database of devices, as the commands of `lan` use it.

use super::tell::now_ns;
use crate::failure::{BROKEN, Failure};
use crate::stream::note;
use kernscope_lan::Mac;
use kernscope_lan::store::{Correction, Store, StoreError};
use kernscope_report::{Alert, Device};
use std::collections::{HashMap, HashSet};
use std::env::var_os;
use std::path::{Path, PathBuf};

const DAY_NS: u64 = 86_400_000_000_000;

/// Where the database is when no option says.
///
/// # Errors
/// When neither `XDG_STATE_HOME` nor `HOME` is set.
pub(super) fn default_path() -> Result<PathBuf, Failure> {
    let absolute = |name| var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")));
    let state = state.ok_or_else(|| {
        Failure::usage("find the database: neither XDG_STATE_HOME nor HOME is set; name it with --db FILE")
    })?;
    Ok(state.join("kernscope/lan.db"))
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

    /// Keeps devices. Whether they are kept; that they are not is said once.
    pub(super) fn keep(&mut self, devices: &[Device]) -> bool {
        let kept = self.store.put(devices);
        self.is_kept(kept)
    }

    /// The same for alerts.
    pub(super) fn keep_alerts(&mut self, alerts: &[Alert]) -> bool {
        let kept = self.store.put_alerts(alerts);
        self.is_kept(kept)
    }

    /// The `id` of alerts that are not to be told.
    pub(super) fn muted(&self) -> &HashSet<String> {
        &self.muted
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

    /// Devices that were seen before; none where they cannot be read, which is said when they are written.
    pub(super) fn known(&self) -> Vec<Mac> {
        let devices = self.store.devices(now_ns()).unwrap_or_default();
        devices.iter().filter_map(|device| device.mac.parse().ok()).collect()
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
        if let Err(error) = self.store.forget_before(oldest) {
            note(error);
        }
    }
}

/// A hardware address on a command line.
pub(super) fn mac(text: &str) -> Result<Mac, String> {
    text.parse().map_err(|cause: kernscope_lan::mac::NotMac| cause.to_string())
}

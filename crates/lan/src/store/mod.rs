//! What is remembered of a network between runs: a SQLite database.
//!
//! One row a device and source: a capture file, or one run on an interface. A source that is written again replaces what it said
//! before, so that a capture replayed twice counts once. [`Store::devices`] makes one record a device of its rows (`view`),
//! and puts the user's corrections above them ([`Correction`]).
//!
//! A batch is one transaction in a write-ahead log: a process that is killed, or a disk that is full, loses the last batch and
//! nothing else. The file and its log are for their owner alone (0600).
//!
//! ```
//! use kernscope_lan::store::Store;
//! let dir = std::env::temp_dir().join(format!("kernscope-doc-{}", std::process::id()));
//! std::fs::create_dir_all(&dir)?;
//! let mut store = Store::create(&dir.join("lan.db"))?;
//! store.put(&[kernscope_report::Device { mac: "00:17:88:01:02:03".into(), ..Default::default() }])?;
//! assert_eq!(store.devices(0)?.len(), 1);
//! # std::fs::remove_dir_all(&dir)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod alerts;
mod correction;
mod learnt;
mod outbox;
mod schema;
mod talks;
mod view;

pub use alerts::{KeptAlert, Said};
pub use correction::Correction;
pub use kernscope_report::database::DatabaseError as StoreError;
pub use learnt::KnownNetwork;
pub use outbox::Letter;
pub use talks::{KeptTalk, Span};
pub use view::join;

use crate::Mac;
use kernscope_report::Device;
use kernscope_report::clock::Clock;
use kernscope_report::database::{self, Cause};
use rusqlite::{Connection, Row, TransactionBehavior, params};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What is said where there is no database yet.
const NONE_YET: &str = "`lan run` and `lan replay --db FILE` write one, --db FILE names another";

/// An open database. One process writes at a time; others wait for it, five seconds long.
#[derive(Debug)]
pub struct Store {
    db: Connection,
    path: PathBuf,
}

impl Store {
    /// Opens a database, or makes it.
    ///
    /// # Errors
    /// [`StoreError`] when the file is not ours to write, is something else, or of a newer kernscope.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { db: database::create(path, &schema::STEPS)?, path: path.to_owned() })
    }

    /// Opens a database that is there.
    ///
    /// # Errors
    /// As [`Store::create`]; and when there is none.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { db: database::open(path, NONE_YET, &schema::STEPS)?, path: path.to_owned() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what was seen of devices, all of it or nothing.
    ///
    /// # Errors
    /// [`StoreError`]; nothing of the batch is written then, and what was there before stays.
    pub fn put(&mut self, devices: &[Device]) -> Result<(), StoreError> {
        let result = put(&mut self.db, devices);
        result.map_err(|cause| self.failed("write", cause))
    }

    /// Every device by address. `now_ns`, since 1970, says who is online.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be read or holds what nobody of us wrote.
    pub fn devices(&self, now_ns: u64) -> Result<Vec<Device>, StoreError> {
        self.read("SELECT mac, record FROM sighting ORDER BY mac, last_seen DESC", &[], now_ns)
    }

    /// One device, if it was ever seen.
    ///
    /// # Errors
    /// As [`Store::devices`].
    pub fn device(&self, mac: Mac, now_ns: u64) -> Result<Option<Device>, StoreError> {
        let query = "SELECT mac, record FROM sighting WHERE mac = ?1 ORDER BY mac, last_seen DESC";
        Ok(self.read(query, &[&mac.to_string()], now_ns)?.pop())
    }

    fn read(&self, query: &str, keys: &[&String], now_ns: u64) -> Result<Vec<Device>, StoreError> {
        let corrections = self.corrections()?;
        let sightings = self.rows(query, keys).map_err(|cause| self.failed("read", cause))?;
        let mut devices = view::devices(&sightings, now_ns);
        devices.iter_mut().for_each(|device| {
            if let Some(correction) = corrections.get(&device.mac) {
                correction.apply(device);
            }
        });
        Ok(devices)
    }

    fn rows(&self, query: &str, keys: &[&String]) -> Result<Vec<Device>, Cause> {
        let mut query = self.db.prepare(query)?;
        let text = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
        let rows = query.query_map(rusqlite::params_from_iter(keys), text)?;
        rows.map(|row| {
            let (mac, record) = row?;
            serde_json::from_str(&record).map_err(|_| Cause::Row(mac))
        })
        .collect()
    }

    /// What each source (a run, a capture) saw of a device, the newest first.
    ///
    /// # Errors
    /// As [`Store::devices`].
    pub fn history(&self, mac: Mac) -> Result<Vec<Device>, StoreError> {
        let query = "SELECT mac, record FROM sighting WHERE mac = ?1 ORDER BY last_seen DESC";
        self.rows(query, &[&mac.to_string()]).map_err(|cause| self.failed("read", cause))
    }

    /// What users said, by address.
    ///
    /// # Errors
    /// As [`Store::devices`].
    pub fn corrections(&self) -> Result<HashMap<String, Correction>, StoreError> {
        correction::all(&self.db).map_err(|cause| self.failed("read", cause))
    }

    /// Keeps what a user says of a device, beside what was said of it before; it need not have been seen yet.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn correct(&mut self, mac: Mac, said: &Correction) -> Result<(), StoreError> {
        correction::keep(&self.db, mac, said).map_err(|cause| self.failed("write", cause))
    }

    /// Forgets what users said of a device; whether there was anything.
    ///
    /// # Errors
    /// As [`Store::correct`].
    pub fn uncorrect(&mut self, mac: Mac) -> Result<bool, StoreError> {
        let forgotten = self.db.execute("DELETE FROM correction WHERE mac = ?1", [mac.to_string()]);
        forgotten.map(|rows| rows > 0).map_err(|cause| self.failed("write", cause.into()))
    }

    /// Forgets what was seen last before `ns` (since 1970), devices, alerts, talks and what was learnt; how many sightings of devices
    /// that were. What
    /// users said stays.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn forget_before(&mut self, ns: u64) -> Result<usize, StoreError> {
        let oldest = Clock::new(0).rfc3339(ns).to_owned();
        let alerts = "DELETE FROM alert WHERE last_seen < ?1 AND muted = 0";
        self.db.execute(alerts, [&oldest]).map_err(|cause| self.failed("write", cause.into()))?;
        let second = (ns / 1_000_000_000) as i64;
        for query in ["DELETE FROM talk WHERE last_seen < ?1", "DELETE FROM volume WHERE start < ?1"] {
            self.db.execute(query, [second]).map_err(|cause| self.failed("write", cause.into()))?;
        }
        learnt::forget(&self.db, second).map_err(|cause| self.failed("write", cause.into()))?;
        let forgotten = self.db.execute("DELETE FROM sighting WHERE last_seen < ?1", [oldest]);
        forgotten.map_err(|cause| self.failed("write", cause.into()))
    }

    fn failed(&self, act: &'static str, cause: Cause) -> StoreError {
        StoreError::new(act, &self.path, cause)
    }
}

fn put(db: &mut Connection, devices: &[Device]) -> Result<(), Cause> {
    let batch = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut insert = batch.prepare(
            "INSERT INTO sighting (mac, source, first_seen, last_seen, record) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (mac, source) DO UPDATE SET
             first_seen = excluded.first_seen, last_seen = excluded.last_seen, record = excluded.record",
        )?;
        for device in devices {
            let record = serde_json::to_string(device).map_err(|_| Cause::Row(device.mac.clone()))?;
            insert.execute(params![
                device.mac,
                device.source,
                device.first_seen,
                device.last_seen,
                record
            ])?;
        }
    }
    Ok(batch.commit()?)
}

#[cfg(test)]
mod tests;

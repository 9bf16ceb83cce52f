//! Alerts that are remembered, and what users said of them: seen, or not to be told again.
//!
//! An alert is acknowledged as it was then: seen again later, it is open again. A muted one stays so.

use super::Store;
use super::StoreError;
use kernscope_report::Alert;
use kernscope_report::database::Cause;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use std::collections::HashSet;

/// An alert, and whether it is muted.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptAlert {
    /// The alert; `acknowledged` is as users said.
    pub alert: Alert,
    /// It is not to be told.
    pub muted: bool,
}

/// What a user says of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// It was seen.
    Acknowledged,
    /// It is not to be told again.
    Muted,
    /// It is to be told, as if nothing had been said.
    Open,
}

impl Store {
    /// Writes alerts, all of them or none. What is known of one already is kept where it is newer.
    ///
    /// # Errors
    /// [`StoreError`]; nothing of the batch is written then.
    pub fn put_alerts(&mut self, alerts: &[Alert]) -> Result<(), StoreError> {
        put(&mut self.db, alerts).map_err(|cause| self.failed("write", cause))
    }

    /// All alerts, the newest first.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be read or holds what nobody of us wrote.
    pub fn alerts(&self) -> Result<Vec<KeptAlert>, StoreError> {
        all(&self.db).map_err(|cause| self.failed("read", cause))
    }

    /// The `id` of every muted alert.
    ///
    /// # Errors
    /// As [`Store::alerts`].
    pub fn muted(&self) -> Result<HashSet<String>, StoreError> {
        muted(&self.db).map_err(|cause| self.failed("read", cause.into()))
    }

    /// Keeps what a user says of an alert; whether there is one of this `id`.
    ///
    /// # Errors
    /// As [`Store::put_alerts`].
    pub fn say_of_alert(&mut self, id: &str, said: Said) -> Result<bool, StoreError> {
        let query = match said {
            Said::Acknowledged => "UPDATE alert SET acknowledged = last_seen WHERE id = ?1",
            Said::Muted => "UPDATE alert SET muted = 1 WHERE id = ?1",
            Said::Open => "UPDATE alert SET muted = 0, acknowledged = NULL WHERE id = ?1",
        };
        let changed = self.db.execute(query, [id]);
        changed.map(|rows| rows > 0).map_err(|cause| self.failed("write", cause.into()))
    }
}

fn put(db: &mut Connection, alerts: &[Alert]) -> Result<(), Cause> {
    let batch = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for alert in alerts {
        let query = "SELECT record FROM alert WHERE id = ?1";
        let known: Option<String> = batch.query_row(query, [&alert.id], |row| row.get(0)).optional()?;
        let known = known.map(|record| read(&alert.id, &record)).transpose()?;
        let alert = join(alert.clone(), known);
        let record = serde_json::to_string(&alert).map_err(|_| Cause::Row(alert.id.clone()))?;
        batch.execute(
            "INSERT INTO alert (id, last_seen, record) VALUES (?1, ?2, ?3)
             ON CONFLICT (id) DO UPDATE SET last_seen = excluded.last_seen, record = excluded.record",
            params![alert.id, alert.last_seen, record],
        )?;
    }
    Ok(batch.commit()?)
}

/// The newer word, since the older one's first time. `seq` means nothing outside of its output.
fn join(new: Alert, known: Option<Alert>) -> Alert {
    let first_seen = known.iter().map(|known| &known.first_seen).chain([&new.first_seen]).min().cloned();
    let first_seen = first_seen.unwrap_or_default();
    let newest = match known {
        Some(known) if known.last_seen > new.last_seen => known,
        _ => new,
    };
    Alert { first_seen, evidence: Vec::new(), ..newest }
}

fn all(db: &Connection) -> Result<Vec<KeptAlert>, Cause> {
    let mut query = db.prepare(
        "SELECT id, record, muted, acknowledged IS NOT NULL AND acknowledged >= last_seen FROM alert
         ORDER BY last_seen DESC, id",
    )?;
    let rows = query.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get(2)?, row.get(3)?))
    })?;
    rows.map(|row| {
        let (id, record, muted, acknowledged) = row?;
        Ok(KeptAlert { alert: Alert { acknowledged, ..read(&id, &record)? }, muted })
    })
    .collect()
}

fn muted(db: &Connection) -> rusqlite::Result<HashSet<String>> {
    db.prepare("SELECT id FROM alert WHERE muted = 1")?.query_map([], |row| row.get(0))?.collect()
}

fn read(id: &str, record: &str) -> Result<Alert, Cause> {
    serde_json::from_str(record).map_err(|_| Cause::Row(id.to_owned()))
}

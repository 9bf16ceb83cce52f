//! What detectors learnt of networks, so that a run goes on where the last one was.
//!
//! A network is called by the interface that it is seen at, unless the user gave it a name. A fact is one row; what is written of it
//! anew takes the place of what was there.

use super::{Store, StoreError};
use crate::Mac;
use crate::anomaly::{Learnt, What};
use kernscope_report::database::Cause;
use rusqlite::{Connection, Params, Row, TransactionBehavior, params};

const NS: u64 = 1_000_000_000;

/// What is known of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownNetwork {
    /// What it is called.
    pub name: String,
    /// All that was learnt of it.
    pub rows: Vec<Learnt>,
}

impl Store {
    /// Writes what was learnt of a network, all of it or nothing.
    ///
    /// # Errors
    /// [`StoreError`]; nothing of the batch is written then.
    pub fn put_learnt(&mut self, network: &str, rows: &[Learnt]) -> Result<(), StoreError> {
        put(&mut self.db, network, rows).map_err(|cause| self.failed("write", cause))
    }

    /// What was learnt of a network.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be read or holds what nobody of us wrote.
    pub fn learnt(&self, network: &str) -> Result<Vec<Learnt>, StoreError> {
        let query = "SELECT network, what, mac, key, value, last_seen FROM learnt WHERE network = ?1";
        let rows = rows(&self.db, query, [network]).map_err(|cause| self.failed("read", cause))?;
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    /// What was learnt of a device, by network.
    ///
    /// # Errors
    /// As [`Store::learnt`].
    pub fn learnt_of(&self, mac: Mac) -> Result<Vec<(String, Learnt)>, StoreError> {
        let query =
            "SELECT network, what, mac, key, value, last_seen FROM learnt WHERE mac = ?1 ORDER BY 1, 2, 4";
        rows(&self.db, query, [mac.to_string()]).map_err(|cause| self.failed("read", cause))
    }

    /// All networks of which something was learnt.
    ///
    /// # Errors
    /// As [`Store::learnt`].
    pub fn networks(&self) -> Result<Vec<KnownNetwork>, StoreError> {
        let query = "SELECT network, what, mac, key, value, last_seen FROM learnt ORDER BY 1";
        let rows = rows(&self.db, query, []).map_err(|cause| self.failed("read", cause))?;
        let of_one = rows.chunk_by(|a, b| a.0 == b.0);
        Ok(of_one
            .filter_map(|rows| {
                let (name, _) = rows.first()?;
                let rows = rows.iter().map(|(_, row)| row.clone()).collect();
                Some(KnownNetwork { name: name.clone(), rows })
            })
            .collect())
    }
}

fn put(db: &mut Connection, network: &str, rows: &[Learnt]) -> Result<(), Cause> {
    let batch = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut insert = batch.prepare(
            "INSERT INTO learnt (network, what, mac, key, value, last_seen) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (network, what, mac, key) DO UPDATE SET
             value = excluded.value, last_seen = max(last_seen, excluded.last_seen)",
        )?;
        let mut delete =
            batch.prepare("DELETE FROM learnt WHERE network = ?1 AND what = ?2 AND mac = ?3 AND key = ?4")?;
        for Learnt { what, mac, key, value, last_ns } in rows {
            let (what, mac) = (what.word(), mac.to_string());
            match value {
                Some(value) => {
                    insert.execute(params![network, what, mac, key, value, (last_ns / NS) as i64])?
                }
                None => delete.execute(params![network, what, mac, key])?,
            };
        }
    }
    Ok(batch.commit()?)
}

/// Rows in which nothing is strange: what a newer kernscope learnt in its own words is left out.
fn rows(db: &Connection, query: &str, keys: impl Params) -> Result<Vec<(String, Learnt)>, Cause> {
    let mut query = db.prepare(query)?;
    let read = |row: &Row<'_>| {
        let (what, mac): (String, String) = (row.get(1)?, row.get(2)?);
        let last_s: i64 = row.get(5)?;
        let last_ns = u64::try_from(last_s).unwrap_or(0).saturating_mul(NS);
        let (key, value) = (row.get(3)?, Some(row.get(4)?));
        let known = What::of_word(&what).zip(mac.parse().ok());
        Ok(known.map(|(what, mac)| (row.get::<_, String>(0), Learnt { what, mac, key, value, last_ns })))
    };
    let all: Vec<Option<_>> = query.query_map(keys, read)?.collect::<Result<_, _>>()?;
    all.into_iter().flatten().map(|(network, row)| Ok((network?, row))).collect()
}

/// Forgets what was seen last before a second. A network's own facts stay as long as anything of it does.
pub(super) fn forget(db: &Connection, second: i64) -> rusqlite::Result<()> {
    db.execute("DELETE FROM learnt WHERE last_seen < ?1 AND mac != '00:00:00:00:00:00'", [second])?;
    db.execute(
        "DELETE FROM learnt WHERE last_seen < ?1 AND network NOT IN (SELECT network FROM learnt WHERE last_seen >= ?1)",
        [second],
    )?;
    Ok(())
}

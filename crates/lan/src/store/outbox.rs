//! What is to be told elsewhere and has not arrived yet. It is written before anybody tries to send it, so that a run that is killed
//! sends it when it starts again; what may have arrived is sent again rather than lost.

use super::{Store, StoreError};
use kernscope_report::database::Cause;
use rusqlite::{TransactionBehavior, params};

/// Letters that wait; beyond, the oldest are given up.
const LETTERS_MAX: i64 = 10_000;

/// Something to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Its number.
    pub id: i64,
    /// To whom, in the words of the sender.
    pub target: String,
    /// What: a record in JSON.
    pub record: String,
    /// How often it was tried.
    pub tries: u32,
}

impl Store {
    /// Puts records into the outbox for each target, all or none; how many older ones were given up for them.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn post(&mut self, targets: &[String], records: &[String]) -> Result<usize, StoreError> {
        let result = (|| -> Result<usize, Cause> {
            let batch = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for (record, target) in
                records.iter().flat_map(|record| targets.iter().map(move |to| (record, to)))
            {
                batch.execute(
                    "INSERT INTO outbox (target, record) VALUES (?1, ?2)",
                    params![target, record],
                )?;
            }
            let given_up = batch
                .execute("DELETE FROM outbox WHERE id <= (SELECT max(id) FROM outbox) - ?1", [LETTERS_MAX])?;
            batch.commit()?;
            Ok(given_up)
        })();
        result.map_err(|cause| self.failed("write", cause))
    }

    /// Letters that are due, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn due(&self, now_s: u64, most: usize) -> Result<Vec<Letter>, StoreError> {
        let result = (|| -> Result<Vec<Letter>, Cause> {
            let mut query = self.db.prepare(
                "SELECT id, target, record, tries FROM outbox WHERE due <= ?1 ORDER BY id LIMIT ?2",
            )?;
            let rows = query.query_map(params![now_s as i64, most as i64], |row| {
                Ok(Letter { id: row.get(0)?, target: row.get(1)?, record: row.get(2)?, tries: row.get(3)? })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })();
        result.map_err(|cause| self.failed("read", cause))
    }

    /// A letter arrived.
    ///
    /// # Errors
    /// As [`Store::post`].
    pub fn delivered(&mut self, letter: &Letter) -> Result<(), StoreError> {
        let gone = self.db.execute("DELETE FROM outbox WHERE id = ?1", [letter.id]);
        gone.map(drop).map_err(|cause| self.failed("write", cause.into()))
    }

    /// A letter did not arrive, and is to be tried again then.
    ///
    /// # Errors
    /// As [`Store::post`].
    pub fn again(&mut self, letter: &Letter, due_s: u64) -> Result<(), StoreError> {
        let query = "UPDATE outbox SET tries = tries + 1, due = ?2 WHERE id = ?1";
        let put = self.db.execute(query, params![letter.id, due_s as i64]);
        put.map(drop).map_err(|cause| self.failed("write", cause.into()))
    }
}

//! Records that are kept: a SQLite file with the records of many runs, each run a session.
//!
//! A run's [`Keeper`] writes them by a thread of its own, in batches; [`Records`] reads sessions and gives up old ones,
//! [`question`] answers SQL. A record stands there as the JSON that it is anywhere, beside the few columns that are asked for
//! most; for each kind there is a view with a column a field (`views`).
//!
//! A batch is one transaction in a write-ahead log. A process that is killed loses the batch that it was gathering and nothing
//! else; its session, which has no end and whose process is gone, is told as cut off. Numbers (`seq`) are places in the run: one
//! that is missing was lost, as the ledger says, and the evidence of an alert points to the right records all the same.
//!
//! The file and its log are for their owner alone (0600).

mod columns;
mod keeper;
pub mod question;
mod reserve;
mod retention;
mod schema;
mod session;
mod views;
mod write;

pub use keeper::Keeper;
pub use session::{Begin, Session, Standing};

use crate::database::{self, Cause, DatabaseError};
use rusqlite::{Connection, Row, params_from_iter};
use std::path::{Path, PathBuf};

/// What is said where there is no database yet.
const NONE_YET: &str = "`watch --db FILE` writes one, --db FILE names another";

/// The kinds of records that runs tell, as in `kind`.
pub fn kinds() -> Vec<String> {
    let views = views::all().into_iter().map(|view| view.name);
    views.filter(|name| name != views::OF_PROCESSES).collect()
}

/// A file with the records of runs, open for reading or for giving up what is old.
#[derive(Debug)]
pub struct Records {
    db: Connection,
    path: PathBuf,
}

impl Records {
    /// Opens a file that is there, for reading.
    ///
    /// # Errors
    /// [`DatabaseError`] when there is none, or it is not one of ours.
    pub fn read(path: &Path) -> Result<Self, DatabaseError> {
        Ok(Self { db: database::read(path, NONE_YET, &schema::STEPS)?, path: path.to_owned() })
    }

    /// Opens a file that is there, for changing it.
    ///
    /// # Errors
    /// As [`Records::read`]; and when it cannot be written.
    pub fn open(path: &Path) -> Result<Self, DatabaseError> {
        Ok(Self { db: database::open(path, NONE_YET, &schema::STEPS)?, path: path.to_owned() })
    }

    /// All sessions, the oldest first.
    ///
    /// # Errors
    /// [`DatabaseError`] when the file cannot be read or holds what nobody of us wrote.
    pub fn sessions(&self) -> Result<Vec<Session>, DatabaseError> {
        session::all(&self.db).map_err(|cause| self.failed("read", cause))
    }

    /// Hands each record of a session, as JSON, to `take`, by `seq`; only those of these kinds, if any are named. Ends early when
    /// `take` gives `false`.
    ///
    /// # Errors
    /// As [`Records::sessions`].
    pub fn each(
        &self,
        session: i64,
        kinds: &[String],
        take: &mut dyn FnMut(&str) -> bool,
    ) -> Result<(), DatabaseError> {
        each(&self.db, session, kinds, take).map_err(|cause| self.failed("read", cause.into()))
    }

    fn failed(&self, act: &'static str, cause: Cause) -> DatabaseError {
        DatabaseError::new(act, &self.path, cause)
    }
}

fn each(
    db: &Connection,
    session: i64,
    kinds: &[String],
    take: &mut dyn FnMut(&str) -> bool,
) -> rusqlite::Result<()> {
    let of_kinds = match kinds.len() {
        0 => String::new(),
        count => format!(" AND kind IN ({})", vec!["?"; count].join(", ")),
    };
    let mut query =
        db.prepare(&format!("SELECT record FROM record WHERE session = ?{of_kinds} ORDER BY seq"))?;
    let id = rusqlite::types::Value::from(session);
    let kinds = kinds.iter().map(|kind| rusqlite::types::Value::from(kind.clone()));
    let mut rows = query.query(params_from_iter(std::iter::once(id).chain(kinds)))?;
    while let Some(row) = rows.next()? {
        if !take(text(row)?) {
            break;
        }
    }
    Ok(())
}

fn text<'a>(row: &'a Row<'_>) -> rusqlite::Result<&'a str> {
    Ok(row.get_ref(0)?.as_str()?)
}

#[cfg(test)]
mod tests;

//! Giving up old sessions.

use super::{Records, Standing};
use crate::database::{Cause, DatabaseError};
use rusqlite::Connection;

/// Pages whose room is given back to the disk at once.
const VACUUM: &str = "PRAGMA incremental_vacuum";

impl Records {
    /// Removes sessions, those that run left out; how many records that were.
    ///
    /// # Errors
    /// [`DatabaseError`] when the file cannot be written; a session is removed whole or not at all.
    pub fn remove(&mut self, sessions: &[i64]) -> Result<u64, DatabaseError> {
        let running: Vec<_> =
            self.sessions()?.into_iter().filter(|session| session.standing == Standing::Running).collect();
        let mut removed = 0;
        for id in sessions.iter().filter(|id| running.iter().all(|session| session.id != **id)) {
            removed += remove(&mut self.db, *id).map_err(|cause| self.failed("write", cause))?;
        }
        if removed > 0 {
            give_back(&self.db).map_err(|cause| self.failed("write", cause))?;
        }
        Ok(removed)
    }

    /// Removes sessions that began before `oldest` (RFC 3339, UTC); their numbers.
    ///
    /// # Errors
    /// As [`Records::remove`].
    pub fn remove_before(&mut self, oldest: &str) -> Result<Vec<i64>, DatabaseError> {
        let sessions = self.sessions()?;
        let old = |session: &&super::Session| {
            session.started.as_str() < oldest && session.standing != Standing::Running
        };
        let old: Vec<_> = sessions.iter().filter(old).map(|session| session.id).collect();
        self.remove(&old)?;
        Ok(old)
    }

    /// Removes the oldest sessions until the file has at most so many bytes, or the newest is left; their numbers.
    ///
    /// # Errors
    /// As [`Records::remove`].
    pub fn remove_beyond(&mut self, bytes: u64) -> Result<Vec<i64>, DatabaseError> {
        let mut sessions = self.sessions()?;
        sessions.retain(|session| session.standing != Standing::Running);
        // The newest is what one most likely still wants to look at.
        sessions.pop();
        let mut gone = Vec::new();
        for session in sessions {
            if self.bytes()? <= bytes {
                break;
            }
            self.remove(&[session.id])?;
            gone.push(session.id);
        }
        Ok(gone)
    }

    /// Bytes that hold something.
    ///
    /// # Errors
    /// [`DatabaseError`] when the file cannot be read.
    pub fn bytes(&self) -> Result<u64, DatabaseError> {
        used(&self.db).map_err(|cause| self.failed("read", cause.into()))
    }
}

fn remove(db: &mut Connection, id: i64) -> Result<u64, Cause> {
    let change = db.transaction()?;
    let records = change.execute("DELETE FROM record WHERE session = ?1", [id])?;
    change.execute("DELETE FROM session WHERE id = ?1", [id])?;
    change.commit()?;
    Ok(records as u64)
}

/// Empty pages leave the file, and the log's room is given back.
fn give_back(db: &Connection) -> Result<(), Cause> {
    let mut vacuum = db.prepare(VACUUM)?;
    let mut rows = vacuum.query([])?;
    while rows.next()?.is_some() {}
    // A reader that is in the way only puts it off.
    let _ = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    Ok(())
}

fn used(db: &Connection) -> rusqlite::Result<u64> {
    let number = |name| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let pages = number("page_count")?.saturating_sub(number("freelist_count")?);
    Ok(u64::try_from(pages.saturating_mul(number("page_size")?)).unwrap_or(0))
}

//! The tables, and how those of an older kernscope become today's.
//!
//! `PRAGMA user_version` counts the steps of [`STEPS`] that a file has taken. A step that was released is never changed.

use super::error::Cause;
use rusqlite::{Connection, TransactionBehavior};

/// `PRAGMA application_id`: "ksLN".
const APPLICATION: i32 = 0x6b73_4c4e;

/// From version N to N + 1.
const STEPS: [&str; 1] = ["CREATE TABLE sighting (
        mac TEXT NOT NULL,
        source TEXT NOT NULL,
        first_seen TEXT NOT NULL,
        last_seen TEXT NOT NULL,
        record TEXT NOT NULL,
        PRIMARY KEY (mac, source)
     ) WITHOUT ROWID, STRICT;
     CREATE INDEX sighting_last ON sighting (last_seen);
     CREATE TABLE correction (
        mac TEXT NOT NULL PRIMARY KEY,
        label TEXT,
        name TEXT,
        device_type TEXT,
        category TEXT,
        note TEXT
     ) WITHOUT ROWID, STRICT;"];

/// Takes the steps that are missing, all or none.
pub(super) fn bring_up_to_date(db: &mut Connection) -> Result<(), Cause> {
    let (application, mut version) = (pragma(db, "application_id")?, pragma(db, "user_version")?);
    let is_empty: bool = db.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION && !is_empty {
        return Err(Cause::Foreign);
    }
    let known = STEPS.len() as i32;
    if version > known {
        return Err(Cause::Newer { version, known });
    }
    // A reader does not wait for a log, and a writer that is killed leaves whole batches.
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "NORMAL")?;
    db.pragma_update(None, "trusted_schema", false)?;
    if version == known {
        return Ok(());
    }
    let steps = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have taken them meanwhile.
    version = pragma(&steps, "user_version")?;
    for step in STEPS.iter().skip(usize::try_from(version).unwrap_or(0)) {
        steps.execute_batch(step)?;
    }
    steps.pragma_update(None, "application_id", APPLICATION)?;
    steps.pragma_update(None, "user_version", known)?;
    Ok(steps.commit()?)
}

fn pragma(db: &Connection, name: &str) -> rusqlite::Result<i32> {
    db.pragma_query_value(None, name, |row| row.get(0))
}

//! The tables, and how those of an older kernscope become today's.
//!
//! `PRAGMA user_version` counts the steps of [`STEPS`] that a file has taken. A step that was released is never changed.

use super::error::Cause;
use rusqlite::{Connection, TransactionBehavior};

/// `PRAGMA application_id`: "ksLN".
const APPLICATION: i32 = 0x6b73_4c4e;

/// From version N to N + 1.
const STEPS: [&str; 2] = [
    "CREATE TABLE sighting (
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
     ) WITHOUT ROWID, STRICT;",
    "CREATE TABLE alert (
        id TEXT NOT NULL PRIMARY KEY,
        last_seen TEXT NOT NULL,
        record TEXT NOT NULL,
        acknowledged TEXT,
        muted INTEGER NOT NULL DEFAULT 0
     ) WITHOUT ROWID, STRICT;
     CREATE INDEX alert_last ON alert (last_seen);",
];

/// Takes the steps that are missing, all or none.
pub(super) fn bring_up_to_date(db: &mut Connection) -> Result<(), Cause> {
    take(db, &STEPS)
}

fn take(db: &mut Connection, all: &[&str]) -> Result<(), Cause> {
    let (application, mut version) = (pragma(db, "application_id")?, pragma(db, "user_version")?);
    let is_empty: bool = db.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION && !is_empty {
        return Err(Cause::Foreign);
    }
    let known = all.len() as i32;
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
    for step in all.iter().skip(usize::try_from(version).unwrap_or(0)) {
        steps.execute_batch(step)?;
    }
    steps.pragma_update(None, "application_id", APPLICATION)?;
    steps.pragma_update(None, "user_version", known)?;
    Ok(steps.commit()?)
}

fn pragma(db: &Connection, name: &str) -> rusqlite::Result<i32> {
    db.pragma_query_value(None, name, |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::params;

    /// What a file of the first schema says of a device.
    fn sighting(db: &Connection) -> String {
        db.query_row("SELECT record FROM sighting WHERE mac = 'm'", [], |row| row.get(0)).expect("there")
    }

    fn of_the_first_schema() -> Connection {
        let mut db = Connection::open_in_memory().expect("open");
        take(&mut db, &STEPS[..1]).expect("first");
        db.execute("INSERT INTO sighting VALUES ('m', 's', 'a', 'b', ?1)", params!["{}"]).expect("insert");
        db
    }

    #[test]
    fn a_file_of_the_first_schema_becomes_todays_and_keeps_what_it_holds() {
        let mut db = of_the_first_schema();
        bring_up_to_date(&mut db).expect("today's");
        assert_eq!(sighting(&db), "{}");
        let next =
            [&STEPS[..], &["ALTER TABLE sighting ADD COLUMN site TEXT NOT NULL DEFAULT 'here'"]].concat();
        take(&mut db, &next).expect("one more");
        take(&mut db, &next).expect("nothing to do");
        let site: String = db.query_row("SELECT site FROM sighting", [], |row| row.get(0)).expect("there");
        assert_eq!((sighting(&db).as_str(), site.as_str()), ("{}", "here"));
        assert!(
            matches!(bring_up_to_date(&mut db), Err(Cause::Newer { .. })),
            "an older kernscope refuses it"
        );
    }

    #[test]
    fn steps_of_which_one_fails_are_not_taken_at_all() {
        let mut db = of_the_first_schema();
        let broken = [STEPS[0], "CREATE TABLE more (x)", "CREATE TABLE sighting (again)"];
        assert!(take(&mut db, &broken).is_err());
        let (version, tables): (i32, i32) = (
            pragma(&db, "user_version").expect("version"),
            db.query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'more'", [], |row| row.get(0))
                .expect("count"),
        );
        assert_eq!((version, tables, sighting(&db).as_str()), (1, 0, "{}"));
    }

    /// A step that was released is never changed: files of it are everywhere.
    #[test]
    fn the_first_step_is_the_one_that_was_released() {
        let columns = |table: &str| -> Vec<String> {
            let db = of_the_first_schema();
            let mut query = db.prepare(&format!("PRAGMA table_info({table})")).expect("prepare");
            query.query_map([], |row| row.get(1)).expect("query").map(|name| name.expect("text")).collect()
        };
        assert_eq!(columns("sighting"), ["mac", "source", "first_seen", "last_seen", "record"]);
        assert_eq!(columns("correction"), ["mac", "label", "name", "device_type", "category", "note"]);
    }
}

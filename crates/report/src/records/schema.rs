//! The tables. A step that was released is never changed.
//!
//! A row of `record` has a number of its own, so that two sessions that write at once both append; what is looked up is indexed:
//! the place in a session, the kind, and where there is one the path, the other end and the rule.

use super::views;
use crate::database::{Cause, Steps};
use rusqlite::{Connection, TransactionBehavior};

/// How a file becomes today's; its `application_id` is "ksRC".
pub(super) const STEPS: Steps = Steps { application: 0x6b73_5243, all: &ALL };

const ALL: [&str; 1] = ["CREATE TABLE session (
        id INTEGER PRIMARY KEY,
        started TEXT NOT NULL,
        ended TEXT,
        what TEXT NOT NULL,
        version TEXT NOT NULL,
        host TEXT NOT NULL,
        kernel TEXT NOT NULL,
        backend TEXT,
        records INTEGER,
        lost INTEGER,
        pid INTEGER NOT NULL,
        pid_start INTEGER NOT NULL,
        boot TEXT NOT NULL
     ) STRICT;
     CREATE TABLE record (
        id INTEGER PRIMARY KEY,
        session INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,
        seq INTEGER NOT NULL,
        ts TEXT NOT NULL,
        kind TEXT NOT NULL,
        pid INTEGER,
        comm TEXT,
        path TEXT,
        remote TEXT,
        rule TEXT,
        severity TEXT,
        record TEXT NOT NULL
     ) STRICT;
     CREATE UNIQUE INDEX record_place ON record (session, seq);
     CREATE INDEX record_kind ON record (kind, session, seq);
     CREATE INDEX record_path ON record (path) WHERE path IS NOT NULL;
     CREATE INDEX record_remote ON record (remote) WHERE remote IS NOT NULL;
     CREATE INDEX record_rule ON record (rule) WHERE rule IS NOT NULL;
     CREATE TABLE view_text (digest TEXT NOT NULL) STRICT;"];

/// Makes the views of this kernscope's kinds, unless they are there already.
pub(super) fn make_views(db: &mut Connection) -> Result<(), Cause> {
    let all = views::all();
    let digest = views::digest(&all);
    let known = "SELECT count(*) > 0 FROM view_text WHERE digest = ?1";
    if db.query_row(known, [&digest], |row| row.get(0))? {
        return Ok(());
    }
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for view in &all {
        change.execute_batch(&format!("DROP VIEW IF EXISTS \"{}\"; {}", view.name, view.sql))?;
    }
    change.execute("DELETE FROM view_text", [])?;
    change.execute("INSERT INTO view_text (digest) VALUES (?1)", [&digest])?;
    Ok(change.commit()?)
}

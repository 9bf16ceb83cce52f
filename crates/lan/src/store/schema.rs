//! The tables. A step that was released is never changed.

use kernscope_report::database::Steps;

/// How a file becomes today's; its `application_id` is "ksLN".
pub(super) const STEPS: Steps = Steps { application: 0x6b73_4c4e, all: &ALL };

const ALL: [&str; 5] = [
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
    "CREATE TABLE origin (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE
     ) STRICT;
     CREATE TABLE talk (
        mac TEXT NOT NULL,
        peer TEXT NOT NULL,
        service TEXT NOT NULL,
        origin INTEGER NOT NULL,
        connections INTEGER NOT NULL,
        frames INTEGER NOT NULL,
        sent INTEGER NOT NULL,
        received INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        first_seen INTEGER NOT NULL,
        last_seen INTEGER NOT NULL,
        PRIMARY KEY (mac, peer, service, origin)
     ) WITHOUT ROWID, STRICT;
     CREATE INDEX talk_peer ON talk (peer);
     CREATE INDEX talk_bytes ON talk (bytes);
     CREATE TABLE volume (
        mac TEXT NOT NULL,
        start INTEGER NOT NULL,
        origin INTEGER NOT NULL,
        sent INTEGER NOT NULL,
        received INTEGER NOT NULL,
        PRIMARY KEY (mac, start, origin)
     ) WITHOUT ROWID, STRICT;
     CREATE INDEX volume_start ON volume (start, mac, sent, received);",
    "CREATE TABLE outbox (
        id INTEGER PRIMARY KEY,
        target TEXT NOT NULL,
        record TEXT NOT NULL,
        tries INTEGER NOT NULL DEFAULT 0,
        due INTEGER NOT NULL DEFAULT 0
     ) STRICT;",
    "CREATE TABLE learnt (
        network TEXT NOT NULL,
        what TEXT NOT NULL,
        mac TEXT NOT NULL,
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        last_seen INTEGER NOT NULL,
        PRIMARY KEY (network, what, mac, key)
     ) WITHOUT ROWID, STRICT;
     CREATE INDEX learnt_mac ON learnt (mac);
     CREATE INDEX learnt_last ON learnt (last_seen);",
];

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    fn of_the_first_schema() -> Connection {
        let mut db = Connection::open_in_memory().expect("open");
        Steps { all: &ALL[..1], ..STEPS }.bring_up_to_date(&mut db).expect("first");
        db
    }

    #[test]
    fn a_file_of_the_first_schema_becomes_todays_and_keeps_what_it_holds() {
        let mut db = of_the_first_schema();
        db.execute("INSERT INTO sighting VALUES ('m', 's', 'a', 'b', '{}')", []).expect("insert");
        STEPS.bring_up_to_date(&mut db).expect("today's");
        let record: String =
            db.query_row("SELECT record FROM sighting WHERE mac = 'm'", [], |row| row.get(0)).expect("there");
        assert_eq!(record, "{}");
        let alerts: i64 = db.query_row("SELECT count(*) FROM alert", [], |row| row.get(0)).expect("a table");
        assert_eq!(alerts, 0);
    }

    #[test]
    fn a_file_from_before_networks_were_remembered_keeps_its_alerts_and_gets_their_table() {
        let mut db = Connection::open_in_memory().expect("open");
        Steps { all: &ALL[..4], ..STEPS }.bring_up_to_date(&mut db).expect("the fourth");
        db.execute("INSERT INTO alert VALUES ('i', 'l', '{}', NULL, 1)", []).expect("insert");
        STEPS.bring_up_to_date(&mut db).expect("today's");
        let muted: i64 = db.query_row("SELECT muted FROM alert", [], |row| row.get(0)).expect("there");
        let learnt: i64 = db.query_row("SELECT count(*) FROM learnt", [], |row| row.get(0)).expect("a table");
        assert_eq!((muted, learnt), (1, 0));
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

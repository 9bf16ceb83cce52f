use super::question::{Answer, QuestionError};
use super::*;
use crate::sink::End;
use crate::{Coverage, Ledger, Summary, samples};
use rusqlite::types::ValueRef;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A folder of its own, gone with this.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("kernscope-records-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("make a folder");
        Self(dir)
    }

    fn db(&self) -> PathBuf {
        self.0.join("records.db")
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

fn begin(started: &str) -> Begin {
    Begin {
        started: started.to_owned(),
        what: "true".to_owned(),
        version: "0".to_owned(),
        host: "h".to_owned(),
        kernel: "6".to_owned(),
        offset_ns: 0,
    }
}

/// Keeps the samples so many times as one session.
fn keep(path: &Path, started: &str, times: usize) -> (i64, Ledger) {
    let mut keeper = Keeper::start(path, &begin(started)).expect("start");
    let mut taken = 0;
    for _ in 0..times {
        for entry in samples::entries() {
            keeper.take(entry);
            taken += 1;
        }
    }
    let (summary, coverage) = (Summary::default(), Coverage::default());
    let ledger = Ledger { seen: taken, emitted: taken, ..Default::default() }.close();
    let session = keeper.session();
    let end = End { ts_ns: 5, summary: &summary, coverage: &coverage, ledger: &ledger };
    let (ledger, failed) = keeper.finish(&end);
    assert!(failed.is_none(), "{failed:?}");
    (session, ledger)
}

fn all(records: &Records, session: i64, kinds: &[&str]) -> Vec<crate::Record> {
    let kinds: Vec<_> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
    let mut all = Vec::new();
    let mut take = |text: &str| {
        all.push(serde_json::from_str(text).expect("a record"));
        true
    };
    records.each(session, &kinds, &mut take).expect("read");
    all
}

/// Rows as text.
#[derive(Default)]
struct Table(Vec<Vec<String>>);

impl Answer for Table {
    fn columns(&mut self, names: &[String]) {
        self.0.push(names.to_vec());
    }

    fn row(&mut self, values: &[ValueRef<'_>]) -> bool {
        let text = |value: &ValueRef<'_>| match value {
            ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
            ValueRef::Integer(number) => number.to_string(),
            other => format!("{other:?}"),
        };
        self.0.push(values.iter().map(text).collect());
        true
    }
}

fn ask(path: &Path, sql: &str) -> Result<Vec<Vec<String>>, QuestionError> {
    let mut table = Table::default();
    Records::read(path)?.ask(sql, Arc::default(), &mut table)?;
    Ok(table.0)
}

#[test]
fn what_is_kept_is_what_was_told() {
    let dir = Dir::new("same");
    let (session, ledger) = keep(&dir.db(), "2026-01-01T00:00:00Z", 100);
    let records = Records::read(&dir.db()).expect("open");
    let kept = all(&records, session, &[]);
    let told = samples::entries();
    assert_eq!(kept.len(), told.len() * 100 + 2);
    for (seq, record) in kept.iter().enumerate().take(kept.len() - 2) {
        let entry = &told[seq % told.len()];
        assert_eq!((record.seq, &record.body, &record.proc), (seq as u64, &entry.body, &entry.proc));
    }
    assert_eq!(kept.last().expect("ledger").body, crate::Body::Ledger(ledger));
    let opens = all(&records, session, &["file_open", "file_close"]);
    assert!(!opens.is_empty() && opens.iter().all(|record| record.body.kind().starts_with("file_")));
    let known = &records.sessions().expect("sessions")[0];
    assert_eq!((known.standing, known.records), (Standing::Ended, kept.len() as u64 - 2));
}

#[test]
fn views_have_the_fields_of_a_kind_and_use_its_index() {
    let dir = Dir::new("views");
    keep(&dir.db(), "2026-01-01T00:00:00Z", 1);
    let rows =
        ask(&dir.db(), "SELECT argv ->> 1, exe, comm FROM process_exec WHERE argc > 1 ORDER BY seq LIMIT 1");
    let rows = rows.expect("answer");
    assert_eq!(rows[0], ["argv ->> 1", "exe", "comm"]);
    assert!(rows[1][1].starts_with("/usr/bin/"), "{rows:?}");
    let plan = ask(&dir.db(), "EXPLAIN QUERY PLAN SELECT path FROM file_open WHERE session = 1");
    let plan = format!("{:?}", plan.expect("plan"));
    assert!(plan.contains("record_kind"), "{plan}");
    let processes = ask(&dir.db(), "SELECT pid, argv FROM process WHERE argv IS NOT NULL");
    assert!(processes.expect("answer").len() > 1);
}

#[test]
fn a_question_only_reads() {
    let dir = Dir::new("guard");
    keep(&dir.db(), "2026-01-01T00:00:00Z", 1);
    let stolen = dir.0.join("stolen.db");
    for sql in [
        "DELETE FROM record",
        "DROP TABLE record",
        "UPDATE session SET what = ''",
        &format!("ATTACH '{}' AS other", stolen.display()),
        &format!("VACUUM INTO '{}'", stolen.display()),
        "SELECT load_extension('x')",
        "PRAGMA writable_schema = 1",
        "PRAGMA journal_mode = DELETE",
        "CREATE TEMP TABLE t (x)",
        "BEGIN IMMEDIATE",
    ] {
        let error = ask(&dir.db(), sql).expect_err(sql);
        assert!(matches!(error, QuestionError::Forbidden | QuestionError::Sql(_)), "{sql}: {error}");
        assert!(!error.to_string().contains('\n'));
    }
    assert!(!stolen.exists());
    assert!(matches!(ask(&dir.db(), "SELECT 1; SELECT 2"), Err(QuestionError::NotOne)));
    assert_eq!(ask(&dir.db(), "PRAGMA table_info(session)").expect("harmless")[1][1], "id");
    let count = ask(&dir.db(), "SELECT count(*) FROM record").expect("answer")[1][0].clone();
    assert_eq!(count, (samples::entries().len() + 2).to_string());
}

#[test]
fn a_question_that_never_ends_can_be_stopped() {
    let dir = Dir::new("stop");
    keep(&dir.db(), "2026-01-01T00:00:00Z", 1);
    let stop = Arc::new(AtomicBool::new(true));
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n";
    let mut records = Records::read(&dir.db()).expect("open");
    let error = records.ask(endless, stop, &mut Table::default()).expect_err("stopped");
    assert!(matches!(error, QuestionError::Stopped), "{error}");
}

#[test]
fn old_sessions_go_and_their_room_is_given_back() {
    let dir = Dir::new("old");
    for (started, times) in
        [("2026-01-01T00:00:00Z", 200), ("2026-01-02T00:00:00Z", 200), ("2026-01-03T00:00:00Z", 1)]
    {
        keep(&dir.db(), started, times);
    }
    let mut records = Records::open(&dir.db()).expect("open");
    let whole = records.bytes().expect("bytes");
    assert_eq!(records.remove_before("2026-01-02T00:00:00Z").expect("remove"), [1]);
    assert!(records.bytes().expect("bytes") < whole * 2 / 3);
    assert_eq!(records.remove_beyond(0).expect("remove"), [2], "the newest stays");
    assert_eq!(records.sessions().expect("sessions").len(), 1);
    drop(records);
    let on_disk = std::fs::metadata(dir.db()).expect("there").len();
    assert!(on_disk < whole / 2, "{on_disk} of {whole}");
}

#[test]
fn two_runs_write_at_once() {
    let dir = Dir::new("two");
    let path = dir.db();
    let runs: Vec<_> = (0..2)
        .map(|_| {
            let path = path.clone();
            std::thread::spawn(move || keep(&path, "2026-01-01T00:00:00Z", 100))
        })
        .collect();
    let sessions: Vec<_> = runs.into_iter().map(|run| run.join().expect("kept")).collect();
    assert_ne!(sessions[0].0, sessions[1].0);
    let records = Records::read(&path).expect("open");
    for (session, ledger) in sessions {
        assert!(ledger.closes && ledger.lost.is_empty());
        assert!(all(&records, session, &[]).iter().map(|record| record.seq).eq(0..ledger.emitted + 2));
    }
}

#[test]
fn a_locked_file_holds_nobody_up_and_what_waited_is_written_afterwards() {
    let dir = Dir::new("locked");
    let mut keeper = Keeper::start(&dir.db(), &begin("2026-01-01T00:00:00Z")).expect("start");
    let other = rusqlite::Connection::open(dir.db()).expect("open");
    other.execute_batch("BEGIN IMMEDIATE").expect("lock");
    let told = samples::entries();
    for entry in samples::entries() {
        keeper.take(entry);
    }
    keeper.flush();
    other.execute_batch("ROLLBACK").expect("unlock");
    let (summary, coverage) = (Summary::default(), Coverage::default());
    let ledger = Ledger { seen: told.len() as u64, emitted: told.len() as u64, ..Default::default() }.close();
    let end = End { ts_ns: 5, summary: &summary, coverage: &coverage, ledger: &ledger };
    let (settled, failed) = keeper.finish(&end);
    assert!(failed.is_none() && settled.lost.is_empty(), "{settled:?}");
}

#[test]
fn a_session_that_has_no_end_runs_or_was_cut_off() {
    let dir = Dir::new("standing");
    let keeper = Keeper::start(&dir.db(), &begin("2026-01-01T00:00:00Z")).expect("start");
    let standing = || Records::read(&dir.db()).expect("open").sessions().expect("sessions")[0].standing;
    assert_eq!(standing(), Standing::Running);
    drop(keeper);
    let db = rusqlite::Connection::open(dir.db()).expect("open");
    db.execute("UPDATE session SET pid_start = pid_start - 1", []).expect("another process");
    assert_eq!(standing(), Standing::CutOff);
}

#[test]
fn the_file_is_for_its_owner_alone_and_others_files_are_refused() {
    let dir = Dir::new("private");
    keep(&dir.db(), "2026-01-01T00:00:00Z", 1);
    let mode = std::fs::metadata(dir.db()).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let other = dir.0.join("other.db");
    rusqlite::Connection::open(&other).and_then(|db| db.execute_batch("CREATE TABLE x (y)")).expect("theirs");
    let error = Keeper::start(&other, &begin("")).expect_err("refused").to_string();
    assert!(error.contains("another program"), "{error}");
    let none = Records::read(&dir.0.join("none.db")).expect_err("refused").to_string();
    assert!(none.contains("there is none yet") && none.contains("watch --db"), "{none}");
    rusqlite::Connection::open(dir.db())
        .and_then(|db| db.pragma_update(None, "user_version", 9))
        .expect("newer");
    let newer = Records::read(&dir.db()).expect_err("refused").to_string();
    assert!(newer.contains("newer kernscope (schema 9"), "{newer}");
}

//! A session: one run, from its start to its end, or to where it was cut off.

use crate::database::Cause;
use rusqlite::{Connection, Row, params};
use std::fs::read_to_string;

/// What is known of a run when it begins.
#[derive(Clone, Debug)]
pub struct Begin {
    /// When: RFC 3339, UTC.
    pub started: String,
    /// What it watches, in words: a command line, `--pid 7`, ...
    pub what: String,
    /// Version of kernscope.
    pub version: String,
    /// The machine's name.
    pub host: String,
    /// Release of the kernel.
    pub kernel: String,
    /// Wall clock minus `CLOCK_MONOTONIC`, nanoseconds.
    pub offset_ns: i64,
}

/// How a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It came to its end, and has its account.
    Ended,
    /// Its process is there.
    Running,
    /// Its process is gone and wrote no end: it was killed, or the disk was full.
    CutOff,
}

impl Standing {
    /// Its words.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Running => "running",
            Self::CutOff => "cut off",
        }
    }
}

/// A session, as it is kept.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its number in this file.
    pub id: i64,
    /// When it began: RFC 3339, UTC.
    pub started: String,
    /// When it ended.
    pub ended: Option<String>,
    /// What was watched.
    pub what: String,
    /// Version of kernscope.
    pub version: String,
    /// The machine's name.
    pub host: String,
    /// Release of the kernel.
    pub kernel: String,
    /// `ebpf`, `ptrace` or `replay`; `None` until the end.
    pub backend: Option<String>,
    /// Records that are kept, without `coverage` and `ledger`.
    pub records: u64,
    /// Records that could not be kept; `None` until the end.
    pub lost: Option<u64>,
    /// How it stands.
    pub standing: Standing,
}

/// Enters a session; its number.
pub(super) fn begin(db: &Connection, begin: &Begin) -> Result<i64, Cause> {
    let pid = std::process::id();
    db.execute(
        "INSERT INTO session (started, what, version, host, kernel, pid, pid_start, boot)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            begin.started,
            begin.what,
            begin.version,
            begin.host,
            begin.kernel,
            pid,
            start_ticks(pid),
            boot_id()
        ],
    )?;
    Ok(db.last_insert_rowid())
}

/// All sessions by number.
pub(super) fn all(db: &Connection) -> Result<Vec<Session>, Cause> {
    let mut query = db.prepare(
        "SELECT id, started, ended, what, version, kernel, backend,
            coalesce(records, (SELECT count(*) FROM record WHERE session = session.id)), lost,
            pid, pid_start, boot, host
         FROM session ORDER BY id",
    )?;
    Ok(query.query_map([], one)?.collect::<Result<_, _>>()?)
}

fn one(row: &Row<'_>) -> rusqlite::Result<Session> {
    let ended: Option<String> = row.get(2)?;
    let standing = match &ended {
        Some(_) => Standing::Ended,
        None if is_there(row.get(9)?, row.get(10)?, &row.get::<_, String>(11)?) => Standing::Running,
        None => Standing::CutOff,
    };
    Ok(Session {
        id: row.get(0)?,
        started: row.get(1)?,
        ended,
        what: row.get(3)?,
        version: row.get(4)?,
        host: row.get(12)?,
        kernel: row.get(5)?,
        backend: row.get(6)?,
        records: u64::try_from(row.get::<_, i64>(7)?).unwrap_or(0),
        lost: row.get::<_, Option<i64>>(8)?.map(|lost| u64::try_from(lost).unwrap_or(0)),
        standing,
    })
}

/// Whether the process that began a session is still there: not another one under its number, nor before the last boot.
fn is_there(pid: u32, pid_start: i64, boot: &str) -> bool {
    boot == boot_id() && pid_start != 0 && start_ticks(pid) == pid_start
}

fn boot_id() -> String {
    read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// When a process started, clock ticks since boot (`proc_pid_stat(5)`, field 22); 0 if it is not there.
fn start_ticks(pid: u32) -> i64 {
    let stat = read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name, in brackets, may hold anything.
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    after_name.split_whitespace().nth(19).and_then(|ticks| ticks.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_number_its_start_and_the_boot() {
        let pid = std::process::id();
        assert!(is_there(pid, start_ticks(pid), &boot_id()));
        assert!(!is_there(pid, start_ticks(pid) + 1, &boot_id()), "another one under its number");
        assert!(!is_there(pid, start_ticks(pid), "an earlier boot"));
        assert!(!is_there(u32::MAX, 0, &boot_id()), "gone");
    }
}

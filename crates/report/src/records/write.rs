//! The thread that writes: batches into the file, and what is done when it takes none.
//!
//! A batch that fails for a passing reason (the file is locked, the disk is full) is tried again every [`AGAIN`]; a full disk is
//! first offered half of it, and half of that. At the end of the run there is one more try; what is not written then is lost.

use super::columns::Columns;
use super::{reserve, session};
use crate::clock::Clock;
use crate::database::{Cause, DatabaseError};
use crate::queue::{Batch, Queue};
use crate::sequence::Sequencer;
use crate::{Body, Entry};
use rusqlite::{Connection, TransactionBehavior, params};
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

/// How long until a batch is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// What the thread writes to.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) db: Connection,
    pub(super) path: PathBuf,
    pub(super) session: i64,
    pub(super) stamps: Stamps,
    /// Given up for the end.
    reserve: Option<File>,
    /// Entries that are written.
    pub(super) written: u64,
}

/// Numbers and dates.
#[derive(Debug)]
pub(super) struct Stamps {
    sequencer: Sequencer,
    clock: Clock,
}

impl Stamps {
    pub(super) fn new(offset_ns: i64) -> Self {
        Self { sequencer: Sequencer::new(offset_ns), clock: Clock::new(offset_ns) }
    }
}

/// The end of a session.
#[derive(Debug)]
pub(super) struct Closing<'a> {
    pub(super) seq: u64,
    pub(super) bodies: [Entry; 2],
    pub(super) backend: &'a str,
    pub(super) lost: u64,
}

impl Writer {
    /// Writes what comes until the queue is closed.
    pub(super) fn run(mut self, queue: &Queue) -> Self {
        // Signals are the main thread's business; a refusal to mask them costs promptness only.
        let _ = nix::sys::signal::SigSet::all().thread_block();
        while let Some(batch) = queue.pop() {
            self.batch(queue, &batch);
            queue.done(batch.bytes);
        }
        self
    }

    /// Writes a batch, if it can be.
    fn batch(&mut self, queue: &Queue, batch: &Batch) {
        let mut done = 0;
        let mut size = batch.entries.len();
        let mut last_try = false;
        while let Some(rest) = batch.entries.get(done..).filter(|rest| !rest.is_empty()) {
            let piece = &rest[..size.clamp(1, rest.len())];
            let Err(cause) = self.insert(batch.first_seq + done as u64, piece) else {
                done += piece.len();
                self.written += piece.len() as u64;
                continue;
            };
            if is_full(&cause) && size > 1 {
                size /= 2;
                continue;
            }
            let passing = cause.is_passing();
            queue.fail(self.told(cause, passing), !passing);
            if !passing || last_try {
                return;
            }
            last_try = queue.pause(AGAIN);
            size = rest.len();
        }
    }

    fn insert(&mut self, first_seq: u64, entries: &[Entry]) -> Result<(), Cause> {
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        rows(&transaction, self.session, first_seq, entries, &mut self.stamps)?;
        Ok(transaction.commit()?)
    }

    /// Writes the end: `coverage`, `ledger`, and the session's own row.
    pub(super) fn end(&mut self, end: &Closing<'_>) -> Result<(), DatabaseError> {
        drop(self.reserve.take());
        let result = self.try_to_end(end);
        result.map_err(|cause| DatabaseError::new("end session in", &self.path, cause))
    }

    fn try_to_end(&mut self, end: &Closing<'_>) -> Result<(), Cause> {
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        rows(&transaction, self.session, end.seq, &end.bodies, &mut self.stamps)?;
        let ended = self.stamps.clock.rfc3339(end.bodies[0].ts_ns);
        let (written, lost) = (i64::try_from(self.written), i64::try_from(end.lost));
        transaction.execute(
            "UPDATE session SET ended = ?2, backend = ?3, records = ?4, lost = ?5 WHERE id = ?1",
            params![self.session, ended, end.backend, written.unwrap_or(i64::MAX), lost.unwrap_or(i64::MAX)],
        )?;
        Ok(transaction.commit()?)
    }

    fn told(&self, cause: Cause, passing: bool) -> String {
        let next = match passing {
            true => "it is tried again every second; what finds no room meanwhile is counted as lost",
            false => "no more records are kept there; the run goes on, and counts them as lost",
        };
        format!("{}; {next}", DatabaseError::new("write", &self.path, cause))
    }
}

fn is_full(cause: &Cause) -> bool {
    matches!(cause, Cause::Sql(rusqlite::Error::SqliteFailure(failure, _))
        if failure.code == rusqlite::ErrorCode::DiskFull || failure.code == rusqlite::ErrorCode::SystemIoFailure)
}

fn rows(
    db: &Connection,
    session: i64,
    first_seq: u64,
    entries: &[Entry],
    stamps: &mut Stamps,
) -> Result<(), Cause> {
    let mut insert = db.prepare(
        "INSERT INTO record (session, seq, ts, kind, pid, comm, path, remote, rule, severity, record)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    let mut json = Vec::with_capacity(1024);
    stamps.sequencer.rewind(first_seq);
    for (seq, entry) in (first_seq..).zip(entries) {
        json.clear();
        serde_json::to_writer(&mut json, &stamps.sequencer.stamp(entry))
            .map_err(|_| Cause::Row(entry.body.kind().to_owned()))?;
        let text = std::str::from_utf8(&json).map_err(|_| Cause::Row(entry.body.kind().to_owned()))?;
        let Columns { pid, comm, path, remote, rule, severity } = Columns::of(entry);
        let (seq, ts) = (i64::try_from(seq).unwrap_or(i64::MAX), stamps.clock.rfc3339(entry.ts_ns));
        let kind = entry.body.kind();
        insert.execute(params![session, seq, ts, kind, pid, comm, path, remote, rule, severity, text])?;
    }
    Ok(())
}

/// An entry about the run itself.
pub(super) fn about_the_run(ts_ns: u64, body: Body) -> Entry {
    Entry { ts_ns, proc: None, body, escaped: Vec::new() }
}

/// Enters the session of a run.
pub(super) fn begin(db: Connection, path: PathBuf, begin: &session::Begin) -> Result<Writer, DatabaseError> {
    let entered = session::begin(&db, begin);
    let session = entered.map_err(|cause| DatabaseError::new("write", &path, cause))?;
    let (stamps, reserve) = (Stamps::new(begin.offset_ns), reserve::beside(&path));
    Ok(Writer { db, path, session, stamps, reserve, written: 0 })
}

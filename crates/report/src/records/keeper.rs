//! A run's records into a file, while it runs.
//!
//! The run's thread only moves an entry into a batch: JSON and SQL are the writing thread's work (`write`). A batch is handed on
//! when it is full or spans a fifth of a second (`queue`), and whenever the run is idle.

use super::session::Begin;
use super::write::{self, Closing, Writer};
use super::{Cause, DatabaseError, database, schema};
use crate::queue::{Batch, Queue};
use crate::sink::{End, settle};
use crate::{Body, Entry, Ledger};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

/// Keeps the records of one run.
#[derive(Debug)]
pub struct Keeper {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<Writer>>,
    session: i64,
    batch: Batch,
    next_seq: u64,
}

impl Keeper {
    /// Opens the file, or makes it, and enters a session.
    ///
    /// # Errors
    /// [`DatabaseError`] when the file cannot be written, or is not one of ours.
    pub fn start(path: &Path, begin: &Begin) -> Result<Self, DatabaseError> {
        let mut db = database::create(path, &schema::STEPS)?;
        schema::make_views(&mut db).map_err(|cause| DatabaseError::new("open", path, cause))?;
        let writer = write::begin(db, path.to_owned(), begin)?;
        let (session, queue) = (writer.session, Arc::<Queue>::default());
        let thread = std::thread::Builder::new().name("kernscope-records".to_owned()).spawn({
            let queue = Arc::clone(&queue);
            move || writer.run(&queue)
        });
        let thread = thread.map_err(|cause| {
            DatabaseError::new("write", path, Cause::File(format!("start a thread: {cause}")))
        })?;
        Ok(Self { queue, thread: Some(thread), session, batch: Batch::default(), next_seq: 0 })
    }

    /// The number of the session.
    pub fn session(&self) -> i64 {
        self.session
    }

    /// Takes an entry. Never waits, and never fails: what finds no room is counted.
    pub fn take(&mut self, entry: Entry) {
        let seq = self.next_seq;
        self.next_seq += 1;
        if self.batch.add(seq, entry) {
            self.flush();
        }
    }

    /// Hands on what is gathered; to be called whenever the run is idle.
    pub fn flush(&mut self) {
        if self.batch.entries.is_empty() {
            return;
        }
        // What is refused is missing from what is written, which is how it is counted in the end.
        let _ = self.queue.push(std::mem::take(&mut self.batch));
    }

    /// What went wrong, in one line; each trouble is told once.
    pub fn fault(&mut self) -> Option<String> {
        self.queue.fault()
    }

    /// Ends the session: waits until what was taken is written, or cannot be, then writes the end. The ledger with what is lost
    /// here in it, and why the end itself could not be written.
    pub fn finish(mut self, end: &End<'_>) -> (Ledger, Option<DatabaseError>) {
        self.flush();
        let Some(mut writer) = self.close() else {
            return (settle(end.ledger, self.next_seq), None);
        };
        let lost = self.next_seq - writer.written;
        let ledger = settle(end.ledger, lost);
        let bodies = [Body::Coverage(end.coverage.clone()), Body::Ledger(ledger.clone())]
            .map(|body| write::about_the_run(end.ts_ns, body));
        let (seq, backend) = (self.next_seq, end.coverage.backend.as_str());
        let failed = writer.end(&Closing { seq, bodies, backend, lost }).err();
        (ledger, failed)
    }

    /// Waits for the thread; `None` if it panicked.
    fn close(&mut self) -> Option<Writer> {
        self.queue.close();
        self.thread.take()?.join().ok()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // A run that breaks off leaves what was taken, and a session that is cut off.
        self.close();
    }
}

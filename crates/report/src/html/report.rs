//! A page that grows while a run goes on.
//!
//! The run's thread hands entries on in batches, as to a database; a thread of its own makes lines of them. A page is whole or it is
//! not there: when it cannot be written, that is told once, and the run goes on.

use super::base64::Encoder;
use super::lines::{About, Lines};
use super::page;
use crate::output::{Pending, PendingError};
use crate::queue::{Batch, Queue};
use crate::sink::{End, settle};
use crate::{Coverage, Entry, Ledger};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

/// Bytes that are written at once.
const BUFFER_BYTES: usize = 256 * 1024;
/// Little, and fast: the page is made while the run goes on.
const COMPRESSION: u32 = 3;

/// What is written, for errors.
const WHAT: &str = "report";

/// A page of one run.
#[derive(Debug)]
pub struct Report {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<Result<Writing, PendingError>>>,
    batch: Batch,
    taken: u64,
    patient: bool,
}

/// What the thread writes to.
#[derive(Debug)]
struct Writing {
    pending: Pending,
    to: GzEncoder<Encoder<BufWriter<File>>>,
    lines: Lines,
    /// Records that were handed over.
    given: u64,
}

impl Report {
    /// Begins a page that will be at `path`.
    ///
    /// # Errors
    /// [`PendingError`] when no file can be written there.
    pub fn start(path: &Path, about: About) -> Result<Self, PendingError> {
        let (pending, file) = Pending::create(WHAT, path)?;
        let writing =
            Writing::begin(pending, file, about).map_err(|cause| PendingError::new(WHAT, path, &cause))?;
        let queue = Arc::<Queue>::default();
        let thread = std::thread::Builder::new().name("kernscope-report".to_owned()).spawn({
            let queue = Arc::clone(&queue);
            move || writing.run(&queue)
        });
        let thread = thread.map_err(|cause| PendingError::new(WHAT, path, &cause))?;
        Ok(Self { queue, thread: Some(thread), batch: Batch::default(), taken: 0, patient: false })
    }

    /// The same, but it waits for its file: for records that are there already, where nobody is held up.
    #[must_use]
    pub fn patient(mut self) -> Self {
        self.patient = true;
        self
    }

    /// Takes an entry. Never waits (unless it is [`Report::patient`]) and never fails: what finds no room is counted.
    pub fn take(&mut self, entry: Entry) {
        self.take_as(self.taken, entry);
    }

    /// Takes the entry that had this number in its run.
    pub fn take_as(&mut self, seq: u64, entry: Entry) {
        self.taken += 1;
        // A batch is entries in a row.
        if !self.batch.entries.is_empty() && seq != self.batch.first_seq + self.batch.entries.len() as u64 {
            self.flush();
        }
        if self.batch.add(seq, entry) {
            self.flush();
        }
    }

    /// What went wrong, in one line; it is told once.
    pub fn fault(&mut self) -> Option<String> {
        self.queue.fault()
    }

    /// Hands on what is gathered; to be called whenever the run is idle.
    pub fn flush(&mut self) {
        if self.patient {
            self.queue.wait_for_room();
        }
        if !self.batch.entries.is_empty() {
            // What is refused is missing from what is written, which is how it is counted in the end.
            let _ = self.queue.push(std::mem::take(&mut self.batch));
        }
    }

    /// Puts the page in its place. The ledger in it has what found no room here.
    ///
    /// # Errors
    /// [`PendingError`] when the page could not be written; there is none then.
    pub fn finish(mut self, end: &End<'_>) -> Result<Ledger, PendingError> {
        let taken = self.taken;
        let Some(writing) = self.close()? else { return Ok(settle(end.ledger, taken)) };
        let ledger = settle(end.ledger, taken - writing.given.min(taken));
        writing.finish(end.ts_ns, Some(end.coverage), Some(&ledger))?;
        Ok(ledger)
    }

    /// Puts the page of a run in its place of whose end nothing is known.
    ///
    /// # Errors
    /// As [`Report::finish`].
    pub fn finish_without_account(mut self) -> Result<(), PendingError> {
        self.close()?.map_or(Ok(()), |writing| writing.finish(0, None, None))
    }

    fn close(&mut self) -> Result<Option<Writing>, PendingError> {
        self.flush();
        self.queue.close();
        let Some(Ok(written)) = self.thread.take().map(JoinHandle::join) else { return Ok(None) };
        written.map(Some)
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        // Of a run that broke off there is no page.
        let _ = self.close();
    }
}

impl Writing {
    fn begin(pending: Pending, file: File, about: About) -> io::Result<Self> {
        let mut file = BufWriter::with_capacity(BUFFER_BYTES, file);
        file.write_all(page::head().as_bytes())?;
        let to = GzEncoder::new(Encoder::new(file), Compression::new(COMPRESSION));
        Ok(Self { pending, to, lines: Lines::new(about), given: 0 })
    }

    /// Writes what comes until the queue is closed.
    fn run(mut self, queue: &Queue) -> Result<Self, PendingError> {
        // Signals are the main thread's business; a refusal to mask them costs promptness only.
        let _ = nix::sys::signal::SigSet::all().thread_block();
        while let Some(batch) = queue.pop() {
            if let Err(cause) = self.batch(&batch) {
                let error = PendingError::new(WHAT, self.pending.path(), &cause);
                queue.fail(format!("{error}; there will be no report, the run goes on"), true);
                return Err(error);
            }
            queue.done(batch.bytes);
        }
        Ok(self)
    }

    fn batch(&mut self, batch: &Batch) -> io::Result<()> {
        for (seq, entry) in (batch.first_seq..).zip(&batch.entries) {
            self.lines.record(seq, entry, &mut self.to)?;
        }
        self.given += batch.entries.len() as u64;
        Ok(())
    }

    fn finish(
        self,
        ts_ns: u64,
        coverage: Option<&Coverage>,
        ledger: Option<&Ledger>,
    ) -> Result<(), PendingError> {
        let Self { pending, mut to, lines, .. } = self;
        let path = pending.path().to_owned();
        let write = || {
            lines.end(ts_ns, coverage, ledger, &mut to)?;
            let mut file = to.finish()?.finish()?;
            file.write_all(page::tail().as_bytes())?;
            file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
            pending.put()
        };
        write().map_err(|cause| PendingError::new(WHAT, &path, &cause))
    }
}

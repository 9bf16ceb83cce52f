//! Lines to a file, a pipe or a terminal, without making the caller wait for who reads them.
//!
//! Lines gather in a batch; full batches go to a bounded queue ([`QUEUE_BYTES`]) that a thread writes out. When
//! the queue is full, because the reader is slow or a terminal is stopped, lines are refused and counted; a disk
//! is waited for, since it goes on by itself, but not for ever. When writing fails, the rest is refused and counted, and the
//! trouble is told once.
//!
//! What is on disk is whole lines: after a failed write, a file that this run made is cut back to its last
//! whole line, and at the end as many lines are given up as the closing records need room.

mod open;
mod pending;
mod target;

pub use open::{OpenError, private_file};
pub use pending::{Pending, PendingError};

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use target::Target;

/// Lines are handed to the writing thread in batches of about this many bytes, or when the stream is idle.
const BATCH_BYTES: usize = 64 * 1024;
/// Bytes that may wait for a slow reader; beyond them lines are refused and counted.
pub const QUEUE_BYTES: usize = 8 * 1024 * 1024;

/// A file that takes nothing for so long is waited for no more, until it does.
const STALL: Duration = Duration::from_secs(5);

/// How long lines wait for room in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    /// Not at all: it may be that nobody reads.
    None,
    /// For a disk, [`STALL`].
    Disk,
    /// It waited for that in vain, and nothing was taken since.
    Lost,
    /// As long as it takes.
    Endless,
}

/// Where lines go.
#[derive(Debug)]
pub struct Output {
    batch: Batch,
    refused: u64,
    accepted: u64,
    shared: Arc<Shared>,
    writer: Option<JoinHandle<Target>>,
    name: String,
    fault_told: bool,
    patience: Patience,
}

#[derive(Debug, Default)]
struct Batch {
    bytes: Vec<u8>,
    lines: u64,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// The queue or `closing` changed.
    work: Condvar,
    /// The queue got shorter.
    room: Condvar,
    failed: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Batch>,
    queued_bytes: usize,
    closing: bool,
    fault: Option<io::Error>,
}

/// What became of the lines, once nothing waits any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Lines that are wholly written.
    pub written: u64,
    /// Lines that are not.
    pub unwritten: u64,
}

impl Output {
    /// Standard output.
    ///
    /// # Errors
    /// When the descriptor cannot be duplicated or a thread cannot be made.
    pub fn stdout() -> io::Result<Self> {
        use std::os::fd::AsFd;
        let fd = io::stdout().as_fd().try_clone_to_owned()?;
        Self::start(Target::stream(File::from(fd)), "standard output".to_owned())
    }

    /// A file that only its owner can read; one that is there is replaced.
    ///
    /// # Errors
    /// [`OpenError`] when `path` cannot be opened or is not safe to write to.
    pub fn file(path: &Path) -> Result<Self, OpenError> {
        let target = open::private(path)?;
        Self::start(target, path.display().to_string())
            .map_err(|cause| OpenError::new(path, cause.to_string()))
    }

    fn start(target: Target, name: String) -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let patience = if target.is_file() { Patience::Disk } else { Patience::None };
        let writer = std::thread::Builder::new().name("kernscope-output".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || write_out(&shared, target)
        })?;
        let batch = Batch { bytes: Vec::with_capacity(BATCH_BYTES + 4096), lines: 0 };
        let writer = Some(writer);
        Ok(Self { batch, refused: 0, accepted: 0, shared, writer, name, fault_told: false, patience })
    }

    /// The same, but it waits for a slow reader instead of refusing lines: for what is there already, where nobody is held up.
    #[must_use]
    pub fn patient(self) -> Self {
        Self { patience: Patience::Endless, ..self }
    }

    /// Takes one line, which `write` appends, its newline included. `write` is not called when the line cannot
    /// be taken; then, and when it gives `false`, the line is counted as unwritten.
    pub fn line(&mut self, write: impl FnOnce(&mut Vec<u8>) -> bool) {
        if !self.has_room() {
            self.refused += 1;
            return;
        }
        let start = self.batch.bytes.len();
        if !write(&mut self.batch.bytes) {
            self.batch.bytes.truncate(start);
            self.refused += 1;
            return;
        }
        self.accepted += 1;
        self.batch.lines += 1;
        if self.batch.bytes.len() >= BATCH_BYTES {
            self.flush();
        }
    }

    fn has_room(&mut self) -> bool {
        if self.shared.failed.load(Ordering::Relaxed) {
            return false;
        }
        if self.batch.bytes.len() >= BATCH_BYTES {
            self.flush();
        }
        self.batch.bytes.len() < BATCH_BYTES
    }

    /// Hands on what is gathered, unless the queue is full.
    pub fn flush(&mut self) {
        if self.batch.bytes.is_empty() {
            return;
        }
        let mut state = self.shared.lock();
        match self.patience {
            Patience::None | Patience::Lost => {}
            Patience::Endless => state = self.shared.wait_for_room(state),
            Patience::Disk => {
                let waited = self.shared.room.wait_timeout_while(state, STALL, |state| state.is_full());
                let (free, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
                state = free;
                if timeout.timed_out() {
                    self.patience = Patience::Lost;
                }
            }
        }
        if state.queued_bytes < QUEUE_BYTES {
            state.push(&mut self.batch);
            self.shared.work.notify_one();
            if self.patience == Patience::Lost {
                self.patience = Patience::Disk;
            }
        }
    }

    /// What kept something from being written, if anything did.
    pub fn failed_by(&self) -> Option<io::ErrorKind> {
        self.shared.lock().fault.as_ref().map(io::Error::kind)
    }

    /// What went wrong, in one line, once.
    pub fn fault(&mut self) -> Option<String> {
        if self.fault_told || !self.shared.failed.load(Ordering::Relaxed) {
            return None;
        }
        let state = self.shared.lock();
        let fault = state.fault.as_ref()?;
        self.fault_told = true;
        let (cause, fix) = match fault.kind() {
            io::ErrorKind::BrokenPipe => ("its reader closed it".to_owned(), "nothing more is written"),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                (fault.to_string(), "free some space or write elsewhere with --output")
            }
            _ => (fault.to_string(), "write elsewhere with --output"),
        };
        Some(format!(
            "write {}: {cause}; {fix} (the watched program goes on; records not written are counted)",
            self.name
        ))
    }

    /// Ends the output: waits until every line is written or failed, then writes what `tail` makes of the
    /// outcome. Where there is no room for it, lines are given up and `tail` is asked again; so its last answer
    /// is what stands in the file. The outcome, and whether the tail was written.
    pub fn finish(&mut self, tail: &mut dyn FnMut(Settled) -> Vec<u8>) -> (Settled, bool) {
        self.hand_on_all();
        self.shared.lock().closing = true;
        self.shared.work.notify_one();
        let taken = self.accepted + self.refused;
        let settled = |written: u64| Settled { written, unwritten: taken - written.min(taken) };
        let Some(Ok(mut target)) = self.writer.take().map(JoinHandle::join) else {
            return (settled(0), false);
        };
        let failed = self.shared.failed.load(Ordering::Relaxed);
        let written = target.close_with(failed, &mut |lines| tail(settled(lines)));
        if let Err(fault) = &written {
            self.shared.fail(io::Error::new(fault.kind(), fault.to_string()));
        }
        (settled(target.lines()), written.is_ok() && (!failed || target.is_owned()))
    }

    fn hand_on_all(&mut self) {
        self.shared.wait_for_room(self.shared.lock()).push(&mut self.batch);
    }
}

impl State {
    /// More has to wait; after a failure nothing has to.
    fn is_full(&self) -> bool {
        self.queued_bytes >= QUEUE_BYTES && self.fault.is_none()
    }

    fn push(&mut self, batch: &mut Batch) {
        let fresh = Batch { bytes: Vec::with_capacity(BATCH_BYTES + 4096), lines: 0 };
        let full = std::mem::replace(batch, fresh);
        self.queued_bytes += full.bytes.len();
        self.queue.push_back(full);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_for_room<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.room.wait_while(state, |state| state.is_full()).unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, fault: io::Error) {
        let mut state = self.lock();
        state.fault.get_or_insert(fault);
        self.failed.store(true, Ordering::Relaxed);
        self.room.notify_all();
    }
}

/// The writing thread: takes batches until the output closes, and gives back what it wrote to.
fn write_out(shared: &Shared, mut target: Target) -> Target {
    // Signals are the main thread's business; a refusal to mask them costs promptness only.
    let _ = nix::sys::signal::SigSet::all().thread_block();
    loop {
        let mut state = shared.lock();
        while state.queue.is_empty() && !state.closing {
            state = shared.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let Some(batch) = state.queue.pop_front() else { return target };
        drop(state);
        if !shared.failed.load(Ordering::Relaxed)
            && let Err(fault) = target.write_lines(&batch.bytes, batch.lines)
        {
            shared.fail(fault);
        }
        shared.lock().queued_bytes -= batch.bytes.len();
        shared.room.notify_all();
    }
}

#[cfg(test)]
mod tests;

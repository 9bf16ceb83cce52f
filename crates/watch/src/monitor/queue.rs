//! Records on their way from the thread that watches to whoever waits for them.
//!
//! No executor is asked for: a waker is all that is needed. The queue is bounded by [`QUEUE_RECORDS`]; while it is full the thread
//! waits, and what the ring buffer has no room for meanwhile is counted as lost in the ledger. (By ptrace, programs wait as well.)

use super::{Monitor, StartError};
use crate::backend::BackendError;
use kernscope_report::Record;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;

/// Most records that wait.
pub const QUEUE_RECORDS: usize = 4096;

/// Records as they happen; the ledger is the last.
///
/// When it is dropped nothing is watched any more. What is watched by eBPF goes on; a command that ptrace follows is killed.
#[derive(Debug)]
pub struct Events {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<Option<BackendError>>>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    /// There is room, or nobody takes any more.
    room: Condvar,
    is_dropped: AtomicBool,
}

#[derive(Debug, Default)]
struct Waiting {
    records: VecDeque<Record>,
    waker: Option<Waker>,
    has_ended: bool,
}

impl Events {
    /// Starts the thread, and waits until it watches.
    pub(super) fn start(monitor: Monitor) -> Result<Self, StartError> {
        let queue = Arc::new(Queue::default());
        let (ready, outcome) = mpsc::channel();
        let writer = End(Arc::clone(&queue));
        // A back end stays on the thread that made it.
        let thread = std::thread::spawn(move || {
            let live = match monitor.open() {
                Ok(live) => live,
                Err(error) => {
                    let _ = ready.send(Err(error));
                    return None;
                }
            };
            let _ = ready.send(Ok(()));
            let stop = || writer.0.is_dropped.load(Ordering::Relaxed);
            monitor.follow(live, &mut |record| writer.0.put(record), &stop).1
        });
        let events = Self { queue, thread: Some(thread) };
        // Without a word from it the thread has panicked, which the end of the stream shows.
        outcome.recv().unwrap_or(Ok(())).map(|()| events)
    }

    /// The next record; `None` after the ledger.
    ///
    /// # Cancel safety
    /// No record is lost when this is dropped before it is ready.
    pub async fn next(&mut self) -> Option<Record> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// Ends the watch, and says why it ended early, if it did: the back end broke, or the command could not be executed.
    pub fn failure(mut self) -> Option<BackendError> {
        self.leave()
    }

    fn leave(&mut self) -> Option<BackendError> {
        self.queue.is_dropped.store(true, Ordering::Relaxed);
        // Behind the lock, so that a thread that was about to wait sees it.
        drop(self.queue.lock());
        self.queue.room.notify_one();
        // A panic of it was told on standard error.
        self.thread.take().and_then(|thread| thread.join().ok().flatten())
    }

    /// [`Events::next`] for those who make a stream of another sort of it.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Record>> {
        let mut waiting = self.queue.lock();
        if let Some(record) = waiting.records.pop_front() {
            drop(waiting);
            self.queue.room.notify_one();
            return Poll::Ready(Some(record));
        }
        if waiting.has_ended {
            return Poll::Ready(None);
        }
        waiting.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        // Who wants to know why it ended has asked.
        let _ = self.leave();
    }
}

impl Queue {
    /// What a thread that panicked left is whole: nothing here is changed in two steps.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, record: Record) {
        let is_full = |waiting: &mut Waiting| {
            waiting.records.len() >= QUEUE_RECORDS && !self.is_dropped.load(Ordering::Relaxed)
        };
        let mut waiting = self.room.wait_while(self.lock(), is_full).unwrap_or_else(PoisonError::into_inner);
        waiting.records.push_back(record);
        let waker = waiting.waker.take();
        drop(waiting);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Ends the stream however the thread ends.
struct End(Arc<Queue>);

impl Drop for End {
    fn drop(&mut self) {
        let mut waiting = self.0.lock();
        waiting.has_ended = true;
        let waker = waiting.waker.take();
        drop(waiting);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

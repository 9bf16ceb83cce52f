//! Looks at files as they are used: what was opened, and what was written, once.
//!
//! The kernel tells by fanotify what was opened and closed, with a descriptor of the file, and that is what is read: not a
//! name that may mean something else by then. A file that has not changed since it was looked at is not looked at again
//! ([`known`]); one that could be written is, at each close, since a memory map changes data without a trace in its times.
//!
//! ```text
//! kernel queue -> reader: where is it, is it new -> JOBS_MOST files -> threads that scan -> the caller's thread
//! ```
//!
//! Every queue is bounded. When the threads fall behind, the reader waits, then the kernel's queue fills
//! (`/proc/sys/fs/fanotify/max_queued_events`), and what it throws away is told and counted, as far as the kernel says.

mod folder;
mod group;
mod known;
mod mounts;
mod reader;
mod user;

use crate::desk::Desk;
use crate::name::Name;
use crate::{Options, Outcome, Progress};
use folder::Folder;
use group::Group;
use kernscope_sieve::matcher::Matcher;
use known::Pending;
use reader::Reader;
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

pub use group::Watched;
pub use user::User;

/// Files that wait for a thread; each has a descriptor.
const JOBS_MOST: usize = 64;
/// Outcomes on their way to the caller's thread.
const OUTCOMES_MOST: usize = 256;

/// Nothing that has been heard of is left unlooked at.
static NEVER: AtomicBool = AtomicBool::new(false);

/// Folders whose files are looked at as they are used.
#[derive(Debug)]
pub struct Access {
    folders: Vec<Folder>,
    group: Group,
}

/// A file to look at.
pub(crate) struct Used {
    pub(crate) name: Name,
    pub(crate) file: File,
    pub(crate) bytes: u64,
    pub(crate) user: Option<User>,
    key: known::Key,
}

impl Access {
    /// Begins to hear of what is used in these folders, and in what is mounted there. What happens from here on waits for
    /// [`run`](Self::run).
    ///
    /// # Privileges
    /// `CAP_SYS_ADMIN` in the first user namespace.
    ///
    /// # Errors
    /// One line: a folder that is none, a right that is missing, or a kernel without fanotify.
    pub fn open(folders: &[PathBuf]) -> Result<Self, String> {
        let folders = folders.iter().map(|path| Folder::find(path)).collect::<Result<Vec<_>, _>>()?;
        let group = Group::open(&folders)?;
        Ok(Self { folders, group })
    }

    /// File systems that are watched, and what of them could not be.
    pub fn watched(&self) -> &[Watched] {
        &self.group.watched
    }

    /// Looks at what is used, and calls `take` with what each file held, as it comes, on this thread; until `stop` is set.
    /// What was used before that is still looked at.
    pub fn run(
        self,
        options: &Options,
        matcher: &Matcher,
        stop: &AtomicBool,
        progress: &Progress,
        take: &mut dyn FnMut(Outcome),
    ) {
        let pending = Pending::default();
        let (jobs, waiting) = sync_channel(JOBS_MOST);
        let (sender, outcomes) = sync_channel(OUTCOMES_MOST);
        let waiting = Mutex::new(waiting);
        std::thread::scope(|scope| {
            for _ in 0..options.threads.max(1) {
                let (pending, waiting, sender) = (&pending, &waiting, sender.clone());
                scope.spawn(move || {
                    work(options, Desk::new(options, matcher, &NEVER), pending, waiting, progress, &sender);
                });
            }
            let reader = Reader::new(self.group, self.folders, &pending, jobs);
            scope.spawn(move || reader.run(stop, &sender));
            outcomes.into_iter().for_each(take);
        });
    }
}

/// Takes files until there are no more.
fn work<'a>(
    options: &'a Options,
    mut desk: Desk<'a>,
    pending: &Pending,
    waiting: &Mutex<Receiver<Used>>,
    progress: &Progress,
    sender: &SyncSender<Outcome>,
) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(used) = next else { return };
        // What happens to the file from here on may be missed by this look, and asks for another.
        pending.done(used.key);
        let outcome = desk.guarded(options, |desk| desk.used(used, options));
        progress.files.fetch_add(1, Ordering::Relaxed);
        progress.bytes.fetch_add(outcome.tally.bytes, Ordering::Relaxed);
        progress.found.fetch_add(outcome.found.len() as u64, Ordering::Relaxed);
        if sender.send(outcome).is_err() {
            return;
        }
    }
}

//! From what the kernel tells to files to look at.

use super::folder::Folder;
use super::group::Group;
use super::known::{Known, Pending, Stamp, now_ns};
use super::mounts::Holders;
use super::{Used, User, known, mounts};
use crate::Outcome;
use crate::name::Name;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::fanotify::{FanotifyEvent, MaskFlags};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;

/// How often it is asked whether to go on.
const WAIT_MS: u16 = 100;
/// Files that are remembered, or twice as many: some 100 bytes each.
const KNOWN_MOST: usize = 1 << 19;
/// What a path ends with whose name is gone.
const GONE: &[u8] = b" (deleted)";

pub(super) struct Reader<'a> {
    group: Group,
    folders: Vec<Folder>,
    known: Known,
    holders: Holders,
    pending: &'a Pending,
    jobs: SyncSender<Used>,
    own_pid: i32,
    outcome: Outcome,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        group: Group,
        folders: Vec<Folder>,
        pending: &'a Pending,
        jobs: SyncSender<Used>,
    ) -> Self {
        let own_pid = nix::unistd::getpid().as_raw();
        let (known, outcome) = (Known::new(KNOWN_MOST), Outcome::default());
        Self { group, folders, known, holders: Holders::default(), pending, jobs, own_pid, outcome }
    }

    /// Reads until `stop` is set, then what has been heard by then. What was set aside is told at the end, losses at once.
    pub(super) fn run(mut self, stop: &AtomicBool, sender: &SyncSender<Outcome>) {
        while !stop.load(Ordering::Relaxed) {
            let mut wanted = [PollFd::new(self.group.fanotify().as_fd(), PollFlags::POLLIN)];
            // That it was interrupted shows below.
            let _ = poll(&mut wanted, PollTimeout::from(WAIT_MS));
            self.read();
            if !self.outcome.troubles.is_empty() {
                // Without a listener the scan is ending.
                let _ = sender.send(std::mem::take(&mut self.outcome));
            }
        }
        self.group.close_ears();
        while self.read() {}
        let _ = sender.send(self.outcome);
    }

    /// Reads some events; whether there were any.
    fn read(&mut self) -> bool {
        match self.group.events() {
            Ok(events) => events.into_iter().for_each(|event| self.heard(&event)),
            Err(Errno::EAGAIN) => return false,
            Err(Errno::EINTR) => {}
            // The event is gone with the descriptor that could not be made for it.
            Err(error) => {
                self.outcome.tally.seen("access");
                let line = format_args!("read what was used: {}; see ulimit -n", error.desc());
                self.outcome.lose("unreadable", line);
            }
        }
        true
    }

    fn heard(&mut self, event: &FanotifyEvent) {
        self.outcome.tally.seen("access");
        if event.mask().contains(MaskFlags::FAN_Q_OVERFLOW) {
            let line = "read what was used: the kernel's queue was full, and files were missed; raise \
                        /proc/sys/fs/fanotify/max_queued_events, and scan the folder";
            return self.outcome.lose("queue_overflow", line);
        }
        match self.used(event) {
            Ok(Ok(used)) => {
                // The threads take files until this end is dropped.
                let _ = self.jobs.send(used);
            }
            Ok(Err(reason)) => self.outcome.tally.filtered(reason),
            Err(error) => self.outcome.lose("unreadable", format_args!("look at a used file: {error}")),
        }
    }

    /// The file to look at, or why it is not.
    fn used(&mut self, event: &FanotifyEvent) -> io::Result<Result<Used, &'static str>> {
        let Some(fd) = event.fd() else { return Ok(Err("not_a_file")) };
        if event.pid() == self.own_pid {
            return Ok(Err("own"));
        }
        let Some(name) = self.name(event.pid(), fd)? else { return Ok(Err("elsewhere")) };
        let file = File::from(fd.try_clone_to_owned()?);
        let found = file.metadata()?;
        if !found.is_file() {
            return Ok(Err("not_a_file"));
        }
        let key: known::Key = (found.dev(), found.ino());
        let (stamp, now_ns) = (Stamp::of(&found), now_ns());
        let may_be_written = event.mask().contains(MaskFlags::FAN_CLOSE_WRITE);
        if !may_be_written && self.known.has(key, stamp) {
            return Ok(Err("unchanged"));
        }
        if !self.pending.add(key) {
            return Ok(Err("waiting"));
        }
        self.known.note(key, stamp, now_ns);
        let user = User::find(event.pid());
        Ok(Ok(Used { name, file, bytes: found.len(), user, key }))
    }

    /// What a file is called that is below one of the folders.
    fn name(&mut self, pid: i32, fd: BorrowedFd<'_>) -> io::Result<Option<Name>> {
        let link = format!("/proc/self/fd/{}", fd.as_raw_fd());
        let mut path = std::fs::read_link(&link)?.into_os_string().into_vec();
        let named = |path: &[u8]| {
            let below = self.folders.iter().find_map(|folder| folder.below(path))?;
            Some(Name::new(path, below))
        };
        if path.ends_with(GONE) && std::fs::metadata(&link)?.nlink() == 0 {
            path.truncate(path.len() - GONE.len());
        }
        if let Some(name) = named(&path) {
            return Ok(Some(name));
        }
        // It may have been used through another mount.
        let mount = mounts::id_of(fd)?;
        if self.folders.iter().all(|folder| folder.mount == mount) {
            return Ok(None);
        }
        let device = std::fs::metadata(&link)?.dev();
        if self.folders.iter().all(|folder| folder.device != device) {
            return Ok(None);
        }
        let Some(inner) = self.holders.inner(pid, mount, &path) else {
            // Nobody has the mount any more that it was used through: what may be below is looked at.
            return Ok(Some(Name::new(&path, &path)));
        };
        Ok(self.folders.iter().find_map(|folder| named(&folder.reached(device, &inner)?)))
    }
}

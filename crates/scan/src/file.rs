//! Opening and reading one file.

use crate::Options;
use crate::access::Used;
use crate::desk::{Desk, End};
use crate::holes::Holes;
use crate::name::Name;
use crate::patient::Patient;
use crate::walk::Job;
use nix::libc::{O_CLOEXEC, O_NOCTTY, O_NONBLOCK};
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Seek};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::Ordering;

/// Bytes that are read of a file that says it is empty: such files make up their content, perhaps without end.
const MADE_UP_BYTES: u64 = 64 << 20;

impl Desk<'_> {
    /// Does one job.
    pub(crate) fn work(&mut self, job: Job, options: &Options) {
        match job {
            // Not through std's buffer, which nobody can wait for.
            Job::Stdin => match io::stdin().as_fd().try_clone_to_owned().map(File::from) {
                Ok(reader) => self.stream(b"-", &mut Patient { reader, stop: self.stop }),
                Err(error) => {
                    self.outcome.tally.seen("stream");
                    self.outcome.lose("unreadable", unread("read", Path::new("standard input"), &error));
                }
            },
            Job::Root(path) => self.root(&path, options),
            Job::File(path, root_len) => self.file(&path, root_len, options),
            Job::Other(reason) => {
                self.outcome.tally.seen("file");
                self.outcome.tally.filtered(reason);
            }
            Job::Blob(blob) => self.blob(&blob, options),
            Job::Shallow => {
                self.outcome.tally.seen("history");
                self.outcome.tally.filtered("shallow");
            }
            Job::BrokenHistory(line) => {
                self.outcome.tally.seen("history");
                self.outcome.lose("unreadable", line);
            }
            Job::Broken(line) => {
                self.outcome.tally.seen("file");
                self.outcome.lose("unreadable", line);
            }
        }
    }

    /// What a root names: a file, or a pipe that someone fills.
    fn root(&mut self, path: &Path, options: &Options) {
        let parent = path.as_os_str().len() - path.file_name().map_or(0, |name| name.len());
        let is_pipe = std::fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo());
        if !is_pipe {
            return self.file(path, parent, options);
        }
        // Without waiting for a writer to open it: that could not be ended.
        match OpenOptions::new().read(true).custom_flags(O_NONBLOCK | O_CLOEXEC).open(path) {
            Ok(reader) => {
                let mut pipe = Patient { reader, stop: self.stop };
                self.stream(path.as_os_str().as_bytes(), &mut pipe);
            }
            Err(error) => {
                self.outcome.tally.seen("stream");
                self.outcome.lose("unreadable", unread("open", path, &error));
            }
        }
    }

    fn stream(&mut self, path: &[u8], reader: &mut dyn Read) {
        self.outcome.tally.seen("stream");
        let name = Name::new(path, path);
        let end = self.dig_stream(&name, reader);
        self.end(&name, end);
    }

    fn file(&mut self, path: &Path, root_len: usize, options: &Options) {
        self.outcome.tally.seen("file");
        let bytes = path.as_os_str().as_bytes();
        let shown = bytes.strip_prefix(b"./").unwrap_or(bytes);
        let below = bytes.get(root_len..).unwrap_or(shown);
        let name = Name::new(shown, below);
        if self.is_excused(&name) {
            return;
        }
        let (file, found) = match open(path) {
            Ok(opened) => opened,
            Err(error) => return self.outcome.lose("unreadable", unread("read", path, &error)),
        };
        if options.own.contains(&(found.dev(), found.ino())) {
            return self.outcome.tally.filtered("own");
        }
        self.look(&name, file, found.len(), options);
    }

    /// A file that someone has opened, or closed.
    pub(crate) fn used(&mut self, used: Used, options: &Options) {
        let Used { name, file, bytes, user, .. } = used;
        self.outcome.user = user;
        if !self.is_excused(&name) {
            self.look(&name, file, bytes, options);
        }
    }

    fn look(&mut self, name: &Name, file: File, size: u64, options: &Options) {
        if options.max_file_bytes.is_some_and(|most| size > most) {
            return self.outcome.tally.filtered("too_large");
        }
        // What is written behind the end that it had is not waited for.
        let most = if size == 0 { MADE_UP_BYTES } else { size };
        self.search(name, Holes::of(file, size).take(most));
    }

    /// Judges the name, and looks at what is in it.
    pub(crate) fn search(&mut self, name: &Name, data: impl Read + Seek) {
        self.judge_name(name);
        let end = self.dig_file(name, data);
        self.end(name, end);
    }

    /// Counts how it ended.
    pub(crate) fn end(&mut self, name: &Name, end: End) {
        match end {
            End::Whole => self.outcome.tally.filtered("scanned"),
            End::Opened => self.outcome.tally.filtered("archive"),
            End::Unopened => self.outcome.tally.filtered("unopened"),
            End::Stopped => self.outcome.tally.lost("interrupted"),
            End::Limited(limit) => {
                let (path, reason) = (name.shown(), limit.reason(self.limits));
                self.outcome
                    .lose(limit.cause(), format_args!("open {path}: {reason}; unpack it, and scan that"));
            }
            End::LimitedWithin(limit) => self.outcome.tally.lost(limit.cause()),
            End::Broken(error) => {
                let path = name.shown();
                self.outcome.lose("broken_archive", format_args!("open {path}: {error}; make it anew"));
            }
            End::Failed(_) if self.stop.load(Ordering::Relaxed) => self.outcome.tally.lost("interrupted"),
            End::Failed(error) => {
                let path = Path::new(std::ffi::OsStr::from_bytes(&name.path));
                self.outcome.lose("unreadable", unread("read", path, &error));
            }
        }
    }
}

/// A regular file, and what it is. A name that became a pipe or a device since it was met does not make us wait.
fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let file = OpenOptions::new().read(true).custom_flags(O_NONBLOCK | O_NOCTTY | O_CLOEXEC).open(path)?;
    let found = file.metadata()?;
    match found.is_file() {
        true => Ok((file, found)),
        false => Err(io::Error::other("it is no regular file; scan - takes any stream")),
    }
}

fn unread(act: &str, path: &Path, error: &io::Error) -> String {
    let fix = match error.kind() {
        io::ErrorKind::PermissionDenied => "; run as a user who may read it",
        io::ErrorKind::NotFound => "; check its name",
        _ => "",
    };
    format!("{act} {}: {error}{fix}", path.display())
}

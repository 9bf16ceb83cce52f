//! Where findings go: standard output, or a file that nobody else can read.

use crate::failure::{BROKEN, Failure};
use kernscope_report::output::private_file;
use std::fs::{File, Metadata};
use std::io::{ErrorKind, Write, stdout};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Takes text until a reader has gone or a disk is full.
pub(super) struct Sink {
    file: File,
    name: String,
    /// Why nothing more is written, if so.
    broken: Option<Broken>,
}

/// Why nothing more is written.
enum Broken {
    /// The reader has seen enough.
    Unread,
    By(Failure),
}

impl Sink {
    /// Opens the file, or standard output where there is to be none.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let (file, name) = match path {
            Some(path) => (private_file(path).map_err(Failure::usage)?, path.display().to_string()),
            None => {
                let own = stdout().as_fd().try_clone_to_owned();
                let own =
                    own.map_err(|cause| Failure::usage(format_args!("use standard output: {cause}")))?;
                (File::from(own), "standard output".to_owned())
            }
        };
        Ok(Self { file, name, broken: None })
    }

    /// The file that is written, by device and inode: it is none that is to be looked at.
    pub(super) fn own(&self) -> Option<(u64, u64)> {
        let found = self.file.metadata().ok().filter(Metadata::is_file)?;
        Some((found.dev(), found.ino()))
    }

    /// Writes all of it at once, unless something is amiss.
    pub(super) fn write(&mut self, text: &str) {
        if self.broken.is_some() {
            return;
        }
        self.broken = self.file.write_all(text.as_bytes()).err().map(|cause| match cause.kind() {
            ErrorKind::BrokenPipe => Broken::Unread,
            _ => Broken::By(Failure::with_status(BROKEN, format_args!("write {}: {cause}", self.name))),
        });
    }

    /// Notes that what is told is not whole.
    pub(super) fn fail(&mut self, failure: Failure) {
        if !matches!(self.broken, Some(Broken::By(_))) {
            self.broken = Some(Broken::By(failure));
        }
    }

    /// Whether nothing more is written.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    /// Why what was told is not whole; a reader that has seen enough is no failure.
    pub(super) fn failure(&self) -> Option<&Failure> {
        match &self.broken {
            Some(Broken::By(failure)) => Some(failure),
            _ => None,
        }
    }
}

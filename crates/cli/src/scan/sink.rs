//! Where findings go: standard output, or a file that nobody else can read.

use crate::failure::{BROKEN, Failure};
use kernscope_report::output::private_file;
use std::fs::{File, Metadata};
use std::io::{ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Takes text until a reader has gone or a disk is full.
pub(super) struct Sink {
    file: Option<(File, String)>,
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
    /// Opens the file, if there is to be one.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let open = |path: &Path| private_file(path).map(|file| (file, path.display().to_string()));
        Ok(Self { file: path.map(open).transpose().map_err(Failure::usage)?, broken: None })
    }

    /// The file that is written, by device and inode: it is none that is to be looked at.
    pub(super) fn own(&self) -> Option<(u64, u64)> {
        let found = match &self.file {
            Some((file, _)) => file.metadata(),
            None => std::io::stdout().as_fd().try_clone_to_owned().and_then(|own| File::from(own).metadata()),
        };
        found.ok().filter(Metadata::is_file).map(|found| (found.dev(), found.ino()))
    }

    /// Writes all of it at once, unless something is amiss.
    pub(super) fn write(&mut self, text: &str) {
        if self.broken.is_some() {
            return;
        }
        let written = match &mut self.file {
            Some((file, _)) => file.write_all(text.as_bytes()),
            None => {
                let mut stdout = std::io::stdout().lock();
                stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
            }
        };
        self.broken = written.err().map(|cause| match cause.kind() {
            ErrorKind::BrokenPipe => Broken::Unread,
            _ => {
                let name = self.file.as_ref().map_or("standard output", |(_, name)| name);
                Broken::By(Failure::with_status(BROKEN, format_args!("write {name}: {cause}")))
            }
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

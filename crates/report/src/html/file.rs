//! The file of a page: written beside its place, for its owner alone, and put there when it is whole.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A page that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("write report {}: {cause}", path.display())]
pub struct ReportError {
    path: PathBuf,
    cause: String,
}

impl ReportError {
    pub(super) fn new(path: &Path, cause: &io::Error) -> Self {
        let fix = match cause.kind() {
            io::ErrorKind::NotFound => "; make its directory first",
            io::ErrorKind::PermissionDenied => "; choose a place that you can write to",
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "; free some space, or choose another place"
            }
            _ => "",
        };
        Self { path: path.to_owned(), cause: format!("{cause}{fix}") }
    }

    fn refused(path: &Path, why: &str) -> Self {
        Self { path: path.to_owned(), cause: why.to_owned() }
    }
}

/// A file that takes its place when it is whole, or goes away.
#[derive(Debug)]
pub(super) struct Pending {
    path: PathBuf,
    beside: PathBuf,
    done: bool,
}

impl Pending {
    /// Makes the file beside `path`.
    pub(super) fn create(path: &Path) -> Result<(Self, File), ReportError> {
        let Some(name) = path.file_name() else {
            return Err(ReportError::refused(path, "it is no file; name one"));
        };
        if path.symlink_metadata().is_ok_and(|meta| !meta.is_file()) {
            return Err(ReportError::refused(path, "what is there is no regular file; name another"));
        }
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}", std::process::id()));
        let beside = path.with_file_name(hidden);
        // What an earlier process of this number left there is nobody's.
        let _ = std::fs::remove_file(&beside);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside);
        let file = file.map_err(|cause| ReportError::new(path, &cause))?;
        Ok((Self { path: path.to_owned(), beside, done: false }, file))
    }

    /// Where it will be.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts it in its place.
    pub(super) fn put(mut self) -> io::Result<()> {
        std::fs::rename(&self.beside, &self.path)?;
        self.done = true;
        Ok(())
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.done {
            // It may be gone already, with its directory.
            let _ = std::fs::remove_file(&self.beside);
        }
    }
}

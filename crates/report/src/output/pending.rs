//! A file that is written beside its place, for its owner alone, and put there when it is whole.

use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("write {what} {}: {cause}", path.display())]
pub struct PendingError {
    what: &'static str,
    path: PathBuf,
    cause: String,
}

impl PendingError {
    /// Why the file `what` cannot be at `path`, with what helps.
    pub fn new(what: &'static str, path: &Path, cause: &io::Error) -> Self {
        let fix = match cause.kind() {
            io::ErrorKind::NotFound => "; make its directory first",
            io::ErrorKind::PermissionDenied => "; choose a place that you can write to",
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "; free some space, or choose another place"
            }
            io::ErrorKind::AlreadyExists => "; name another",
            _ => "",
        };
        Self { what, path: path.to_owned(), cause: format!("{cause}{fix}") }
    }

    fn refused(what: &'static str, path: &Path, why: &str) -> Self {
        Self { what, path: path.to_owned(), cause: why.to_owned() }
    }
}

/// A file that takes its place when it is whole, or goes away.
#[derive(Debug)]
pub struct Pending {
    path: PathBuf,
    beside: PathBuf,
    /// What is at its place may be replaced.
    replaces: bool,
    done: bool,
}

impl Pending {
    /// Makes the file beside `path`, mode 0600; it may replace what is there in the end. `what` it is goes into errors.
    ///
    /// # Errors
    /// When no file can be there.
    pub fn create(what: &'static str, path: &Path) -> Result<(Self, File), PendingError> {
        let Some(name) = path.file_name() else {
            return Err(PendingError::refused(what, path, "it is no file; name one"));
        };
        if path.symlink_metadata().is_ok_and(|meta| !meta.is_file()) {
            return Err(PendingError::refused(what, path, "what is there is no regular file; name another"));
        }
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}", std::process::id()));
        let beside = path.with_file_name(hidden);
        // What an earlier process of this number left there is nobody's.
        let _ = std::fs::remove_file(&beside);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside);
        let file = file.map_err(|cause| PendingError::new(what, path, &cause))?;
        Ok((Self { path: path.to_owned(), beside, replaces: true, done: false }, file))
    }

    /// The same where nothing may be there, neither now nor in the end.
    ///
    /// # Errors
    /// When no file can be there, or one is.
    pub fn create_new(what: &'static str, path: &Path) -> Result<(Self, File), PendingError> {
        if path.symlink_metadata().is_ok() {
            return Err(PendingError::new(what, path, &io::ErrorKind::AlreadyExists.into()));
        }
        let (mut pending, file) = Self::create(what, path)?;
        pending.replaces = false;
        Ok((pending, file))
    }

    /// Where it will be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts it in its place.
    ///
    /// # Errors
    /// When something is in the way; the file is gone then.
    pub fn put(mut self) -> io::Result<()> {
        match self.replaces {
            true => std::fs::rename(&self.beside, &self.path)?,
            false => renameat2(AT_FDCWD, &self.beside, AT_FDCWD, &self.path, RenameFlags::RENAME_NOREPLACE)?,
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_may_not_replace_anything_does_not() {
        let dir = std::env::temp_dir().join(format!("kernscope-pending-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join("file");
        let (pending, mut file) = Pending::create_new("list", &path).unwrap();
        file.write_all(b"one").unwrap();
        assert!(!path.exists());
        pending.put().unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let told = Pending::create_new("list", &path).unwrap_err().to_string();
        assert!(told.starts_with("write list ") && told.ends_with("; name another"), "{told}");
        std::fs::remove_file(&path).unwrap();
        let (late, _) = Pending::create_new("list", &path).unwrap();
        std::fs::write(&path, "two").unwrap();
        assert_eq!(late.put().unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        drop(Pending::create("list", &path).unwrap());
        assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 1, "nothing is left beside it");
        std::fs::remove_dir_all(&dir).unwrap();
    }
}

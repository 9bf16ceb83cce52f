//! Opening an output file so that nobody else can read it, and nobody else chose it.

use super::target::Target;
use nix::fcntl::OFlag;
use nix::unistd::Uid;
use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// An output file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("open output file {path}: {cause}")]
pub struct OpenError {
    path: String,
    cause: String,
}

impl OpenError {
    pub(super) fn new(path: &Path, cause: impl Into<String>) -> Self {
        Self { path: path.display().to_string(), cause: cause.into() }
    }
}

/// [`private_file`], and what may be done to it.
pub(super) fn private(path: &Path) -> Result<Target, OpenError> {
    let file = private_file(path)?;
    let is_regular = file.metadata().is_ok_and(|meta| meta.is_file());
    Ok(if is_regular { Target::owned(file) } else { Target::stream(file) })
}

/// Opens `path`, mode 0600, emptied. Symbolic links, other people's files and files with a second name are
/// refused: in a directory that others can write to, they are how a file is made readable or destroyed.
/// Devices and pipes are taken as they are.
///
/// # Errors
/// [`OpenError`] when `path` cannot be opened or is not safe to write to.
pub fn private_file(path: &Path) -> Result<File, OpenError> {
    let fifo = path.symlink_metadata().is_ok_and(|meta| meta.file_type().is_fifo());
    let file = open(path, fifo).map_err(|cause| OpenError::new(path, explain(&cause)))?;
    let meta = file.metadata().map_err(|cause| OpenError::new(path, cause.to_string()))?;
    if !meta.is_file() {
        return Ok(file);
    }
    if meta.uid() != Uid::effective().as_raw() {
        let cause =
            format!("it belongs to uid {}, who could read it; remove it or choose another", meta.uid());
        return Err(OpenError::new(path, cause));
    }
    if meta.nlink() > 1 {
        return Err(OpenError::new(path, "it has a second name (hard link); remove it or choose another"));
    }
    file.set_permissions(Permissions::from_mode(0o600))
        .and_then(|()| file.set_len(0))
        .map_err(|cause| OpenError::new(path, cause.to_string()))?;
    Ok(file)
}

fn open(path: &Path, fifo: bool) -> io::Result<File> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NOCTTY;
    // Reading is for finding the last lines again; a FIFO opened for reading too would never break.
    OpenOptions::new()
        .read(!fifo)
        .append(true)
        .create(!fifo)
        .mode(0o600)
        .custom_flags(flags.bits())
        .open(path)
}

fn explain(cause: &io::Error) -> String {
    if cause.raw_os_error() == Some(nix::Error::ELOOP as i32) {
        return "it is a symbolic link; name the file itself".to_owned();
    }
    let fix = match cause.kind() {
        io::ErrorKind::IsADirectory => "it is a directory; name a file",
        io::ErrorKind::NotFound => "make its directory first",
        io::ErrorKind::PermissionDenied => "choose a place that you can write to",
        _ => return cause.to_string(),
    };
    format!("{cause}; {fix}")
}

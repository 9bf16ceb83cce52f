//! The file of a database: for its owner alone, and chosen by nobody else.

use super::{Cause, DatabaseError};
use rusqlite::OpenFlags;
use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// A link in the file's place is refused: it is how a file is put where others can read it.
pub(super) fn common_flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW
}

/// Makes the file, and its folder if need be; one that is there becomes private. SQLite gives its log the same mode.
pub(super) fn prepare(path: &Path) -> Result<(), DatabaseError> {
    let failed = |cause: io::Error| refused(path, &explain(&cause));
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty() && !dir.exists()) {
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
    }
    must_be_file(path)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let file = options.open(path).map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    if meta.mode() & 0o077 == 0 {
        return Ok(());
    }
    file.set_permissions(Permissions::from_mode(0o600)).map_err(failed)
}

/// Refuses what is not there; `none_yet` says what makes one.
pub(super) fn must_be_there(path: &Path, none_yet: &str) -> Result<(), DatabaseError> {
    if path.symlink_metadata().is_err_and(|cause| cause.kind() == ErrorKind::NotFound) {
        return Err(refused(path, &format!("there is none yet; {none_yet}")));
    }
    must_be_file(path)?;
    match path.metadata() {
        // As one that is about to be made; to read it is no reason to write it.
        Ok(meta) if meta.len() == 0 => Err(refused(path, &format!("it is empty; {none_yet}"))),
        _ => Ok(()),
    }
}

fn must_be_file(path: &Path) -> Result<(), DatabaseError> {
    match path.symlink_metadata() {
        Ok(meta) if meta.is_symlink() => Err(refused(path, "it is a symbolic link; name the file itself")),
        Ok(meta) if !meta.is_file() => Err(refused(path, "it is no file; name one with --db")),
        Ok(_) => Ok(()),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(refused(path, &explain(&cause))),
    }
}

fn refused(path: &Path, why: &str) -> DatabaseError {
    DatabaseError::new("open", path, Cause::File(why.to_owned()))
}

fn explain(cause: &io::Error) -> String {
    let fix = match cause.kind() {
        ErrorKind::PermissionDenied => "choose a place that you can write to with --db",
        ErrorKind::StorageFull => "free some space, or choose another place with --db",
        _ => return cause.to_string(),
    };
    format!("{cause}; {fix}")
}

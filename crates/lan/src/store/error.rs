//! What can be wrong with a database, in one line: act, file, cause, fix.

use rusqlite::ErrorCode;
use std::path::{Path, PathBuf};

/// A database that cannot be used, or was not written.
#[derive(Debug, thiserror::Error)]
#[error("{act} database {}: {cause}", path.display())]
pub struct StoreError {
    act: &'static str,
    path: PathBuf,
    cause: Cause,
}

impl StoreError {
    pub(super) fn new(act: &'static str, path: &Path, cause: Cause) -> Self {
        Self { act, path: path.to_owned(), cause }
    }

    /// Whether a later attempt may succeed: another process is writing, or the disk is full.
    pub fn is_passing(&self) -> bool {
        let Cause::Sql(rusqlite::Error::SqliteFailure(failure, _)) = &self.cause else { return false };
        matches!(
            failure.code,
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
        )
    }
}

/// Why.
#[derive(Debug, thiserror::Error)]
pub(super) enum Cause {
    #[error("{0}")]
    File(String),
    #[error("it is a database of another program; give another file with --db")]
    Foreign,
    #[error(
        "it is of a newer kernscope (schema {version}, this one knows {known}); update kernscope, or give another file with --db"
    )]
    Newer { version: i32, known: i32 },
    #[error("what it holds of {0} is no device record; it was changed by another program")]
    Row(String),
    #[error("{}", explain(.0))]
    Sql(#[from] rusqlite::Error),
}

fn explain(error: &rusqlite::Error) -> String {
    let rusqlite::Error::SqliteFailure(failure, text) = error else { return error.to_string() };
    let told = match failure.code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            "another process keeps it locked; wait for that one, or give another file with --db"
        }
        ErrorCode::DiskFull => "the disk is full; what was written before stays; free some space",
        ErrorCode::SystemIoFailure => {
            "its disk takes or gives nothing: it is full, or broken; what was written before stays"
        }
        ErrorCode::NotADatabase => "it is no database; give another file with --db",
        ErrorCode::DatabaseCorrupt => "it is damaged; give another file with --db",
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => {
            "it, or its folder, cannot be written; give another file with --db"
        }
        ErrorCode::CannotOpen => "it, or its log beside it, cannot be opened; see who owns its folder",
        _ => return text.clone().unwrap_or_else(|| failure.to_string()),
    };
    told.to_owned()
}

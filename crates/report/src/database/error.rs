//! What can be wrong with a database, in one line: act, file, cause, fix.

use rusqlite::ErrorCode;
use std::path::{Path, PathBuf};

/// A database that cannot be used, or was not written.
#[derive(Debug, thiserror::Error)]
#[error("{act} database {}: {cause}", path.display())]
pub struct DatabaseError {
    act: &'static str,
    path: PathBuf,
    cause: Cause,
}

impl DatabaseError {
    /// `act` failed on the database at `path`.
    pub fn new(act: &'static str, path: &Path, cause: Cause) -> Self {
        Self { act, path: path.to_owned(), cause }
    }

    /// Whether a later attempt may succeed: another process is writing, or the disk is full.
    pub fn is_passing(&self) -> bool {
        self.cause.is_passing()
    }
}

impl Cause {
    /// As [`DatabaseError::is_passing`].
    pub fn is_passing(&self) -> bool {
        self.is_busy() || matches!(self.code(), Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure))
    }

    /// Whether another process is writing.
    pub(super) fn is_busy(&self) -> bool {
        matches!(self.code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
    }

    fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Sql(rusqlite::Error::SqliteFailure(failure, _)) => Some(failure.code),
            _ => None,
        }
    }
}

/// Why.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// The file cannot be had, or not safely.
    #[error("{0}")]
    File(String),
    /// Another program's tables.
    #[error("it is a database of another program; give another file with --db")]
    Foreign,
    /// Tables that are not known yet.
    #[error(
        "it is of a newer kernscope (schema {version}, this one knows {known}); update kernscope, or give another file with --db"
    )]
    Newer {
        /// Steps that the file has taken.
        version: i32,
        /// Steps that this kernscope knows.
        known: i32,
    },
    /// A row that nobody of us wrote.
    #[error("what it holds of {0} is no record of ours; it was changed by another program")]
    Row(String),
    /// What SQLite says.
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

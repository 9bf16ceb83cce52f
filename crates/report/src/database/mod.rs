//! SQLite files that remember something between runs: for their owner alone, of one known schema, read and written with care.
//!
//! What is the same for every such file is here: who may read it, how an older one becomes today's ([`Steps`]), and what is said
//! when one cannot be used ([`DatabaseError`]). What stands in a file is its owner's business: `kernscope-lan` keeps devices,
//! `records` what runs told.

mod error;
mod file;
mod steps;

pub use error::{Cause, DatabaseError};
pub use steps::Steps;

use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long another writer is waited for.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// After which it is asked again, where SQLite does not wait by itself.
const AGAIN: Duration = Duration::from_millis(10);

/// Opens a database for writing, or makes it.
///
/// # Errors
/// [`DatabaseError`] when the file is not ours to write, is something else, or of a newer kernscope.
pub fn create(path: &Path, steps: &Steps) -> Result<Connection, DatabaseError> {
    file::prepare(path)?;
    open_there(path, steps)
}

/// Opens a database that is there for writing. `none_yet` says what makes one.
///
/// # Errors
/// As [`create`]; and when there is none.
pub fn open(path: &Path, none_yet: &str, steps: &Steps) -> Result<Connection, DatabaseError> {
    file::must_be_there(path, none_yet)?;
    open_there(path, steps)
}

/// Opens a database that is there for reading alone; one of an older kernscope is brought up to date first.
///
/// # Errors
/// As [`open`].
pub fn read(path: &Path, none_yet: &str, steps: &Steps) -> Result<Connection, DatabaseError> {
    file::must_be_there(path, none_yet)?;
    let told = |cause: Cause| DatabaseError::new("open", path, cause);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | file::common_flags();
    let db = Connection::open_with_flags(path, flags).map_err(|cause| told(cause.into()))?;
    db.busy_timeout(PATIENCE).map_err(|cause| told(cause.into()))?;
    if steps.are_missing(&db).map_err(told)? {
        open_there(path, steps)?;
    }
    Ok(db)
}

fn open_there(path: &Path, steps: &Steps) -> Result<Connection, DatabaseError> {
    let told = |cause: Cause| DatabaseError::new("open", path, cause);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | file::common_flags();
    let mut db = Connection::open_with_flags(path, flags).map_err(|cause| told(cause.into()))?;
    db.busy_timeout(PATIENCE).map_err(|cause| told(cause.into()))?;
    // Of two that make the same file at once SQLite refuses one without waiting, where waiting might be for ever.
    let until = Instant::now() + PATIENCE;
    loop {
        match steps.bring_up_to_date(&mut db) {
            Err(cause) if cause.is_busy() && Instant::now() < until => std::thread::sleep(AGAIN),
            other => return other.map(|()| db).map_err(told),
        }
    }
}

//! Room on the disk that is kept for the end of a session: so that a full disk costs records, and not their account.
//!
//! A file without a name beside the database holds it; whatever happens to the process, nothing is left of it.

use nix::fcntl::{FallocateFlags, OFlag, fallocate};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// An end takes some ten pages, twice: in the log and in the file.
const BYTES: i64 = 256 * 1024;

/// Keeps room on the disk of `path` until the file is dropped; `None` where the file system cannot keep any.
pub(super) fn beside(path: &Path) -> Option<File> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600).custom_flags(OFlag::O_TMPFILE.bits());
    let file = options.open(dir).ok()?;
    fallocate(&file, FallocateFlags::empty(), 0, BYTES).is_ok().then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_kept_and_nothing_is_seen_of_it() {
        let dir = std::env::temp_dir().join(format!("kernscope-reserve-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("make a folder");
        let reserve = beside(&dir.join("records.db")).expect("this file system can");
        assert_eq!(std::fs::read_dir(&dir).expect("list").count(), 0);
        std::fs::remove_dir_all(&dir).expect("remove");
        assert_eq!(i64::try_from(reserve.metadata().expect("metadata").len()), Ok(BYTES));
    }
}

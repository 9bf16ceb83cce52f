//! What has been looked at, and need not be again.
//!
//! A file is known by device, inode, size and times. A change within the same tick of its file system's clock would leave
//! the times as they are, so a file that changed just now is not noted: it is looked at once more when it is used again.

use std::collections::{HashMap, HashSet};
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Device and inode.
pub(super) type Key = (u64, u64);

/// The kernel's own clock ticks every 10 ms at the least often.
const TICK_NS: i128 = 20_000_000;
/// A file system that keeps whole seconds, or pairs of them.
const COARSE_TICK_NS: i128 = 2_100_000_000;
const SECOND_NS: i128 = 1_000_000_000;

/// What changes with the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    bytes: u64,
    modified_ns: i128,
    changed_ns: i128,
}

impl Stamp {
    pub(super) fn of(found: &std::fs::Metadata) -> Self {
        let ns = |seconds: i64, ns: i64| i128::from(seconds) * SECOND_NS + i128::from(ns);
        Self {
            bytes: found.size(),
            modified_ns: ns(found.mtime(), found.mtime_nsec()),
            changed_ns: ns(found.ctime(), found.ctime_nsec()),
        }
    }

    /// Whether a change at `now_ns` or later would show.
    fn is_settled(&self, now_ns: i128) -> bool {
        let is_coarse = self.changed_ns % SECOND_NS == 0;
        self.changed_ns + if is_coarse { COARSE_TICK_NS } else { TICK_NS } < now_ns
    }
}

/// Nanoseconds since 1970, as times of files have them.
pub(super) fn now_ns() -> i128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos().cast_signed())
}

/// Files that have been looked at.
#[derive(Debug)]
pub(super) struct Known {
    most: usize,
    young: HashMap<Key, Stamp>,
    old: HashMap<Key, Stamp>,
}

impl Known {
    /// Remembers at most twice `most` files: those that were used longest ago are forgotten, and looked at again.
    pub(super) fn new(most: usize) -> Self {
        Self { most, young: HashMap::new(), old: HashMap::new() }
    }

    /// Whether this file has been looked at since it changed.
    pub(super) fn has(&mut self, key: Key, stamp: Stamp) -> bool {
        if let Some(known) = self.young.get(&key) {
            return *known == stamp;
        }
        let Some(known) = self.old.remove(&key) else { return false };
        self.insert(key, known);
        known == stamp
    }

    /// Notes that it will be looked at after `now_ns`.
    pub(super) fn note(&mut self, key: Key, stamp: Stamp, now_ns: i128) {
        if stamp.is_settled(now_ns) {
            self.insert(key, stamp);
        } else {
            self.young.remove(&key);
        }
    }

    fn insert(&mut self, key: Key, stamp: Stamp) {
        if self.young.len() >= self.most {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, stamp);
    }
}

/// Files that wait for a thread: whatever happens to them meanwhile, that thread will see.
#[derive(Debug, Default)]
pub(super) struct Pending(Mutex<HashSet<Key>>);

impl Pending {
    /// Whether the file is new here.
    pub(super) fn add(&self, key: Key) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key)
    }

    /// A thread begins with it.
    pub(super) fn done(&self, key: Key) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_NS: i128 = 1_700_000_000 * SECOND_NS;

    fn stamp(changed_ns: i128) -> Stamp {
        Stamp { bytes: 1, modified_ns: changed_ns, changed_ns }
    }

    #[test]
    fn what_changed_is_not_known() {
        let (mut known, old) = (Known::new(100), stamp(NOW_NS - SECOND_NS - 1));
        assert!(!known.has((1, 2), old));
        known.note((1, 2), old, NOW_NS);
        assert!(known.has((1, 2), old) && !known.has((1, 3), old) && !known.has((2, 2), old));
        for other in
            [Stamp { bytes: 2, ..old }, Stamp { modified_ns: 5, ..old }, Stamp { changed_ns: NOW_NS, ..old }]
        {
            assert!(!known.has((1, 2), other), "{other:?}");
        }
    }

    #[test]
    fn what_changed_just_now_is_not_known_yet() {
        let mut known = Known::new(100);
        let young = [NOW_NS - 1, NOW_NS - TICK_NS, NOW_NS + SECOND_NS, NOW_NS - 2 * SECOND_NS];
        for stamp in young.map(stamp) {
            known.note((1, 2), stamp, NOW_NS);
            assert!(!known.has((1, 2), stamp), "{stamp:?}");
        }
        for stamp in [NOW_NS - TICK_NS - 1, NOW_NS - 3 * SECOND_NS].map(stamp) {
            known.note((1, 2), stamp, NOW_NS);
            assert!(known.has((1, 2), stamp), "{stamp:?}");
        }
    }

    #[test]
    fn memory_is_bounded_and_what_is_used_stays() {
        let (mut known, old) = (Known::new(100), stamp(1));
        for file in 0..1_000 {
            known.note((0, file), old, NOW_NS);
            assert!(known.has((0, 0), old), "{file}");
        }
        assert!(known.young.len() + known.old.len() <= 200);
        assert!(!known.has((0, 1), old), "forgotten");
    }

    #[test]
    fn a_file_waits_once() {
        let pending = Pending::default();
        assert!(pending.add((1, 1)) && !pending.add((1, 1)) && pending.add((1, 2)));
        pending.done((1, 1));
        assert!(pending.add((1, 1)));
    }
}

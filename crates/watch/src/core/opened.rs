//! Which open files a process has opened itself.

use std::collections::VecDeque;

/// Most files open at once that are told apart. Beyond, the process counts as having opened every file, so that
/// a close may be told that would have been set aside, never the other way round.
const MAX_OPEN: usize = 1024;

/// Files whose first descriptor is closed but which may live on in a duplicate: the latest so many.
const MAX_CLOSED: usize = 64;

/// Ids of open files, bounded.
#[derive(Debug, Default)]
pub(super) struct Opened {
    /// Sorted by id, with the descriptor that the open returned.
    open: Vec<(u64, i32)>,
    closed: VecDeque<u64>,
    overflown: bool,
}

impl Opened {
    /// The process opened `id` as descriptor `fd`.
    pub(super) fn note(&mut self, id: u64, fd: i32) {
        if self.overflown {
            return;
        }
        match self.open.binary_search_by_key(&id, |&(id, _)| id) {
            Ok(at) => self.open[at].1 = fd,
            Err(_) if self.open.len() >= MAX_OPEN => *self = Self { overflown: true, ..Self::default() },
            Err(at) => self.open.insert(at, (id, fd)),
        }
    }

    /// The descriptor `fd` of `id` went away.
    pub(super) fn closed(&mut self, id: u64, fd: i32) {
        let Ok(at) = self.open.binary_search_by_key(&id, |&(id, _)| id) else { return };
        if self.open[at].1 != fd {
            return;
        }
        self.open.remove(at);
        if self.closed.contains(&id) {
            return;
        }
        if self.closed.len() >= MAX_CLOSED {
            self.closed.pop_front();
        }
        self.closed.push_back(id);
    }

    /// Whether the process opened `id` itself.
    pub(super) fn contains(&self, id: u64) -> bool {
        self.overflown
            || self.open.binary_search_by_key(&id, |&(id, _)| id).is_ok()
            || self.closed.contains(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_lives_on_in_its_duplicate() {
        let mut opened = Opened::default();
        opened.note(7, 3);
        opened.closed(7, 3);
        assert!(opened.contains(7));
        assert!(!opened.contains(8));
    }

    #[test]
    fn closing_a_duplicate_first_changes_nothing() {
        let mut opened = Opened::default();
        opened.note(7, 3);
        opened.closed(7, 4);
        assert_eq!(opened.open.len(), 1);
    }

    #[test]
    fn beyond_the_limit_every_file_counts_as_opened() {
        let mut opened = Opened::default();
        for id in 0..=MAX_OPEN as u64 {
            opened.note(id, 3);
        }
        assert!(opened.contains(u64::MAX));
        assert!(opened.open.capacity() == 0, "gives its memory back");
    }

    #[test]
    fn open_and_close_in_a_loop_stays_small() {
        let mut opened = Opened::default();
        for id in 0..100_000 {
            opened.note(id, 3);
            opened.closed(id, 3);
        }
        assert!(!opened.overflown && opened.closed.len() <= MAX_CLOSED && opened.open.is_empty());
    }
}

//! Paths of open files, for closes that leave them out.
//!
//! A back end may leave the path out of a close event when it is the one that the file's open told
//! (`abi::layout::Told`).

use std::collections::{HashMap, VecDeque};

/// Most files remembered; the oldest goes. The eBPF programs keep at most `abi::layout::TOLD_MAX` notes, in slots that
/// newer opens overwrite, so that one this old is still relied on about once in ten million times.
const MAX_TOLD: usize = 16 * kernscope_abi::layout::TOLD_MAX as usize;

/// A dentry walk as an event had it.
#[derive(Debug)]
pub(super) struct Walk {
    pub(super) walk: Box<[u8]>,
    pub(super) flags: u8,
}

/// Walks by the id of the open file.
#[derive(Debug, Default)]
pub(super) struct Told {
    walks: HashMap<u64, (Walk, u64)>,
    /// Ids with the serial of their note, oldest first; those taken since are skipped.
    order: VecDeque<(u64, u64)>,
    serial: u64,
}

impl Told {
    /// The open of `id` told this path.
    pub(super) fn note(&mut self, id: u64, walk: &[u8], flags: u8) {
        self.serial += 1;
        self.walks.insert(id, (Walk { walk: walk.into(), flags }, self.serial));
        self.order.push_back((id, self.serial));
        if self.order.len() > 2 * MAX_TOLD {
            let walks = &self.walks;
            self.order.retain(|(id, serial)| walks.get(id).is_some_and(|(_, noted)| noted == serial));
        }
        while self.walks.len() > MAX_TOLD {
            let Some((oldest, serial)) = self.order.pop_front() else { break };
            if self.walks.get(&oldest).is_some_and(|&(_, noted)| noted == serial) {
                self.walks.remove(&oldest);
            }
        }
    }

    /// What was told of `id`, forgotten with this.
    pub(super) fn take(&mut self, id: u64) -> Option<Walk> {
        let (walk, _) = self.walks.remove(&id)?;
        if self.walks.is_empty() {
            self.order.clear();
        }
        Some(walk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_once() {
        let mut told = Told::default();
        told.note(7, b"a\0", 2);
        let walk = told.take(7).unwrap();
        assert_eq!((&*walk.walk, walk.flags), (&b"a\0"[..], 2));
        assert!(told.take(7).is_none());
    }

    #[test]
    fn the_oldest_goes_and_memory_stays_bounded() {
        let mut told = Told::default();
        for id in 0..=MAX_TOLD as u64 {
            told.note(id, b"", 0);
        }
        assert!(told.take(0).is_none());
        assert!(told.take(1).is_some());
        for _ in 0..3 * MAX_TOLD {
            told.note(1, b"", 0);
            told.take(1);
        }
        assert!(told.order.len() <= 2 * MAX_TOLD);
        assert!(told.take(MAX_TOLD as u64).is_some());
    }
}

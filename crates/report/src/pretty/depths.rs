//! How deep in the watched tree each living process is.

use crate::{Body, Entry};
use std::collections::HashMap;

/// Processes whose depth is known; those beyond are shown by their parent's depth or at the margin.
const CAPACITY: usize = 65_536;

/// Follows forks and exits. Depth 0 is what was watched first; ancestors listed for lineage do not indent.
#[derive(Debug, Default)]
pub(super) struct Depths(HashMap<u32, u16>);

impl Depths {
    /// Learns from an entry; the depth of the process it is about.
    pub(super) fn follow(&mut self, entry: &Entry) -> u16 {
        let Some(proc) = &entry.proc else { return 0 };
        let depth = match self.0.get(&proc.pid) {
            Some(&depth) => depth,
            None => self.below(proc.ppid),
        };
        match &entry.body {
            Body::ProcessFork { child_pid, child_ppid, .. } => {
                self.learn(proc.pid, depth);
                let depth = child_ppid.map_or(depth.saturating_add(1), |ppid| self.below(ppid));
                self.learn(*child_pid, depth);
            }
            Body::ProcessExit { .. } => {
                self.0.remove(&proc.pid);
            }
            Body::ProcessSnapshot { watched: false, .. } => {}
            _ => self.learn(proc.pid, depth),
        }
        depth
    }

    fn below(&self, ppid: u32) -> u16 {
        self.0.get(&ppid).map_or(0, |depth| depth.saturating_add(1))
    }

    fn learn(&mut self, pid: u32, depth: u16) {
        if self.0.len() < CAPACITY || self.0.contains_key(&pid) {
            self.0.insert(pid, depth);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn act(depths: &mut Depths, pid: u32, ppid: u32, body: Body) -> u16 {
        let mut entry = samples::entries().remove(0);
        if let Some(proc) = &mut entry.proc {
            (proc.pid, proc.ppid) = (pid, ppid);
        }
        entry.body = body;
        depths.follow(&entry)
    }

    fn fork(child_pid: u32, child_ppid: Option<u32>) -> Body {
        Body::ProcessFork { child_pid, child_start_ns: 0, child_ppid }
    }

    fn exit() -> Body {
        Body::ProcessExit { code: Some(0), signal: None, core_dumped: false, duration_ns: None }
    }

    #[test]
    fn depth_follows_forks_and_survives_the_parent() {
        let mut depths = Depths::default();
        assert_eq!(act(&mut depths, 10, 1, fork(11, None)), 0);
        assert_eq!(act(&mut depths, 11, 10, fork(12, None)), 1);
        assert_eq!(act(&mut depths, 11, 10, exit()), 1);
        assert_eq!(act(&mut depths, 12, 11, fork(13, Some(10))), 2);
        assert_eq!(act(&mut depths, 13, 10, exit()), 1);
        // The pid comes back somewhere else.
        assert_eq!(act(&mut depths, 11, 1, exit()), 0);
    }

    #[test]
    fn the_table_is_bounded() {
        let mut depths = Depths::default();
        for pid in 0..2 * CAPACITY as u32 {
            act(&mut depths, 1, 0, fork(pid + 2, None));
        }
        assert!(depths.0.len() <= CAPACITY);
    }
}

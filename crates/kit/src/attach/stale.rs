//! Filters of ours that nobody holds any more: owner and guardian were both killed.
//!
//! A filter's name says who put it there. Whoever comes next to the same interface takes away those whose owner has ended;
//! an owner in another PID namespace cannot be asked after, and its filter stays.

use crate::procfs::Stat;
use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;

/// What the names of our filters begin with.
const PREFIX: &str = "kernscope:";

/// Who put a filter there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    /// The PID namespace, by inode.
    namespace: u64,
    pid: u32,
    /// When it started, in clock ticks since boot: numbers of processes are used again.
    start_ticks: u64,
    /// Whether it has made the queueing discipline as well.
    pub(super) made_qdisc: bool,
}

impl Owner {
    /// This process.
    pub(super) fn here(made_qdisc: bool) -> Owner {
        let pid = std::process::id();
        Owner { namespace: namespace(), pid, start_ticks: start_ticks(pid).unwrap_or(0), made_qdisc }
    }

    /// The owner that a filter's name tells, if it is one of ours.
    pub(super) fn of_filter(name: &[u8]) -> Option<Owner> {
        let name = std::str::from_utf8(name).ok()?.trim_end_matches('\0').strip_prefix(PREFIX)?;
        let mut parts = name.rsplitn(5, ':');
        let made_qdisc = parts.next()? == "own";
        let start_ticks = parts.next()?.parse().ok()?;
        let pid = parts.next()?.parse().ok()?;
        let namespace = parts.next()?.parse().ok()?;
        parts.next()?;
        Some(Owner { namespace, pid, start_ticks, made_qdisc })
    }

    /// Whether it has ended for sure.
    pub(super) fn is_gone(self) -> bool {
        self.namespace == namespace()
            && self.start_ticks != 0
            && start_ticks(self.pid) != Some(self.start_ticks)
    }

    /// The name of its filter, for a program of this name; ends with NUL.
    pub(super) fn filter_name(self, program: &str) -> Vec<u8> {
        format!("{PREFIX}{program}:{self}\0").into_bytes()
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Owner { namespace, pid, start_ticks, made_qdisc } = self;
        write!(f, "{namespace}:{pid}:{start_ticks}:{}", if *made_qdisc { "own" } else { "there" })
    }
}

fn namespace() -> u64 {
    fs::metadata("/proc/self/ns/pid").map_or(0, |meta| meta.ino())
}

/// When a process started; `None` when there is none, or only what is left of one.
fn start_ticks(pid: u32) -> Option<u64> {
    Stat::of(pid).filter(|stat| !stat.has_ended()).map(|stat| stat.start_ticks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_owner_and_an_owner_whether_it_is_there() {
        let here = Owner::here(true);
        assert!(here.start_ticks > 0 && here.namespace > 0);
        let name = here.filter_name("a:b");
        assert_eq!(Owner::of_filter(&name), Some(here));
        assert!(!here.is_gone());
        assert!(
            Owner { start_ticks: here.start_ticks + 1, ..here }.is_gone(),
            "another process of that number"
        );
        assert!(!Owner { start_ticks: 1, namespace: 7, ..here }.is_gone(), "nobody can know");
        for name in [&b"kernscope:x\0"[..], b"other:a:1:2:3:own\0", b"kernscope:a:1:b:3:own\0", b"\xff"] {
            assert_eq!(Owner::of_filter(name), None, "{}", name.escape_ascii());
        }
    }
}

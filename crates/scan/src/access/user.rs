//! Who used a file, as far as it can still be asked: a program that has ended by then is known by its number alone.
//!
//! Source: `proc(5)`, `/proc/pid/stat` and `/proc/pid/status`.

use nix::unistd::{SysconfVar, sysconf};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// A process that used a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Process id.
    pub pid: u32,
    /// Process id of its parent, now.
    pub ppid: u32,
    /// Real user id.
    pub uid: u32,
    /// The name of its first thread, at most 15 bytes.
    pub comm: Vec<u8>,
    /// Path of its program; `None` where it has none that may be known.
    pub exe: Option<OsString>,
    /// Its start in nanoseconds since boot, as exact as a tick of 10 ms.
    pub start_ns: u64,
}

impl User {
    /// Asks; `None` where it has ended.
    pub(super) fn find(pid: i32) -> Option<Self> {
        let read = |name: &str| std::fs::read(format!("/proc/{pid}/{name}")).ok();
        let (stat, status) = (read("stat")?, read("status")?);
        let exe = std::fs::read_link(format!("/proc/{pid}/exe")).ok().map(OsString::from);
        let exe = exe.filter(|exe| !exe.is_empty());
        let per_second = sysconf(SysconfVar::CLK_TCK).ok().flatten().unwrap_or(100).max(1).cast_unsigned();
        let mut user = Self::parse(pid.try_into().ok()?, &stat, &status)?;
        user.start_ns = user.start_ns.saturating_mul(1_000_000_000 / per_second);
        Some(Self { exe, ..user })
    }

    /// With the start in ticks.
    fn parse(pid: u32, stat: &[u8], status: &[u8]) -> Option<Self> {
        // A name may hold spaces and brackets: it ends with the last one.
        let open = stat.iter().position(|byte| *byte == b'(')?;
        let close = stat.iter().rposition(|byte| *byte == b')')?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let behind = text(stat.get(close + 1..)?);
        let mut fields = behind.split_ascii_whitespace();
        let ppid = fields.nth(1)?.parse().ok()?;
        let start_ns = fields.nth(17)?.parse().ok()?;
        let status = text(status);
        let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
        let uid = uids.split_ascii_whitespace().next()?.parse().ok()?;
        let comm = stat.get(open + 1..close)?.to_vec();
        Some(Self { pid, ppid, uid, comm, exe: None, start_ns })
    }

    /// As people know it.
    pub fn shown(&self) -> String {
        let exe = self.exe.clone().map_or_else(|| self.comm.clone(), OsString::into_vec);
        format!("{} {}", self.pid, String::from_utf8_lossy(&exe))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_look_like_anything() {
        let stat = b"12 (a) R 7 (b)) S 3 12 12 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1 2\n";
        let user = User::parse(12, stat, b"Name:\tx\nUid:\t33\t0\t0\t0\n").expect("a process");
        assert_eq!((user.ppid, user.uid, user.start_ns), (3, 33, 98_765));
        assert_eq!(user.comm, b"a) R 7 (b)");
        assert_eq!(user.shown(), "12 a) R 7 (b)");
        for stat in [&b""[..], b"12", b"12 (a", b") 12 (", b"12 (a) S", b"12 (a) S x"] {
            assert_eq!(User::parse(12, stat, b"Uid:\t0"), None, "{}", stat.escape_ascii());
        }
    }

    #[test]
    fn this_process_is_known_and_one_that_is_not_there_is_not() {
        let own = User::find(nix::unistd::getpid().as_raw()).expect("it runs");
        assert_eq!(
            (own.ppid, own.uid),
            (nix::unistd::getppid().as_raw().cast_unsigned(), nix::unistd::getuid().as_raw())
        );
        assert_eq!(own.exe, std::env::current_exe().ok().map(OsString::from));
        assert!(own.start_ns > 0);
        assert_eq!(User::find(0), None);
    }
}

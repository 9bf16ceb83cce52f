//! Bodies of events about processes: created, executed, ended, found.

use crate::pod::plain;

/// Body of [`crate::KIND_FORK`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fork {
    /// The new task's process id; equal to the header's `pid` for a new thread.
    pub child_pid: u32,
    /// The new task's thread id.
    pub child_tid: u32,
    /// The new process's parent; differs from the header's `pid` under `CLONE_PARENT`.
    pub child_ppid: u32,
    /// Unused, zero.
    pub pad: u32,
    /// The new process's start, `CLOCK_BOOTTIME` nanoseconds.
    pub child_start_ns: u64,
}

/// Body of [`crate::KIND_EXEC`]. Sections: `PATH` (the binary), `CWD`, `FILENAME`, `INTERP` for scripts.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exec {
    /// Inode of the binary.
    pub ino: u64,
    /// Kernel device number of the binary's file system (`MKDEV`: major << 20 | minor).
    pub dev: u32,
    /// Arguments that the kernel counted.
    pub argc: u32,
    /// Bytes of the argument strings, NULs included.
    pub arg_bytes: u32,
    /// Bytes of the environment strings, NULs included.
    pub env_bytes: u32,
    /// Thread id before the exec; differs from `tid` when a thread that was not the leader called exec.
    pub old_tid: u32,
    /// 1 more than the place in map `VERDICTS` where the host says what becomes of a candidate; 0 for a process that is watched.
    pub candidate: u32,
}

/// [`Strings::what`]: arguments.
pub const STRINGS_ARGV: u32 = 0;
/// [`Strings::what`]: environment.
pub const STRINGS_ENV: u32 = 1;

/// Body of [`crate::KIND_STRINGS`]. Section: `STRINGS`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Strings {
    /// `STRINGS_*`.
    pub what: u32,
    /// Where in the whole block this chunk starts, bytes.
    pub offset: u32,
}

/// Body of [`crate::KIND_EXEC_FAIL`]. Sections: `RAW`, `BASE`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExecFail {
    /// Negative errno.
    pub ret: i32,
    /// `dirfd` of execveat, or `AT_FDCWD`.
    pub dirfd: i32,
}

/// Body of [`crate::KIND_EXIT`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exit {
    /// As `wait` gives it: low seven bits the signal, bit 7 core dumped, next eight the exit code.
    pub status: u32,
    /// Descriptors beyond [`crate::MAX_FDS`] that were open and not examined: 0 or 1 (at least one).
    pub fds_unseen: u32,
}

/// Body of [`crate::KIND_SNAPSHOT`]: a process found in `/proc`. Sections: `RESOLVED` (exe), `STRINGS` (argv), `CWD`
/// is not used; `RESOLVED2` is the working directory.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Kernel device number of the binary, or 0.
    pub dev: u32,
    /// 1 when the process is inside the watched set, 0 when it is only an ancestor.
    pub watched: u32,
    /// Inode of the binary, or 0.
    pub ino: u64,
}

plain! {
    Fork = 24 { child_pid @ 0, child_tid @ 4, child_ppid @ 8, pad @ 12, child_start_ns @ 16 }
    Exec = 32 { ino @ 0, dev @ 8, argc @ 12, arg_bytes @ 16, env_bytes @ 20, old_tid @ 24, candidate @ 28 }
    Strings = 8 { what @ 0, offset @ 4 }
    ExecFail = 8 { ret @ 0, dirfd @ 4 }
    Exit = 8 { status @ 0, fds_unseen @ 4 }
    Snapshot = 16 { dev @ 0, watched @ 4, ino @ 8 }
}

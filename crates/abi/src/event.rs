//! What every raw event has: a header, and sections behind its body.

use crate::COMM_LEN;
use crate::pod::plain;

/// A process or thread was created ([`crate::Fork`]).
pub const KIND_FORK: u16 = 1;
/// A process replaced its image ([`crate::Exec`]).
pub const KIND_EXEC: u16 = 2;
/// Part of the argument vector or environment of the exec that follows in the same thread ([`crate::Strings`]).
pub const KIND_STRINGS: u16 = 3;
/// An exec that failed ([`crate::ExecFail`]).
pub const KIND_EXEC_FAIL: u16 = 4;
/// The last thread of a process ended ([`crate::Exit`]).
pub const KIND_EXIT: u16 = 5;
/// An open, successful or not ([`crate::Open`]).
pub const KIND_OPEN: u16 = 6;
/// A descriptor went away; counters since the last such event ([`crate::Close`]).
pub const KIND_CLOSE: u16 = 7;
/// A system call that names a path: unlink, rename, chmod, ... ([`crate::PathOp`]).
pub const KIND_PATH_OP: u16 = 8;
/// Exact paths for the path call in progress in this thread ([`crate::PathHint`]).
pub const KIND_PATH_HINT: u16 = 9;
/// A file was mapped ([`crate::Mmap`]).
pub const KIND_MMAP: u16 = 10;
/// A socket call ([`crate::Net`]).
pub const KIND_NET: u16 = 11;
/// An `io_uring` request was submitted ([`crate::UringSubmit`]).
pub const KIND_URING_SUBMIT: u16 = 12;
/// A process that existed before the run ([`crate::Snapshot`]; made by the host).
pub const KIND_SNAPSHOT: u16 = 13;
/// Data that a process read, wrote, sent or received, and that a rule may match ([`crate::Content`]).
pub const KIND_CONTENT: u16 = 14;
/// Plain text that a process gave to or got from a TLS library, the end of a connection, or that TLS is spoken ([`crate::Tls`]).
pub const KIND_TLS: u16 = 15;
/// A file with the code of a TLS library, found by the host ([`crate::TlsTarget`]).
pub const KIND_TLS_TARGET: u16 = 16;
/// Bytes to or from a name server ([`crate::Dns`]).
pub const KIND_DNS: u16 = 17;
/// Something was not let happen ([`crate::Deny`]).
pub const KIND_DENY: u16 = 18;
/// Bytes through standard input, output or error ([`crate::Content`]).
pub const KIND_STDIO: u16 = 19;
/// One past the highest kind.
pub const KIND_MAX: usize = 20;

/// The event came from an `io_uring` request, not from a system call.
pub const FLAG_URING: u16 = 1;
/// The event came from a 32-bit system call on a 64-bit kernel.
pub const FLAG_COMPAT: u16 = 2;
/// The event was made by the host from `/proc`, not seen happening.
pub const FLAG_SYNTHETIC: u16 = 4;

/// What every raw event starts with.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Whole event in bytes: header, body and sections.
    pub size: u32,
    /// One of the `KIND_*` numbers.
    pub kind: u16,
    /// `FLAG_*` bits.
    pub flags: u16,
    /// `CLOCK_MONOTONIC` nanoseconds.
    pub ts_ns: u64,
    /// Start of the process (thread-group leader), `CLOCK_BOOTTIME` nanoseconds.
    pub start_ns: u64,
    /// Process id (the kernel's tgid), in the initial pid namespace.
    pub pid: u32,
    /// Thread id, in the initial pid namespace.
    pub tid: u32,
    /// Parent's process id when this process was created or last seen executing.
    pub ppid: u32,
    /// Real user id, in the initial user namespace.
    pub uid: u32,
    /// The thread's name, NUL-padded.
    pub comm: [u8; COMM_LEN],
}

/// Starts each section of an event's tail; `len` bytes follow, unpadded.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// One of the `SEC_*` numbers.
    pub tag: u8,
    /// `SECF_*` bits.
    pub flags: u8,
    /// Bytes that follow; 65,536 more with [`SECF_LONG`].
    pub len: u16,
}

/// Dentry walk of the object: names from leaf to root, each followed by NUL.
pub const SEC_PATH: u8 = 1;
/// The string the program passed.
pub const SEC_RAW: u8 = 2;
/// Dentry walk of the directory that [`SEC_RAW`] is relative to (`dirfd` or the working directory).
pub const SEC_BASE: u8 = 3;
/// As [`SEC_PATH`], for the second object of a rename or link.
pub const SEC_PATH2: u8 = 4;
/// As [`SEC_RAW`], for the second string of a rename, link or symlink.
pub const SEC_RAW2: u8 = 5;
/// As [`SEC_BASE`], for [`SEC_RAW2`].
pub const SEC_BASE2: u8 = 6;
/// A chunk of NUL-separated strings ([`KIND_STRINGS`], [`KIND_SNAPSHOT`]).
pub const SEC_STRINGS: u8 = 7;
/// Dentry walk of the working directory.
pub const SEC_CWD: u8 = 8;
/// The file name passed to exec (for a script: the script).
pub const SEC_FILENAME: u8 = 9;
/// The interpreter of a script.
pub const SEC_INTERP: u8 = 10;
/// Bytes of `sun_path` of the local end.
pub const SEC_UNIX_LOCAL: u8 = 11;
/// Bytes of `sun_path` of the remote end.
pub const SEC_UNIX_REMOTE: u8 = 12;
/// The absolute path that the host worked out for [`SEC_BASE`] and [`SEC_RAW`]; a plain path, no walk.
pub const SEC_RESOLVED: u8 = 13;
/// The same for [`SEC_BASE2`] and [`SEC_RAW2`].
pub const SEC_RESOLVED2: u8 = 14;
/// SHA-256 of the executed file, 32 bytes (made by the host).
pub const SEC_SHA256: u8 = 15;
/// Dentry walk of the process's root directory; only present when it is not the namespace's root.
pub const SEC_ROOT: u8 = 16;
/// Bytes that a call moved, as they are.
pub const SEC_DATA: u8 = 17;
/// What the policy said of [`SEC_PATH`] at that moment: a `u32`, accept bits and [`crate::paths::UNDECIDED`], [`crate::paths::JUDGED`]. Not
/// there without a policy.
pub const SEC_JUDGED: u8 = 18;

/// The bytes are not all there: the object was longer than the event has room for.
pub const SECF_TRUNCATED: u8 = 1;
/// The file has no name any more (unlinked), or never had one.
pub const SECF_DELETED: u8 = 2;
/// The bytes could not be read.
pub const SECF_UNRESOLVED: u8 = 4;
/// The walk did not end at a mounted root: memfd, pipe, socket, detached mount.
pub const SECF_DISCONNECTED: u8 = 8;
/// Made by joining strings: symbolic links in it may not have been followed.
pub const SECF_JOINED: u8 = 16;
/// 65,536 bytes more follow than [`Section::len`] says.
pub const SECF_LONG: u8 = 32;

plain! {
    Header = 56 { size @ 0, kind @ 4, flags @ 6, ts_ns @ 8, start_ns @ 16, pid @ 24, tid @ 28, ppid @ 32, uid @ 36, comm @ 40 }
    Section = 4 { tag @ 0, flags @ 1, len @ 2 }
}

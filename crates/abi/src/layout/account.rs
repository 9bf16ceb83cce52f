//! The kernel side's account: what hooks produced, what was lost and why.

use crate::pod::plain;

/// `LOST_*`: the ring was full.
pub const LOST_RING_FULL: usize = 0;
/// The table of watched processes was full: a child is not watched.
pub const LOST_WATCHED_FULL: usize = 1;
/// The table of byte counters was full: bytes of one call were told in an event of their own, or not at all.
pub const LOST_IO_FULL: usize = 2;
/// An event outgrew its buffer.
pub const LOST_TOO_LONG: usize = 3;
/// Data of a call could not be read, came in a shape that is not followed, or was too much: it was not judged.
pub const LOST_CONTENT: usize = 4;
/// Plain text that could not be read in the process's memory.
pub const LOST_TLS_UNREAD: usize = 5;
/// The rest of a call that moved more plain text than is told.
pub const LOST_TLS_LONG: usize = 6;
/// One past the last cause.
pub const LOST_MAX: usize = 7;
/// Names of the causes, as the ledger has them.
pub const LOST_NAMES: [&str; LOST_MAX] =
    ["ring_full", "watched_full", "io_full", "too_long", "content_unread", "tls_unread", "tls_long"];

/// Kernel-side account, one a CPU; map `ACCOUNT`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Events that hooks set out to deliver, by kind.
    pub produced: [u64; crate::KIND_MAX],
    /// Events that did not get into the ring, by cause.
    pub lost: [u64; LOST_MAX],
    /// Times each hook ran for a watched process, by `HOOK_*`.
    pub fired: [u64; HOOK_MAX],
    /// Events put into the ring, or tried to.
    pub sent: u64,
    /// Pieces of data that were judged.
    pub judged: u64,
    /// Bytes of them.
    pub judged_bytes: u64,
    /// Calls whose data no program was asked about, by `UNJUDGED_*`.
    pub unjudged: [u64; UNJUDGED_MAX],
}

/// `UNJUDGED_*`: data went from file to file inside the kernel (sendfile, splice, tee, copy_file_range), too much for the host to read
/// again, or not out of a regular file.
pub const UNJUDGED_COPIED: usize = 0;
/// A file was mapped, other than as code or by the dynamic linker.
pub const UNJUDGED_MAPPED: usize = 1;
/// Data was moved by a request of `io_uring`.
pub const UNJUDGED_URING: usize = 2;
/// One past the last.
pub const UNJUDGED_MAX: usize = 3;
/// What these calls are, for the coverage statement.
pub const UNJUDGED_NAMES: [&str; UNJUDGED_MAX] = [
    "copies inside the kernel (sendfile, splice, tee, copy_file_range)",
    "mapped files",
    "io_uring requests",
];

/// `sched_process_fork`.
pub const HOOK_FORK: usize = 0;
/// `sched_process_exec`.
pub const HOOK_EXEC: usize = 1;
/// `sched_process_exit`.
pub const HOOK_EXIT: usize = 2;
/// `sys_enter`.
pub const HOOK_SYS_ENTER: usize = 3;
/// `sys_exit`.
pub const HOOK_SYS_EXIT: usize = 4;
/// `io_uring_submit_req`.
pub const HOOK_URING_SUBMIT: usize = 5;
/// `io_uring_complete`.
pub const HOOK_URING_COMPLETE: usize = 6;
/// `security_path_*`.
pub const HOOK_SECURITY_PATH: usize = 7;
/// Functions of TLS libraries.
pub const HOOK_TLS: usize = 8;
/// LSM hooks.
pub const HOOK_LSM: usize = 9;
/// Connections and datagrams of a cgroup.
pub const HOOK_HOSTS: usize = 10;
/// One past the last hook.
pub const HOOK_MAX: usize = 11;

plain! {
    Counters = 352 { produced @ 0, lost @ 160, fired @ 216, sent @ 304, judged @ 312, judged_bytes @ 320, unjudged @ 328 }
}

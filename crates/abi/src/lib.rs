//! Bytes that cross the kernel line.
//!
//! Every struct here is written by an eBPF program (`kernel/watch`) or read by one, and read or written by
//! the host. Nothing else lives here: no logic, no dependencies, no allocation.
//!
//! A raw event is a [`Header`], a body that depends on [`Header::kind`], and a tail of *sections*: a
//! [`Section`] header followed by its bytes, one after the other until [`Header::size`]. Sections carry what
//! varies in length: resolved paths, the strings a program passed, argument vectors.
//!
//! All integers are in native byte order; both sides run on the same machine. A recorded stream names its
//! byte order in its own header.
#![no_std]
#![deny(missing_docs)]

pub mod hosts;
pub mod layout;
pub mod paths;
pub mod pod;

use core::mem::{offset_of, size_of};

/// Version of the layouts in this crate. Goes up when a struct or a number changes meaning.
pub const ABI_VERSION: u32 = 1;

/// Longest path, in bytes, that an event carries (the kernel's `PATH_MAX`).
pub const MAX_PATH: usize = 4096;
/// Most path components that one walk follows, mount crossings included.
pub const MAX_COMPONENTS: usize = 256;
/// Bytes of argument or environment strings in one [`KIND_STRINGS`] event.
pub const MAX_CHUNK: usize = 4096;
/// Most [`KIND_STRINGS`] events of each sort that precede one exec (256 KiB).
pub const MAX_CHUNKS: u32 = 64;
/// Largest raw event in bytes: one with the data of a call.
pub const MAX_EVENT: usize = 66 * 1024;
/// Length of a task's `comm`.
pub const COMM_LEN: usize = 16;
/// Descriptors examined when a process exits or executes; beyond these the tail is counted as lost.
pub const MAX_FDS: usize = 65536;

/// A process or thread was created ([`Fork`]).
pub const KIND_FORK: u16 = 1;
/// A process replaced its image ([`Exec`]).
pub const KIND_EXEC: u16 = 2;
/// Part of the argument vector or environment of the exec that follows in the same thread ([`Strings`]).
pub const KIND_STRINGS: u16 = 3;
/// An exec that failed ([`ExecFail`]).
pub const KIND_EXEC_FAIL: u16 = 4;
/// The last thread of a process ended ([`Exit`]).
pub const KIND_EXIT: u16 = 5;
/// An open, successful or not ([`Open`]).
pub const KIND_OPEN: u16 = 6;
/// A descriptor went away; counters since the last such event ([`Close`]).
pub const KIND_CLOSE: u16 = 7;
/// A system call that names a path: unlink, rename, chmod, ... ([`PathOp`]).
pub const KIND_PATH_OP: u16 = 8;
/// Exact paths for the path call in progress in this thread ([`PathHint`]).
pub const KIND_PATH_HINT: u16 = 9;
/// A file was mapped ([`Mmap`]).
pub const KIND_MMAP: u16 = 10;
/// A socket call ([`Net`]).
pub const KIND_NET: u16 = 11;
/// An `io_uring` request was submitted ([`UringSubmit`]).
pub const KIND_URING_SUBMIT: u16 = 12;
/// A process that existed before the run ([`Snapshot`]; made by the host).
pub const KIND_SNAPSHOT: u16 = 13;
/// Data that a process read, wrote, sent or received, and that a rule may match ([`Content`]).
pub const KIND_CONTENT: u16 = 14;
/// Plain text that a process gave to or got from a TLS library, the end of a connection, or that TLS is spoken ([`Tls`]).
pub const KIND_TLS: u16 = 15;
/// A file with the code of a TLS library, found by the host ([`TlsTarget`]).
pub const KIND_TLS_TARGET: u16 = 16;
/// Bytes to or from a name server ([`Dns`]).
pub const KIND_DNS: u16 = 17;
/// Something was not let happen ([`Deny`]).
pub const KIND_DENY: u16 = 18;
/// Bytes through standard input, output or error ([`Content`]).
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
/// Bytes that a call moved, as they are.
pub const SEC_DATA: u8 = 17;
/// What the policy said of [`SEC_PATH`] at that moment: a `u32`, accept bits and [`paths::UNDECIDED`], [`paths::JUDGED`]. Not there
/// without a policy.
pub const SEC_JUDGED: u8 = 18;
/// Dentry walk of the process's root directory; only present when it is not the namespace's root.
pub const SEC_ROOT: u8 = 16;

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

/// Body of [`KIND_FORK`].
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

/// Body of [`KIND_EXEC`]. Sections: `PATH` (the binary), `CWD`, `FILENAME`, `INTERP` for scripts.
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

/// Body of [`KIND_STRINGS`]. Section: `STRINGS`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Strings {
    /// `STRINGS_*`.
    pub what: u32,
    /// Where in the whole block this chunk starts, bytes.
    pub offset: u32,
}

/// Body of [`KIND_EXEC_FAIL`]. Sections: `RAW`, `BASE`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExecFail {
    /// Negative errno.
    pub ret: i32,
    /// `dirfd` of execveat, or `AT_FDCWD`.
    pub dirfd: i32,
}

/// Body of [`KIND_EXIT`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exit {
    /// As `wait` gives it: low seven bits the signal, bit 7 core dumped, next eight the exit code.
    pub status: u32,
    /// Descriptors beyond [`MAX_FDS`] that were open and not examined: 0 or 1 (at least one).
    pub fds_unseen: u32,
}

/// Identity of an open file: what [`Open`], [`Close`] and [`Mmap`] share.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileId {
    /// Distinguishes open files at one moment; an opaque number, not an address that a record may show.
    pub id: u64,
    /// Inode.
    pub ino: u64,
    /// Kernel device number (`MKDEV`: major << 20 | minor).
    pub dev: u32,
    /// `st_mode` of the inode, type bits included.
    pub st_mode: u32,
}

/// Body of [`KIND_OPEN`]. Sections: `PATH` when it succeeded, `RAW`, `BASE` when it failed.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Open {
    /// The file; zero when the open failed.
    pub file: FileId,
    /// New descriptor or negative errno.
    pub ret: i32,
    /// `dirfd`, or `AT_FDCWD`.
    pub dirfd: i32,
    /// `O_*` flags as passed.
    pub flags: u32,
    /// Mode argument of a creating open.
    pub mode: u32,
    /// `io_uring` request, to join with [`UringSubmit`]; else 0.
    pub request: u64,
}

/// [`Close::cause`]: `close`, `close_range`, or an `io_uring` close.
pub const CLOSE_CALL: u32 = 0;
/// [`Close::cause`]: replaced by `dup2` or `dup3`.
pub const CLOSE_DUP: u32 = 1;
/// [`Close::cause`]: marked close-on-exec, and this thread has started an exec. Void if that exec fails.
pub const CLOSE_EXEC: u32 = 2;
/// [`Close::cause`]: the process ended.
pub const CLOSE_EXIT: u32 = 3;
/// [`Close::cause`]: no descriptor went away; counts so far, told so that none is lost.
pub const CLOSE_FLUSH: u32 = 4;

/// Body of [`KIND_CLOSE`]. Section: `PATH`; left out when it is still the one that the file's open told.
///
/// The counters are what this process moved through this open file since its last such event.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Close {
    /// The file.
    pub file: FileId,
    /// The descriptor.
    pub fd: i32,
    /// `CLOSE_*`.
    pub cause: u32,
    /// Bytes read.
    pub read_bytes: u64,
    /// Bytes written.
    pub write_bytes: u64,
    /// Calls that read.
    pub reads: u64,
    /// Calls that wrote.
    pub writes: u64,
}

/// [`PathOp::op`]: unlink, unlinkat, rmdir (`a0` = 1 for a directory).
pub const OP_UNLINK: u32 = 0;
/// [`PathOp::op`]: rename, renameat, renameat2 (`a0` = flags).
pub const OP_RENAME: u32 = 1;
/// [`PathOp::op`]: link, linkat (`a0` = flags). `RAW` is the old name, `RAW2` the new.
pub const OP_LINK: u32 = 2;
/// [`PathOp::op`]: symlink, symlinkat. `RAW` is the new link, `RAW2` the target text.
pub const OP_SYMLINK: u32 = 3;
/// [`PathOp::op`]: mkdir, mkdirat (`a0` = mode).
pub const OP_MKDIR: u32 = 4;
/// [`PathOp::op`]: chmod, fchmod, fchmodat, fchmodat2 (`a0` = mode).
pub const OP_CHMOD: u32 = 5;
/// [`PathOp::op`]: chown, lchown, fchown, fchownat (`a0` = uid, `a1` = gid; `u32::MAX` leaves it).
pub const OP_CHOWN: u32 = 6;
/// [`PathOp::op`]: truncate, ftruncate (`a0` = length).
pub const OP_TRUNCATE: u32 = 7;

/// [`PathHint::op`]: the file whose [`KIND_CONTENT`] event follows.
pub const OP_CONTENT: u32 = 8;
/// [`PathOp::op`]: mknod, mknodat (`a0` = type and permissions, `a1` = device as `st_rdev`).
pub const OP_MKNOD: u32 = 9;

/// [`PathOp::op_flags`]: the last component is followed when it is a symbolic link.
pub const OPF_FOLLOW: u32 = 1;
/// [`PathOp::op_flags`]: the object was named by descriptor (`dirfd`), and `PATH` is its walk.
pub const OPF_FD: u32 = 2;

/// Body of [`KIND_PATH_OP`]. Sections: `BASE`, `RAW`, `BASE2`, `RAW2`; `PATH` where a descriptor was given;
/// `ROOT` in a changed root.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathOp {
    /// `OP_*`.
    pub op: u32,
    /// `OPF_*`.
    pub op_flags: u32,
    /// 0 or negative errno.
    pub ret: i32,
    /// `dirfd`, descriptor, or `AT_FDCWD`.
    pub dirfd: i32,
    /// Second `dirfd`.
    pub dirfd2: i32,
    /// Unused, zero.
    pub pad: u32,
    /// Argument by `op`.
    pub a0: u64,
    /// Argument by `op`.
    pub a1: u64,
    /// Inode, where known; else 0.
    pub ino: u64,
    /// Kernel device number, where known; else 0.
    pub dev: u32,
    /// Unused, zero.
    pub pad2: u32,
    /// `io_uring` request, to join with [`UringSubmit`]; else 0.
    pub request: u64,
}

/// Body of [`KIND_PATH_HINT`]. Sections: `PATH`, `PATH2`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathHint {
    /// `OP_*` that the hint is for.
    pub op: u32,
    /// Kernel device number of the object, or 0.
    pub dev: u32,
    /// Inode of the object, or 0.
    pub ino: u64,
}

/// Body of [`KIND_MMAP`]. Section: `PATH`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mmap {
    /// The file.
    pub file: FileId,
    /// Address or negative errno.
    pub ret: i64,
    /// Length in bytes.
    pub len: u64,
    /// Offset in the file, bytes.
    pub offset: u64,
    /// `PROT_*`.
    pub prot: u32,
    /// `MAP_*`.
    pub flags: u32,
}

/// [`Net::op`]: connect.
pub const NET_CONNECT: u32 = 0;
/// [`Net::op`]: bind.
pub const NET_BIND: u32 = 1;
/// [`Net::op`]: listen.
pub const NET_LISTEN: u32 = 2;
/// [`Net::op`]: accept, accept4. `fd` is the listening socket, `ret` the new descriptor.
pub const NET_ACCEPT: u32 = 3;
/// [`Net::op`]: a socket's descriptor went away; counters as in [`Close`].
pub const NET_CLOSE: u32 = 4;
/// [`Net::op`]: a datagram to an address, from a socket that is not connected to it (first to each new one).
pub const NET_SEND: u32 = 5;

/// An internet address and port.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// IPv4 in the first four bytes, or IPv6; network byte order.
    pub addr: [u8; 16],
    /// Port, host byte order.
    pub port: u16,
    /// 4 or 6; 0 when there is no address.
    pub version: u16,
    /// IPv6 scope (interface index) or 0.
    pub scope: u32,
}

/// Body of [`KIND_NET`]. Sections: `UNIX_LOCAL`, `UNIX_REMOTE`, `BASE` (working directory, for UNIX paths).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Net {
    /// `NET_*`.
    pub op: u32,
    /// As the call returned it.
    pub ret: i32,
    /// The descriptor.
    pub fd: i32,
    /// `CLOSE_*`, for [`NET_CLOSE`].
    pub cause: u32,
    /// `AF_*`.
    pub family: u16,
    /// `SOCK_*`, without flags.
    pub sock_type: u16,
    /// `IPPROTO_*`.
    pub protocol: u16,
    /// Unused, zero.
    pub pad: u16,
    /// Listen backlog, or 0.
    pub backlog: u32,
    /// Unused, zero.
    pub pad2: u32,
    /// The socket as a file (`id`, inode).
    pub file: FileId,
    /// Local end.
    pub local: Endpoint,
    /// Remote end.
    pub remote: Endpoint,
    /// Bytes sent by this process on this socket since its last close event.
    pub sent_bytes: u64,
    /// Bytes received.
    pub received_bytes: u64,
    /// Calls that sent.
    pub sends: u64,
    /// Calls that received.
    pub receives: u64,
}

/// [`Content::source`]: bytes that a call read or received.
pub const CONTENT_IN: u32 = 0;
/// [`Content::source`]: bytes that a call wrote or sent.
pub const CONTENT_OUT: u32 = 1;
/// [`Content::offset`] where the place in a file is not known.
pub const NO_OFFSET: u64 = u64::MAX;

/// Body of [`KIND_CONTENT`]. Section: `DATA`. A [`KIND_PATH_HINT`] of the same thread comes before it, unless the file is
/// a socket.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// The file, pipe or socket.
    pub file: FileId,
    /// The socket's other end; zero where there is none.
    pub remote: Endpoint,
    /// Where in the file the call's first byte lies; in what was moved so far by this process, if it is no regular file.
    pub offset: u64,
    /// Bytes that the call moved.
    pub call_bytes: u64,
    /// Where in the call the data begins; before it, as a negative number, where it begins with the end of the call before.
    pub at: u64,
    /// Bytes at the start of the data that were judged before, with the piece or the call before.
    pub overlap: u32,
    /// `CONTENT_*`.
    pub source: u32,
    /// The descriptor.
    pub fd: i32,
    /// Unused, zero.
    pub pad: u32,
}

/// Most bytes of plain text in one [`KIND_TLS`] event; a call that moved more is told in several.
pub const MAX_TLS_CHUNK: usize = 16 * 1024;

/// [`Tls::direction`]: bytes that the process received.
pub const TLS_IN: u32 = 0;
/// [`Tls::direction`]: bytes that the process sent.
pub const TLS_OUT: u32 = 1;
/// [`Tls::direction`]: the library let go of the connection.
pub const TLS_END: u32 = 2;

/// [`Tls::direction`]: the process called the library for the first time. Nothing is said of bytes.
pub const TLS_USED: u32 = 3;
/// [`Tls::direction`]: a handshake went over a socket, by whatever library. Of the others only the socket is said.
pub const TLS_SEEN: u32 = 4;

/// [`Tls::library`]: OpenSSL, or another library with its functions (BoringSSL, LibreSSL).
pub const TLS_OPENSSL: u32 = 0;
/// [`Tls::library`]: GnuTLS.
pub const TLS_GNUTLS: u32 = 1;
/// [`Tls::library`]: NSS, behind the functions of NSPR.
pub const TLS_NSS: u32 = 2;
/// [`Tls::library`]: Go's crypto/tls.
pub const TLS_GO: u32 = 3;

/// [`Tls::joined`]: the connection's socket is not known.
pub const TLS_SOCKET_NONE: u32 = 0;
/// [`Tls::joined`]: the library used this socket inside a call for the connection, or was given it.
pub const TLS_SOCKET_USED: u32 = 1;
/// [`Tls::joined`]: the last socket that the thread used before; the program moves the bytes by itself.
pub const TLS_SOCKET_LAST: u32 = 2;

/// Body of [`KIND_TLS`]. Section: `DATA`, of those that move bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// The library's connection; with `born_ns` and the process it names one for good. An opaque number.
    pub handle: u64,
    /// When it was first used, `CLOCK_MONOTONIC` nanoseconds.
    pub born_ns: u64,
    /// Where the call's first byte lies among all that went this way; of an end, all bytes received.
    pub offset: u64,
    /// Bytes that the call moved; of an end, all bytes sent.
    pub call_bytes: u64,
    /// Where in the call the data begins.
    pub at: u64,
    /// The socket; zero where it is not known.
    pub file: FileId,
    /// Its own end.
    pub local: Endpoint,
    /// Its other end.
    pub remote: Endpoint,
    /// The descriptor; -1 where it is not known.
    pub fd: i32,
    /// `TLS_SOCKET_*`.
    pub joined: u32,
    /// `TLS_IN`, `TLS_OUT`, `TLS_END`, `TLS_USED` or `TLS_SEEN`.
    pub direction: u32,
    /// `TLS_*` library.
    pub library: u32,
    /// Number that the host gave to the file with the library's code; 0 when the kernel cannot tell (before 5.15).
    pub target: u32,
    /// Unused, zero.
    pub pad: u32,
}

/// Body of [`KIND_TLS_TARGET`]. Sections: `RESOLVED` (the file); `RAW`, in words, what of it is not followed and why.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TlsTarget {
    /// Its number, as in [`Tls::target`].
    pub target: u32,
    /// `TLS_*` library.
    pub library: u32,
}

/// Body of [`KIND_DNS`]. Sections: `DATA`, one a buffer, in order; together at most [`MAX_PATH`] bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dns {
    /// The socket.
    pub file: FileId,
    /// The name server.
    pub remote: Endpoint,
    /// Bytes of the message, or that the call moved through a stream.
    pub bytes: u64,
    /// The descriptor.
    pub fd: i32,
    /// `CONTENT_IN` or `CONTENT_OUT`.
    pub direction: u32,
    /// `SOCK_*`, without flags.
    pub sock_type: u32,
    /// Unused, zero.
    pub pad: u32,
}

/// [`Deny::what`]: an open; `a0` = `f_mode`.
pub const DENY_OPEN: u32 = 0;
/// [`Deny::what`]: an exec.
pub const DENY_EXEC: u32 = 1;
/// [`Deny::what`]: code mapped, or memory of a file made executable.
pub const DENY_MAP: u32 = 2;
/// [`Deny::what`]: a descriptor that another process sent.
pub const DENY_RECEIVE: u32 = 3;
/// [`Deny::what`]: a file or directory removed.
pub const DENY_UNLINK: u32 = 4;
/// [`Deny::what`]: a rename. `PATH` is the old name, `PATH2` the new one.
pub const DENY_RENAME: u32 = 5;
/// [`Deny::what`]: a hard link. `PATH` is the old name, `PATH2` the new one.
pub const DENY_LINK: u32 = 6;
/// [`Deny::what`]: a file, directory, device, pipe, socket or symbolic link made.
pub const DENY_MAKE: u32 = 7;
/// [`Deny::what`]: a length set by name.
pub const DENY_TRUNCATE: u32 = 8;
/// [`Deny::what`]: mode, owner or times changed.
pub const DENY_ATTRIBUTES: u32 = 9;
/// [`Deny::what`]: a mount made, moved or taken away. No class, no path.
pub const DENY_MOUNT: u32 = 10;
/// [`Deny::what`]: a process traced that is not watched; `a0` = its process id. No class, no path.
pub const DENY_TRACE: u32 = 11;
/// [`Deny::what`]: a system call that a seccomp filter handed over; `a0` = its number, `ino` = its first argument. No class, no path. Made
/// by the host alone.
pub const DENY_CALL: u32 = 12;

/// [`Deny::classes`]: the directory is above something denied, which with another name it would no longer be.
pub const DENY_GUARDED: u32 = 1 << 3;

/// Body of [`KIND_DENY`]. Sections: `PATH` where it is about one; `PATH2` of a rename or link: the new name.
///
/// The call itself fails with `EPERM`, and has the event that it always has.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deny {
    /// `DENY_*`.
    pub what: u32,
    /// Why: a bit for each class ([`paths::READ`], ...) that is denied, [`DENY_GUARDED`]; 0 where a rule without paths denies.
    pub classes: u32,
    /// What the policy says of the path: accept bits, [`paths::UNDECIDED`], [`paths::JUDGED`].
    pub judged: u32,
    /// The same of the new name.
    pub judged2: u32,
    /// Argument by `what`.
    pub a0: u64,
    /// Inode, where known; else 0.
    pub ino: u64,
    /// Kernel device number, where known; else 0.
    pub dev: u32,
    /// Unused, zero.
    pub pad: u32,
}

/// Body of [`KIND_URING_SUBMIT`]. Sections: `RAW`, `BASE`, `RAW2`, `BASE2`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UringSubmit {
    /// Distinguishes requests in flight.
    pub request: u64,
    /// `IORING_OP_*`.
    pub opcode: u32,
    /// `dirfd`, or `AT_FDCWD`.
    pub dirfd: i32,
    /// Second `dirfd`.
    pub dirfd2: i32,
    /// `O_*` flags of an open, mode of a mkdir, flags of the others.
    pub flags: u32,
}

/// Body of [`KIND_SNAPSHOT`]: a process found in `/proc`. Sections: `RESOLVED` (exe), `STRINGS` (argv), `CWD`
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

macro_rules! layout {
    ($($ty:ident = $size:literal { $($field:ident @ $off:literal),* $(,)? })*) => {
        $(
            const _: () = assert!(size_of::<$ty>() == $size);
            $(const _: () = assert!(offset_of!($ty, $field) == $off);)*
        )*
    };
}

use layout::{Call, Config, Counters, FileKey, IoCount, IoKey, Told, Watched};

layout! {
    Header = 56 { size @ 0, kind @ 4, flags @ 6, ts_ns @ 8, start_ns @ 16, pid @ 24, tid @ 28, ppid @ 32, uid @ 36, comm @ 40 }
    Section = 4 { tag @ 0, flags @ 1, len @ 2 }
    Fork = 24 { child_pid @ 0, child_tid @ 4, child_ppid @ 8, pad @ 12, child_start_ns @ 16 }
    Exec = 32 { ino @ 0, dev @ 8, argc @ 12, arg_bytes @ 16, env_bytes @ 20, old_tid @ 24, candidate @ 28 }
    Strings = 8 { what @ 0, offset @ 4 }
    ExecFail = 8 { ret @ 0, dirfd @ 4 }
    Exit = 8 { status @ 0, fds_unseen @ 4 }
    FileId = 24 { id @ 0, ino @ 8, dev @ 16, st_mode @ 20 }
    Open = 48 { file @ 0, ret @ 24, dirfd @ 28, flags @ 32, mode @ 36, request @ 40 }
    Close = 64 { file @ 0, fd @ 24, cause @ 28, read_bytes @ 32, write_bytes @ 40, reads @ 48, writes @ 56 }
    PathOp = 64 { op @ 0, op_flags @ 4, ret @ 8, dirfd @ 12, dirfd2 @ 16, pad @ 20, a0 @ 24, a1 @ 32, ino @ 40, dev @ 48, pad2 @ 52, request @ 56 }
    PathHint = 16 { op @ 0, dev @ 4, ino @ 8 }
    Mmap = 56 { file @ 0, ret @ 24, len @ 32, offset @ 40, prot @ 48, flags @ 52 }
    Endpoint = 24 { addr @ 0, port @ 16, version @ 18, scope @ 20 }
    Net = 136 { op @ 0, ret @ 4, fd @ 8, cause @ 12, family @ 16, sock_type @ 18, protocol @ 20, pad @ 22, backlog @ 24, pad2 @ 28, file @ 32, local @ 56, remote @ 80, sent_bytes @ 104, received_bytes @ 112, sends @ 120, receives @ 128 }
    Content = 88 { file @ 0, remote @ 24, offset @ 48, call_bytes @ 56, at @ 64, overlap @ 72, source @ 76, fd @ 80, pad @ 84 }
    Tls = 136 { handle @ 0, born_ns @ 8, offset @ 16, call_bytes @ 24, at @ 32, file @ 40, local @ 64, remote @ 88, fd @ 112, joined @ 116, direction @ 120, library @ 124, target @ 128, pad @ 132 }
    TlsTarget = 8 { target @ 0, library @ 4 }
    Dns = 72 { file @ 0, remote @ 24, bytes @ 48, fd @ 56, direction @ 60, sock_type @ 64, pad @ 68 }
    Deny = 40 { what @ 0, classes @ 4, judged @ 8, judged2 @ 12, a0 @ 16, ino @ 24, dev @ 32, pad @ 36 }
    UringSubmit = 24 { request @ 0, opcode @ 8, dirfd @ 12, dirfd2 @ 16, flags @ 20 }
    Snapshot = 16 { dev @ 0, watched @ 4, ino @ 8 }
    Config = 32 { flags @ 0, self_pid @ 4, wake_bytes @ 8, piece_bytes @ 12, secret @ 16, cpu_bits @ 24, pad @ 28 }
    Watched = 16 { start_ns @ 0, ppid @ 8, flags @ 12 }
    FileKey = 16 { ino @ 0, dev @ 8, pad @ 12 }
    IoKey = 16 { id @ 0, pid @ 8, pad @ 12 }
    IoCount = 56 { read_bytes @ 0, write_bytes @ 8, reads @ 16, writes @ 24, last_remote @ 32 }
    Counters = 352 { produced @ 0, lost @ 160, fired @ 216, sent @ 304, judged @ 312, judged_bytes @ 320, unjudged @ 328 }
    Told = 32 { id @ 0, ino @ 8, names @ 16, dev @ 24, st_mode @ 28 }
    Call = 4 { exit @ 0, enter @ 1, variant @ 2, op @ 3 }
}

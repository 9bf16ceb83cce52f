//! From the number of a system call to what is done with it.

use crate::pod::plain;

/// Handlers behind `sys_exit`: indices of map `EXIT_CALLS` and values in [`Call::exit`].
pub mod exit_call {
    /// open, openat, openat2, creat, open_by_handle_at.
    pub const OPEN: u32 = 1;
    /// read, write and their vector and offset forms.
    pub const IO: u32 = 2;
    /// sendfile, splice, tee, copy_file_range.
    pub const IO2: u32 = 3;
    /// Calls that name one path.
    pub const PATH: u32 = 4;
    /// rename, link, symlink.
    pub const PATH2: u32 = 5;
    /// chmod, chown, truncate by descriptor.
    pub const FD: u32 = 6;
    /// mmap.
    pub const MMAP: u32 = 7;
    /// connect, bind, listen, accept.
    pub const NET: u32 = 8;
    /// send and receive.
    pub const MSG: u32 = 9;
    /// execve, execveat that failed.
    pub const EXEC: u32 = 10;
    /// mount, umount, pivot_root, ...: nothing is told, but names change.
    pub const NAMES: u32 = 11;
    /// Data that a call moved: into the window, to be judged.
    pub const CONTENT: u32 = 12;
    /// The generated program that judges it.
    pub const JUDGE: u32 = 13;
    /// What becomes of the verdict.
    pub const JUDGED: u32 = 14;
    /// What goes to or comes from a name server.
    pub const DNS: u32 = 15;
    /// What goes through standard input, output and error.
    pub const STDIO: u32 = 16;
    /// One past the last.
    pub const MAX: u32 = 17;
}

/// Handlers behind `sys_enter`: indices of map `ENTER_CALLS` and values in [`Call::enter`].
pub mod enter_call {
    /// close.
    pub const CLOSE: u32 = 1;
    /// close_range.
    pub const CLOSE_RANGE: u32 = 2;
    /// dup2, dup3.
    pub const DUP: u32 = 3;
    /// execve, execveat.
    pub const EXEC: u32 = 4;
    /// One past the last.
    pub const MAX: u32 = 5;
}

/// What to do with a system call; an entry of map `CALLS`, indexed by number (32-bit calls from
/// [`CALLS_32`] on).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// One of [`exit_call`], or 0.
    pub exit: u8,
    /// One of [`enter_call`], or 0.
    pub enter: u8,
    /// Which of the handler's calls this is; see `call_table` in the host's eBPF back end.
    pub variant: u8,
    /// Operation for the handler (`OP_*`, `NET_*`, ...).
    pub op: u8,
}

/// Entries for 64-bit calls.
pub const CALLS_64: u32 = 512;
/// Where the entries for 32-bit calls start.
pub const CALLS_32: u32 = 512;
/// Size of map `CALLS`.
pub const CALLS_MAX: u32 = 1024;

/// Operations of the path handlers that differ from `OP_*` only in how their arguments lie.
pub mod path_op {
    /// rmdir: an unlink of a directory.
    pub const RMDIR: u32 = 32;
    /// fchmodat2: a chmod with flags.
    pub const CHMOD2: u32 = 33;
}

/// Where a call has its data: operations of the handlers of reads, writes and messages.
pub mod data {
    /// Nowhere that is followed.
    pub const NONE: u32 = 0;
    /// f(fd, buffer, ...), where the file stands.
    pub const BUFFER: u32 = 1;
    /// f(fd, buffer, length, offset).
    pub const BUFFER_AT: u32 = 2;
    /// f(fd, vector, count, ...), where the file stands.
    pub const VECTOR: u32 = 3;
    /// f(fd, vector, count, offset).
    pub const VECTOR_AT: u32 = 4;
    /// f(fd, message header, ...).
    pub const MESSAGE: u32 = 5;
    /// f(fd, message headers with lengths, count, ...).
    pub const MESSAGES: u32 = 6;
}

/// Variants of the handlers, each with the positions of its arguments.
pub mod variant {
    /// open(path, flags, mode).
    pub const OPEN: u8 = 0;
    /// openat(dirfd, path, flags, mode).
    pub const OPENAT: u8 = 1;
    /// openat2(dirfd, path, how, size).
    pub const OPENAT2: u8 = 2;
    /// creat(path, mode).
    pub const CREAT: u8 = 3;
    /// open_by_handle_at(dirfd, handle, flags).
    pub const OPEN_HANDLE: u8 = 4;

    /// First argument is the descriptor; reads.
    pub const READ: u8 = 0;
    /// First argument is the descriptor; writes.
    pub const WRITE: u8 = 1;

    /// sendfile(out, in, ...).
    pub const SENDFILE: u8 = 0;
    /// splice(in, off, out, ...) and copy_file_range: third argument is the target.
    pub const SPLICE: u8 = 1;
    /// tee(in, out, ...).
    pub const TEE: u8 = 2;

    /// f(path, a0, a1).
    pub const PATH: u8 = 0;
    /// f(dirfd, path, a0, a1, flags).
    pub const PATH_AT: u8 = 1;
    /// f(path, a0, a1), the last component not followed (lchown).
    pub const PATH_NOFOLLOW: u8 = 2;

    /// f(old, new).
    pub const TWO: u8 = 0;
    /// f(olddirfd, old, newdirfd, new, flags).
    pub const TWO_AT: u8 = 1;
    /// symlinkat(target, dirfd, new).
    pub const SYMLINK_AT: u8 = 2;

    /// sendto(fd, buf, len, flags, addr, addrlen).
    pub const SENDTO: u8 = 0;
    /// sendmsg(fd, msg, flags).
    pub const SENDMSG: u8 = 1;
    /// sendmmsg(fd, msgs, n, flags).
    pub const SENDMMSG: u8 = 2;
    /// recvfrom(fd, ...), recvmsg.
    pub const RECV: u8 = 3;
    /// recvmmsg(fd, msgs, n, ...).
    pub const RECVMMSG: u8 = 4;
}

plain! {
    Call = 4 { exit @ 0, enter @ 1, variant @ 2, op @ 3 }
}

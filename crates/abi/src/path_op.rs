//! Bodies of events about calls that name a path, and of what `io_uring` is asked for.

use crate::pod::plain;

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
/// [`PathHint::op`]: the file whose [`crate::KIND_CONTENT`] event follows.
pub const OP_CONTENT: u32 = 8;
/// [`PathOp::op`]: mknod, mknodat (`a0` = type and permissions, `a1` = device as `st_rdev`).
pub const OP_MKNOD: u32 = 9;

/// [`PathOp::op_flags`]: the last component is followed when it is a symbolic link.
pub const OPF_FOLLOW: u32 = 1;
/// [`PathOp::op_flags`]: the object was named by descriptor (`dirfd`), and `PATH` is its walk.
pub const OPF_FD: u32 = 2;

/// Body of [`crate::KIND_PATH_OP`]. Sections: `BASE`, `RAW`, `BASE2`, `RAW2`; `PATH` where a descriptor was given;
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

/// Body of [`crate::KIND_PATH_HINT`]. Sections: `PATH`, `PATH2`.
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

/// Body of [`crate::KIND_URING_SUBMIT`]. Sections: `RAW`, `BASE`, `RAW2`, `BASE2`.
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

plain! {
    PathOp = 64 { op @ 0, op_flags @ 4, ret @ 8, dirfd @ 12, dirfd2 @ 16, pad @ 20, a0 @ 24, a1 @ 32, ino @ 40, dev @ 48, pad2 @ 52, request @ 56 }
    PathHint = 16 { op @ 0, dev @ 4, ino @ 8 }
    UringSubmit = 24 { request @ 0, opcode @ 8, dirfd @ 12, dirfd2 @ 16, flags @ 20 }
}

//! Body of events about what a policy refused.

use crate::pod::plain;

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

/// Body of [`crate::KIND_DENY`]. Sections: `PATH` where it is about one; `PATH2` of a rename or link: the new name.
///
/// The call itself fails with `EPERM`, and has the event that it always has.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deny {
    /// `DENY_*`.
    pub what: u32,
    /// Why: a bit for each class ([`crate::paths::READ`], ...) that is denied, [`DENY_GUARDED`]; 0 where a rule without paths denies.
    pub classes: u32,
    /// What the policy says of the path: accept bits, [`crate::paths::UNDECIDED`], [`crate::paths::JUDGED`].
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

plain! {
    Deny = 40 { what @ 0, classes @ 4, judged @ 8, judged2 @ 12, a0 @ 16, ino @ 24, dev @ 32, pad @ 36 }
}

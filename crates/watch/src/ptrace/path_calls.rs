//! Calls that name a path: looked at before they go on, since afterwards the object may be gone.

use super::Ptrace;
use super::calls::{Abi, Call};
use super::memory;
use super::places::{self, FIRST, Found, Passed, SECOND};
use super::stops::{fd, low};
use super::tasks::Part;
use kernscope_abi as abi;
use nix::libc;

const HERE: i32 = libc::AT_FDCWD;
const REMOVEDIR: u32 = libc::AT_REMOVEDIR as u32;
const NOFOLLOW: u32 = libc::AT_SYMLINK_NOFOLLOW as u32;
const FOLLOW: u32 = libc::AT_SYMLINK_FOLLOW as u32;
const EMPTY_PATH: u32 = libc::AT_EMPTY_PATH as u32;

/// What a call does to what.
struct Plan {
    op: u32,
    a0: u64,
    a1: u64,
    target: Target,
    second: Option<(i32, u64)>,
}

enum Target {
    /// By path: directory, address of the string, whether the last component is followed, `AT_EMPTY_PATH`.
    Path(i32, u64, bool, bool),
    /// By descriptor.
    Fd(i32),
}

impl Plan {
    fn new(op: u32, target: Target) -> Self {
        Self { op, a0: 0, a1: 0, target, second: None }
    }

    fn args(mut self, a0: u64, a1: u64) -> Self {
        (self.a0, self.a1) = (a0, a1);
        self
    }

    fn to(mut self, dirfd: i32, addr: u64) -> Self {
        self.second = Some((dirfd, addr));
        self
    }

    fn of(call: Call, abi: Abi, args: &[u64; 6]) -> Option<Self> {
        let [a, b, c, d, e, _] = *args;
        let at = |addr, follow| Target::Path(HERE, addr, follow, false);
        let in_dir = |dirfd, addr, follow| Target::Path(fd(dirfd), addr, follow, false);
        let number = |arg: u64| u64::from(low(arg));
        let id = |arg: u64| owner(arg, abi);
        Some(match call {
            Call::Unlink => Self::new(abi::OP_UNLINK, at(a, false)),
            Call::Rmdir => Self::new(abi::OP_UNLINK, at(a, false)).args(1, 0),
            Call::Unlinkat => {
                Self::new(abi::OP_UNLINK, in_dir(a, b, false)).args(u64::from(low(c) & REMOVEDIR != 0), 0)
            }
            Call::Rename => Self::new(abi::OP_RENAME, at(a, false)).to(HERE, b),
            Call::Renameat => Self::new(abi::OP_RENAME, in_dir(a, b, false)).to(fd(c), d),
            Call::Renameat2 => Self::new(abi::OP_RENAME, in_dir(a, b, false)).to(fd(c), d).args(number(e), 0),
            Call::Link => Self::new(abi::OP_LINK, at(a, false)).to(HERE, b),
            Call::Linkat => {
                let target = Target::Path(fd(a), b, low(e) & FOLLOW != 0, low(e) & EMPTY_PATH != 0);
                Self::new(abi::OP_LINK, target).to(fd(c), d).args(number(e), 0)
            }
            // The new link first, the text that it holds second.
            Call::Symlink => Self::new(abi::OP_SYMLINK, at(b, false)).to(HERE, a),
            Call::Symlinkat => Self::new(abi::OP_SYMLINK, in_dir(b, c, false)).to(HERE, a),
            Call::Mkdir => Self::new(abi::OP_MKDIR, at(a, false)).args(number(b), 0),
            Call::Mkdirat => Self::new(abi::OP_MKDIR, in_dir(a, b, false)).args(number(c), 0),
            Call::Mknod => Self::new(abi::OP_MKNOD, at(a, false)).args(number(b), number(c)),
            Call::Mknodat => Self::new(abi::OP_MKNOD, in_dir(a, b, false)).args(number(c), number(d)),
            Call::Chmod => Self::new(abi::OP_CHMOD, at(a, true)).args(number(b), 0),
            Call::Fchmod => Self::new(abi::OP_CHMOD, Target::Fd(fd(a))).args(number(b), 0),
            Call::Fchmodat => Self::new(abi::OP_CHMOD, in_dir(a, b, true)).args(number(c), 0),
            Call::Fchmodat2 => {
                let target = Target::Path(fd(a), b, low(d) & NOFOLLOW == 0, low(d) & EMPTY_PATH != 0);
                Self::new(abi::OP_CHMOD, target).args(number(c), 0)
            }
            Call::Chown => Self::new(abi::OP_CHOWN, at(a, true)).args(id(b), id(c)),
            Call::Lchown => Self::new(abi::OP_CHOWN, at(a, false)).args(id(b), id(c)),
            Call::Fchown => Self::new(abi::OP_CHOWN, Target::Fd(fd(a))).args(id(b), id(c)),
            Call::Fchownat => {
                let target = Target::Path(fd(a), b, low(e) & NOFOLLOW == 0, low(e) & EMPTY_PATH != 0);
                Self::new(abi::OP_CHOWN, target).args(id(c), id(d))
            }
            Call::Truncate => Self::new(abi::OP_TRUNCATE, at(a, true)).args(b, 0),
            Call::Truncate64 => Self::new(abi::OP_TRUNCATE, at(a, true)).args(number(b) | number(c) << 32, 0),
            Call::Ftruncate => Self::new(abi::OP_TRUNCATE, Target::Fd(fd(a))).args(b, 0),
            Call::Ftruncate64 => {
                Self::new(abi::OP_TRUNCATE, Target::Fd(fd(a))).args(number(b) | number(c) << 32, 0)
            }
            _ => return None,
        })
    }
}

/// A user or group id; the old 32-bit calls have 16 bits for it, and 65535 for "leave it".
fn owner(arg: u64, abi: Abi) -> u64 {
    match (abi, low(arg)) {
        (Abi::Compat, 0xffff) => u64::from(u32::MAX),
        (_, id) => u64::from(id),
    }
}

impl Ptrace {
    /// The event of a path call, but for its result; `None` for any other call.
    pub(super) fn path_call(
        &mut self,
        tid: i32,
        call: Call,
        abi: Abi,
        args: &[u64; 6],
    ) -> Option<(abi::PathOp, Vec<Part>)> {
        let plan = Plan::of(call, abi, args)?;
        let mut op = abi::PathOp { op: plan.op, a0: plan.a0, a1: plan.a1, ..Default::default() };
        let mut parts = match plan.target {
            Target::Fd(fd) => by_descriptor(tid, fd, &mut op),
            Target::Path(dirfd, addr, follow, empty) => {
                op.dirfd = dirfd;
                op.op_flags = if follow { abi::OPF_FOLLOW } else { 0 };
                let raw = memory::string(tid, addr);
                if empty && raw.flags == 0 && raw.bytes.is_empty() && dirfd != HERE {
                    let raw = Part { tag: abi::SEC_RAW, flags: 0, bytes: Vec::new() };
                    let mut parts = by_descriptor(tid, dirfd, &mut op);
                    parts.push(raw);
                    parts
                } else {
                    let found = self.find(tid, &Passed { dirfd, raw, follow }, FIRST);
                    identify(&found, &mut op);
                    found.parts
                }
            }
        };
        if let Some((dirfd, addr)) = plan.second {
            op.dirfd2 = dirfd;
            let raw = memory::string(tid, addr);
            if plan.op == abi::OP_SYMLINK {
                parts.push(Part { tag: abi::SEC_RAW2, flags: raw.flags, bytes: raw.bytes });
            } else {
                parts.extend(self.find(tid, &Passed { dirfd, raw, follow: false }, SECOND).parts);
            }
        }
        Some((op, parts))
    }
}

fn by_descriptor(tid: i32, fd: i32, op: &mut abi::PathOp) -> Vec<Part> {
    op.dirfd = fd;
    op.op_flags |= abi::OPF_FD;
    let Some(link) = places::descriptor(tid, fd) else { return Vec::new() };
    (op.dev, op.ino) = (link.dev, link.ino);
    vec![places::walk_part(abi::SEC_PATH, &link)]
}

/// Device and inode of what is named, unless the call is to make it.
fn identify(found: &Found, op: &mut abi::PathOp) {
    if !matches!(op.op, abi::OP_MKDIR | abi::OP_MKNOD | abi::OP_SYMLINK)
        && let Some(meta) = found.object()
    {
        (op.dev, op.ino) = places::identity(&meta);
    }
}

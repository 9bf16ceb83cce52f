//! Calls that name a path, or change what a descriptor stands for: unlink, rename, chmod, ...

use crate::event::{begin, send, tail, user_string};
use crate::file::{AT_FDCWD, file_of, identity, start};
use crate::maps::{Current, current, family, off};
use crate::read::user;
use crate::walk::walk_path;
use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use kernscope_abi::{
    KIND_PATH_OP, OP_CHMOD, OP_CHOWN, OP_LINK, OP_MKNOD, OP_SYMLINK, OP_TRUNCATE, OP_UNLINK, OPF_FD,
    OPF_FOLLOW, PathOp, SEC_BASE, SEC_BASE2, SEC_PATH, SEC_RAW, SEC_RAW2,
    layout::{path_op, variant},
};

const AT_SYMLINK_NOFOLLOW: u64 = 0x100;
const AT_REMOVEDIR: u64 = 0x200;
const AT_SYMLINK_FOLLOW: u64 = 0x400;
const AT_EMPTY_PATH: u64 = 0x1000;

/// Starts the event with everything zero but operation and result.
/// An operation with its result, and nothing about its object yet.
///
/// # Safety
/// `body` has room for it.
#[inline(always)]
pub(crate) unsafe fn clear(body: *mut PathOp, op: u32, ret: i32, dirfd: i32) {
    // SAFETY: the caller's promise.
    unsafe {
        (*body).op = op;
        (*body).op_flags = 0;
        (*body).ret = ret;
        (*body).dirfd = dirfd;
        (*body).dirfd2 = dirfd;
        (*body).pad = 0;
        (*body).a0 = 0;
        (*body).a1 = 0;
        (*body).ino = 0;
        (*body).dev = 0;
        (*body).pad2 = 0;
        (*body).request = 0;
    }
}

#[inline(always)]
fn begin_op(now: &Current, op: u32) -> Option<*mut PathOp> {
    let body = begin::<PathOp>(family::SYS_EXIT, KIND_PATH_OP, now.flags, now.start_ns, now.ppid)?;
    // SAFETY: `begin` gave room for the body.
    unsafe { clear(body, op, now.ret as i32, AT_FDCWD) };
    Some(body)
}

#[btf_tracepoint(function = "____sys_exit")]
pub fn exit_path(_ctx: BtfTracePointContext) -> i32 {
    let _ = one_path();
    0
}

#[inline(always)]
fn one_path() -> Option<()> {
    let now = current(family::SYS_EXIT)?;
    let at = now.call.variant == variant::PATH_AT;
    let [a, b, c, d, e, _] = now.args;
    let (dirfd, raw, mut a0, mut a1) = if at { (a as i32, b, c, d) } else { (AT_FDCWD, a, b, c) };
    let mut op = now.call.op as u32;
    let mut follow =
        matches!(op, OP_CHMOD | OP_CHOWN | OP_TRUNCATE) && now.call.variant != variant::PATH_NOFOLLOW;
    let mut empty = 0;
    if op == path_op::RMDIR {
        op = OP_UNLINK;
        a0 = 1;
    } else if op == OP_UNLINK {
        a0 = if at { (c & AT_REMOVEDIR != 0) as u64 } else { 0 };
    } else if op == OP_CHOWN && at {
        follow = e & AT_SYMLINK_NOFOLLOW == 0;
        empty = e & AT_EMPTY_PATH;
    } else if op == path_op::CHMOD2 {
        op = OP_CHMOD;
        follow = d & AT_SYMLINK_NOFOLLOW == 0;
        empty = d & AT_EMPTY_PATH;
    }
    if op != OP_CHOWN && op != OP_MKNOD {
        a1 = 0;
    }
    let body = begin_op(now, op)?;
    // SAFETY: `begin` gave room for the body.
    unsafe {
        (*body).op_flags = if follow { OPF_FOLLOW } else { 0 };
        (*body).dirfd = dirfd;
        (*body).a0 = a0;
        (*body).a1 = a1;
    }
    let mut pos = tail::<PathOp>();
    let first = user::<u8>(raw);
    let file = if empty != 0 && first == 0 { file_of(dirfd as u32) } else { 0 };
    if file != 0 {
        pos = by_descriptor(body, file, pos);
    } else {
        pos = start(family::SYS_EXIT, pos, SEC_BASE, dirfd, first);
    }
    pos = user_string(family::SYS_EXIT, pos, SEC_RAW as u32, raw);
    send(family::SYS_EXIT, pos);
    Some(())
}

#[inline(always)]
fn by_descriptor(body: *mut PathOp, file: u64, pos: u32) -> u32 {
    let id = identity(file);
    // SAFETY: the caller's body.
    unsafe {
        (*body).op_flags |= OPF_FD;
        (*body).ino = id.ino;
        (*body).dev = id.dev;
    }
    walk_path(family::SYS_EXIT, pos, SEC_PATH, file + off!(file_path) as u64)
}

#[btf_tracepoint(function = "____sys_exit")]
pub fn exit_path2(_ctx: BtfTracePointContext) -> i32 {
    let _ = two_paths();
    0
}

#[inline(always)]
fn two_paths() -> Option<()> {
    let now = current(family::SYS_EXIT)?;
    let [a, b, c, d, e, _] = now.args;
    let op = now.call.op as u32;
    let body = begin_op(now, op)?;
    let mut pos = tail::<PathOp>();
    if op == OP_SYMLINK {
        let (target, dirfd, new) =
            if now.call.variant == variant::SYMLINK_AT { (a, b as i32, c) } else { (a, AT_FDCWD, b) };
        // SAFETY: `begin` gave room for the body.
        unsafe { (*body).dirfd = dirfd };
        pos = start(family::SYS_EXIT, pos, SEC_BASE, dirfd, user::<u8>(new));
        pos = user_string(family::SYS_EXIT, pos, SEC_RAW as u32, new);
        pos = user_string(family::SYS_EXIT, pos, SEC_RAW2 as u32, target);
        send(family::SYS_EXIT, pos);
        return Some(());
    }
    let (dirfd, old, dirfd2, new, flags) = if now.call.variant == variant::TWO_AT {
        (a as i32, b, c as i32, d, e)
    } else {
        (AT_FDCWD, a, AT_FDCWD, b, 0)
    };
    // SAFETY: `begin` gave room for the body.
    unsafe {
        (*body).dirfd = dirfd;
        (*body).dirfd2 = dirfd2;
        (*body).a0 = flags;
        if op == OP_LINK && flags & AT_SYMLINK_FOLLOW != 0 {
            (*body).op_flags = OPF_FOLLOW;
        }
    }
    let first = user::<u8>(old);
    let file =
        if op == OP_LINK && flags & AT_EMPTY_PATH != 0 && first == 0 { file_of(dirfd as u32) } else { 0 };
    if file != 0 {
        pos = by_descriptor(body, file, pos);
    } else {
        pos = start(family::SYS_EXIT, pos, SEC_BASE, dirfd, first);
    }
    pos = user_string(family::SYS_EXIT, pos, SEC_RAW as u32, old);
    pos = start(family::SYS_EXIT, pos, SEC_BASE2, dirfd2, user::<u8>(new));
    pos = user_string(family::SYS_EXIT, pos, SEC_RAW2 as u32, new);
    send(family::SYS_EXIT, pos);
    Some(())
}

#[btf_tracepoint(function = "____sys_exit")]
pub fn exit_fd(_ctx: BtfTracePointContext) -> i32 {
    let _ = by_fd();
    0
}

#[inline(always)]
fn by_fd() -> Option<()> {
    let now = current(family::SYS_EXIT)?;
    let body = begin_op(now, now.call.op as u32)?;
    // SAFETY: `begin` gave room for the body.
    unsafe {
        (*body).op_flags = OPF_FD;
        (*body).dirfd = now.args[0] as i32;
        (*body).a0 = now.args[1];
        (*body).a1 = if now.call.op as u32 == OP_CHOWN { now.args[2] } else { 0 };
    }
    let mut pos = tail::<PathOp>();
    let file = file_of(now.args[0] as u32);
    if file != 0 {
        pos = by_descriptor(body, file, pos);
    }
    send(family::SYS_EXIT, pos);
    Some(())
}

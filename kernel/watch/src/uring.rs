//! `io_uring`: requests as they are submitted (names) and as they complete (results).
//!
//! The tracepoints changed their arguments over time; the host picks the programs that fit, and says that
//! `io_uring` is not seen where none does. Minimum kernel: 6.1.

use crate::calls::watched;
use crate::close::close_fd;
use crate::event::{begin, kernel_string, scratch, send, tail};
use crate::file::{file_of, identity, is_socket, start};
use crate::io::{count_read, count_write};
use crate::judge_path::add_verdict;
use crate::maps::{config_flag, family, fired, off, opaque, unjudged};
use crate::path_op::clear;
use crate::read::{kernel, word};
use crate::sock;
use crate::told;
use crate::walk::walk_path;
use aya_ebpf::{
    helpers::generated::bpf_get_current_pid_tgid, macros::btf_tracepoint, programs::BtfTracePointContext,
};
use kernscope_abi::{
    CLOSE_CALL, FLAG_URING, FileId, KIND_NET, KIND_OPEN, KIND_PATH_OP, KIND_URING_SUBMIT, NET_ACCEPT,
    NET_BIND, NET_CONNECT, NET_LISTEN, Net, OP_LINK, OP_MKDIR, OP_RENAME, OP_SYMLINK, OP_TRUNCATE, OP_UNLINK,
    OPF_FD, Open, PathOp, SEC_BASE, SEC_BASE2, SEC_PATH, SEC_RAW, SEC_RAW2, UringSubmit,
    layout::{CONFIG_URING_CQE, HOOK_URING_COMPLETE, HOOK_URING_SUBMIT, UNJUDGED_URING, Watched},
};

/// `IORING_OP_*` (include/uapi/linux/io_uring.h).
mod opcode {
    pub(super) const READV: u8 = 1;
    pub(super) const WRITEV: u8 = 2;
    pub(super) const READ_FIXED: u8 = 4;
    pub(super) const WRITE_FIXED: u8 = 5;
    pub(super) const SENDMSG: u8 = 9;
    pub(super) const RECVMSG: u8 = 10;
    pub(super) const ACCEPT: u8 = 13;
    pub(super) const CONNECT: u8 = 16;
    pub(super) const OPENAT: u8 = 18;
    pub(super) const CLOSE: u8 = 19;
    pub(super) const READ: u8 = 22;
    pub(super) const WRITE: u8 = 23;
    pub(super) const SEND: u8 = 26;
    pub(super) const RECV: u8 = 27;
    pub(super) const OPENAT2: u8 = 28;
    pub(super) const RENAMEAT: u8 = 35;
    pub(super) const UNLINKAT: u8 = 36;
    pub(super) const MKDIRAT: u8 = 37;
    pub(super) const SYMLINKAT: u8 = 38;
    pub(super) const LINKAT: u8 = 39;
    pub(super) const SEND_ZC: u8 = 47;
    pub(super) const SENDMSG_ZC: u8 = 48;
    pub(super) const READ_MULTISHOT: u8 = 49;
    pub(super) const FTRUNCATE: u8 = 55;
    pub(super) const BIND: u8 = 56;
    pub(super) const LISTEN: u8 = 57;
    pub(super) const READV_FIXED: u8 = 60;
    pub(super) const WRITEV_FIXED: u8 = 61;
}

const AT_REMOVEDIR: u32 = 0x200;

#[inline(always)]
fn process() -> Option<Watched> {
    // SAFETY: no arguments.
    watched((unsafe { bpf_get_current_pid_tgid() } >> 32) as u32)
}

/// A typed pointer as a number to compute with, which the verifier does not allow on the pointer itself: through
/// memory of which it does not track what lies in it.
#[inline(always)]
fn address(family: u32, pointer: *const u8) -> u64 {
    let Some(buffer) = scratch(family) else { return 0 };
    let slot = buffer.cast::<u64>();
    // SAFETY: the start of the buffer, which no event occupies yet.
    unsafe {
        slot.write_volatile(pointer as u64);
        slot.read_volatile()
    }
}

#[btf_tracepoint(function = "io_uring_submit_req")]
#[inline(always)]
pub fn io_uring_submit(ctx: BtfTracePointContext) -> i32 {
    let req = address(family::URING_SUBMIT, ctx.arg::<*const u8>(0));
    let _ = submitted(req);
    0
}

#[inline(always)]
fn submitted(req: u64) -> Option<()> {
    let process = process()?;
    fired(family::URING_SUBMIT, HOOK_URING_SUBMIT);
    let code = kernel::<u8>(req + off!(req_opcode) as u64);
    let cmd = req + off!(req_cmd) as u64;
    let number = |at: usize| kernel::<i32>(cmd + at as u64);
    let pointer = |at: usize| word(cmd + at as u64);
    let (dirfd, name, dirfd2, name2, flags) = match code {
        opcode::OPENAT | opcode::OPENAT2 => {
            (number(off!(io_open_dfd)), pointer(off!(io_open_filename)), 0, 0, number(off!(io_open_flags)))
        }
        opcode::UNLINKAT => (
            number(off!(io_unlink_dfd)),
            pointer(off!(io_unlink_filename)),
            0,
            0,
            number(off!(io_unlink_flags)),
        ),
        opcode::MKDIRAT => {
            let mode = kernel::<u16>(cmd + off!(io_mkdir_mode) as u64) as i32;
            (number(off!(io_mkdir_dfd)), pointer(off!(io_mkdir_filename)), 0, 0, mode)
        }
        opcode::RENAMEAT => (
            number(off!(io_rename_old_dfd)),
            pointer(off!(io_rename_oldpath)),
            number(off!(io_rename_new_dfd)),
            pointer(off!(io_rename_newpath)),
            number(off!(io_rename_flags)),
        ),
        opcode::LINKAT => (
            number(off!(io_link_old_dfd)),
            pointer(off!(io_link_oldpath)),
            number(off!(io_link_new_dfd)),
            pointer(off!(io_link_newpath)),
            number(off!(io_link_flags)),
        ),
        // The new name first, as in the event of the system call; the target text second.
        opcode::SYMLINKAT => (
            number(off!(io_link_new_dfd)),
            pointer(off!(io_link_newpath)),
            0,
            pointer(off!(io_link_oldpath)),
            0,
        ),
        opcode::CLOSE => {
            let fd = number(off!(io_close_fd));
            if kernel::<u32>(cmd + off!(io_close_file_slot) as u64) == 0 {
                close_fd(family::URING_SUBMIT, fd as u32, CLOSE_CALL, process.start_ns, process.ppid);
            }
            return None;
        }
        _ => return None,
    };
    let body = begin::<UringSubmit>(
        family::URING_SUBMIT,
        KIND_URING_SUBMIT,
        FLAG_URING as u32,
        process.start_ns,
        process.ppid,
    )?;
    // SAFETY: `begin` gave room for the body.
    unsafe {
        (*body).request = opaque(req);
        (*body).opcode = code as u32;
        (*body).dirfd = dirfd;
        (*body).dirfd2 = dirfd2;
        (*body).flags = flags as u32;
    }
    let pos = names(code, dirfd, name, dirfd2, name2);
    send(family::URING_SUBMIT, pos);
    Some(())
}

/// The names of a request; the kernel has copied them already.
#[inline(always)]
fn names(code: u8, dirfd: i32, name: u64, dirfd2: i32, name2: u64) -> u32 {
    let mut pos = tail::<UringSubmit>();
    let text = word(name + off!(filename_name) as u64);
    pos = start(family::URING_SUBMIT, pos, SEC_BASE, dirfd, kernel::<u8>(text));
    pos = kernel_string(family::URING_SUBMIT, pos, SEC_RAW as u32, text);
    if name2 != 0 {
        let text = word(name2 + off!(filename_name) as u64);
        if code != opcode::SYMLINKAT {
            pos = start(family::URING_SUBMIT, pos, SEC_BASE2, dirfd2, kernel::<u8>(text));
        }
        pos = kernel_string(family::URING_SUBMIT, pos, SEC_RAW2 as u32, text);
    }
    pos
}

#[btf_tracepoint(function = "io_uring_complete")]
#[inline(always)]
pub fn io_uring_complete(ctx: BtfTracePointContext) -> i32 {
    let req = address(family::URING_COMPLETE, ctx.arg::<*const u8>(1));
    let res = if config_flag(CONFIG_URING_CQE) {
        kernel::<i32>(ctx.arg::<*const u8>(2) as u64 + off!(cqe_res) as u64)
    } else {
        ctx.arg::<i32>(3)
    };
    if req != 0 {
        let _ = completed(req, res);
    }
    0
}

#[inline(always)]
fn completed(req: u64, res: i32) -> Option<()> {
    let code = kernel::<u8>(req + off!(req_opcode) as u64);
    if res == 0 && matches!(code, opcode::RENAMEAT | opcode::UNLINKAT) {
        told::names_changed();
    }
    let process = process()?;
    fired(family::URING_COMPLETE, HOOK_URING_COMPLETE);
    match code {
        opcode::READV
        | opcode::READ
        | opcode::READ_FIXED
        | opcode::READ_MULTISHOT
        | opcode::READV_FIXED
        | opcode::RECV
        | opcode::RECVMSG => {
            if res >= 0 {
                count_read(family::URING_COMPLETE, word(req + off!(req_file) as u64), res as u64);
                unjudged(family::URING_COMPLETE, UNJUDGED_URING);
            }
        }
        opcode::WRITEV
        | opcode::WRITE
        | opcode::WRITE_FIXED
        | opcode::WRITEV_FIXED
        | opcode::SEND
        | opcode::SENDMSG => {
            if res >= 0 {
                count_write(family::URING_COMPLETE, word(req + off!(req_file) as u64), res as u64);
                unjudged(family::URING_COMPLETE, UNJUDGED_URING);
            }
        }
        // A zero-copy send completes twice; the second time with no bytes.
        opcode::SEND_ZC | opcode::SENDMSG_ZC => {
            if res > 0 {
                count_write(family::URING_COMPLETE, word(req + off!(req_file) as u64), res as u64);
                unjudged(family::URING_COMPLETE, UNJUDGED_URING);
            }
        }
        opcode::OPENAT | opcode::OPENAT2 => return opened(req, res, &process),
        opcode::CONNECT => return net(NET_CONNECT, req, res, &process),
        opcode::ACCEPT => return net(NET_ACCEPT, req, res, &process),
        opcode::BIND => return net(NET_BIND, req, res, &process),
        opcode::LISTEN => return net(NET_LISTEN, req, res, &process),
        opcode::UNLINKAT => return path(OP_UNLINK, req, res, &process),
        opcode::RENAMEAT => return path(OP_RENAME, req, res, &process),
        opcode::MKDIRAT => return path(OP_MKDIR, req, res, &process),
        opcode::SYMLINKAT => return path(OP_SYMLINK, req, res, &process),
        opcode::LINKAT => return path(OP_LINK, req, res, &process),
        opcode::FTRUNCATE => return path(OP_TRUNCATE, req, res, &process),
        _ => {}
    }
    None
}

#[inline(always)]
fn opened(req: u64, res: i32, process: &Watched) -> Option<()> {
    let body =
        begin::<Open>(family::URING_COMPLETE, KIND_OPEN, FLAG_URING as u32, process.start_ns, process.ppid)?;
    let cmd = req + off!(req_cmd) as u64;
    // A file in a fixed slot has no descriptor to find it by.
    let slot = kernel::<u32>(cmd + off!(io_open_file_slot) as u64);
    let file = if res >= 0 && slot == 0 { file_of(res as u32) } else { 0 };
    // SAFETY: `begin` gave room for the body.
    unsafe {
        (*body).file = if file != 0 { identity(file) } else { FileId { id: 0, ino: 0, dev: 0, st_mode: 0 } };
        (*body).ret = res;
        (*body).dirfd = kernel::<i32>(cmd + off!(io_open_dfd) as u64);
        (*body).flags = kernel::<u32>(cmd + off!(io_open_flags) as u64);
        (*body).mode = 0;
        (*body).request = opaque(req);
    }
    let mut pos = tail::<Open>();
    if file != 0 {
        pos = walk_path(family::URING_COMPLETE, pos, SEC_PATH, file + off!(file_path) as u64);
        pos = add_verdict(family::URING_COMPLETE, pos);
    }
    send(family::URING_COMPLETE, pos);
    Some(())
}

#[inline(always)]
fn path(op: u32, req: u64, res: i32, process: &Watched) -> Option<()> {
    let body = begin::<PathOp>(
        family::URING_COMPLETE,
        KIND_PATH_OP,
        FLAG_URING as u32,
        process.start_ns,
        process.ppid,
    )?;
    let cmd = req + off!(req_cmd) as u64;
    let mut pos = tail::<PathOp>();
    // SAFETY: `begin` gave room for the body.
    unsafe {
        clear(body, op, res, 0);
        (*body).request = opaque(req);
        if op == OP_UNLINK {
            (*body).a0 = (kernel::<u32>(cmd + off!(io_unlink_flags) as u64) & AT_REMOVEDIR != 0) as u64;
        } else if op == OP_MKDIR {
            (*body).a0 = kernel::<u16>(cmd + off!(io_mkdir_mode) as u64) as u64;
        } else if op == OP_TRUNCATE {
            let file = word(req + off!(req_file) as u64);
            let id = identity(file);
            (*body).op_flags = OPF_FD;
            (*body).ino = id.ino;
            (*body).dev = id.dev;
            (*body).request = 0;
            pos = walk_path(family::URING_COMPLETE, pos, SEC_PATH, file + off!(file_path) as u64);
        }
    }
    send(family::URING_COMPLETE, pos);
    Some(())
}

#[inline(always)]
fn net(op: u32, req: u64, res: i32, process: &Watched) -> Option<()> {
    let accepted = op == NET_ACCEPT && res >= 0;
    let file = if accepted { file_of(res as u32) } else { word(req + off!(req_file) as u64) };
    let id = identity(file);
    if file == 0 || !is_socket(&id) {
        return None;
    }
    let (socket, sk) = sock::of_file(file);
    let body =
        begin::<Net>(family::URING_COMPLETE, KIND_NET, FLAG_URING as u32, process.start_ns, process.ppid)?;
    sock::describe(body, socket, sk);
    // SAFETY: `begin` gave room for the body.
    unsafe {
        (*body).op = op;
        (*body).ret = res;
        (*body).fd = -1;
        (*body).cause = 0;
        (*body).backlog = 0;
        (*body).file = id;
        (*body).sent_bytes = 0;
        (*body).received_bytes = 0;
        (*body).sends = 0;
        (*body).receives = 0;
    }
    let pos = sock::unix_names(family::URING_COMPLETE, tail::<Net>(), sk);
    send(family::URING_COMPLETE, pos);
    Some(())
}

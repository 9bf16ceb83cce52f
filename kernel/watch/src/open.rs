//! open, openat, openat2, creat, open_by_handle_at.

use crate::event::{begin, send, tail, user_string};
use crate::file::{AT_FDCWD, file_of, identity, start};
use crate::judge_path::add_verdict;
use crate::maps::{current, family, off};
use crate::read::user;
use crate::told;
use crate::walk::walk_path;
use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use kernscope_abi::{FileId, KIND_OPEN, Open, SEC_BASE, SEC_PATH, SEC_RAW, layout::variant};

const O_CREAT_WRONLY_TRUNC: u32 = 0o100 | 0o1 | 0o1000;

#[btf_tracepoint(function = "____sys_exit")]
pub fn exit_open(_ctx: BtfTracePointContext) -> i32 {
    let _ = told();
    0
}

#[inline(always)]
fn told() -> Option<()> {
    let now = current(family::SYS_EXIT)?;
    let body = begin::<Open>(family::SYS_EXIT, KIND_OPEN, now.flags, now.start_ns, now.ppid)?;
    let [a, b, c, d, ..] = now.args;
    let (dirfd, raw, flags, mode) = match now.call.variant {
        variant::OPEN => (AT_FDCWD, a, b as u32, c as u32),
        variant::OPENAT => (a as i32, b, c as u32, d as u32),
        variant::OPENAT2 => (a as i32, b, user::<u64>(c) as u32, user::<u64>(c + 8) as u32),
        variant::CREAT => (AT_FDCWD, a, O_CREAT_WRONLY_TRUNC, b as u32),
        _ => (a as i32, 0, c as u32, 0),
    };
    let ret = now.ret as i32;
    let names = told::names();
    let file = if ret >= 0 { file_of(ret as u32) } else { 0 };
    let id = if file != 0 { identity(file) } else { FileId { id: 0, ino: 0, dev: 0, st_mode: 0 } };
    // SAFETY: `begin` gave room for the body.
    unsafe {
        (*body).file = id;
        (*body).ret = ret;
        (*body).dirfd = dirfd;
        (*body).flags = flags;
        (*body).mode = mode;
        (*body).request = 0;
    }
    let mut pos = tail::<Open>();
    if file != 0 {
        pos = walk_path(family::SYS_EXIT, pos, SEC_PATH, file + off!(file_path) as u64);
        pos = add_verdict(family::SYS_EXIT, pos);
    } else {
        pos = start(family::SYS_EXIT, pos, SEC_BASE, dirfd, user::<u8>(raw));
    }
    if raw != 0 {
        pos = user_string(family::SYS_EXIT, pos, SEC_RAW as u32, raw);
    }
    if send(family::SYS_EXIT, pos) && file != 0 {
        told::note(&id, names);
    }
    Some(())
}

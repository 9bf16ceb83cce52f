//! mmap of files.

use crate::event::{begin, send_with, tail};
use crate::file::{file_of, identity};
use crate::maps::{current, family, off, unjudged};
use crate::tls_socket::is_news;
use crate::walk::walk_path;
use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use kernscope_abi::{KIND_MMAP, Mmap, SEC_PATH, layout::UNJUDGED_MAPPED};

const MAP_ANONYMOUS: u64 = 0x20;
const PROT_EXEC: u64 = 4;
/// Ignored by the kernel, and set by the dynamic linker for libraries.
const MAP_DENYWRITE: u64 = 0x800;
/// Unit of the offset of the 32-bit mmap2.
const MMAP2_UNIT_BYTES: u64 = 4096;

#[btf_tracepoint(function = "____sys_exit")]
pub fn exit_mmap(_ctx: BtfTracePointContext) -> i32 {
    let _ = told();
    0
}

#[inline(always)]
fn told() -> Option<()> {
    let now = current(family::SYS_EXIT)?;
    let [_, len, prot, flags, fd, offset] = now.args;
    if flags & MAP_ANONYMOUS != 0 {
        return None;
    }
    let file = file_of(fd as u32);
    if file == 0 {
        return None;
    }
    let id = identity(file);
    if prot & PROT_EXEC == 0 && flags & MAP_DENYWRITE == 0 && now.ret >= 0 {
        unjudged(family::SYS_EXIT, UNJUDGED_MAPPED);
    }
    let urgent = prot & PROT_EXEC != 0 && is_news(id.ino, id.dev);
    let body = begin::<Mmap>(family::SYS_EXIT, KIND_MMAP, now.flags, now.start_ns, now.ppid)?;
    // SAFETY: `begin` gave room for the body.
    unsafe {
        (*body).file = id;
        (*body).ret = now.ret;
        (*body).len = len;
        (*body).offset = if now.call.variant == 1 { offset * MMAP2_UNIT_BYTES } else { offset };
        (*body).prot = prot as u32;
        (*body).flags = flags as u32;
    }
    let pos = walk_path(family::SYS_EXIT, tail::<Mmap>(), SEC_PATH, file + off!(file_path) as u64);
    send_with(family::SYS_EXIT, pos, urgent);
    Some(())
}

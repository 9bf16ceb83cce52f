//! What a process reads from its standard input and writes to its other two, where that is a pipe or a local socket: as it is.
//!
//! Behind the programs that count what calls move. A call is told in pieces, which the host puts together by their offsets. Most
//! bytes of a call: [`PIECES`] times [`PIECE_BYTES`] of a buffer; what is more counts as lost. 64-bit programs only.

use crate::event::{begin, send, tail, user_bytes};
use crate::file::{file_of, identity};
use crate::io::counts;
use crate::maps::{config_flag, current, family, lost, member, produced};
use crate::onward::hand_on;
use crate::read::user;
use crate::sock::{self, AF_UNIX};
use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use kernscope_abi::{
    CONTENT_IN, CONTENT_OUT, Content, Endpoint, FLAG_COMPAT, KIND_STDIO, MAX_PATH, SEC_DATA,
    layout::{CONFIG_STDIO, LOST_TOO_LONG, data, exit_call, variant},
};

/// The highest of the three descriptors.
const LAST_FD: u64 = 2;
const S_IFMT: u16 = 0o170000;
const S_IFIFO: u16 = 0o010000;
const S_IFSOCK: u16 = 0o140000;
/// Sections of a piece, and bytes of one.
const SECTIONS: u64 = 6;
const PIECE_BYTES: u64 = SECTIONS * MAX_PATH as u64;
/// Pieces of a buffer, and buffers of a vector.
const PIECES: u64 = 12;
const BUFFERS: u64 = 16;
/// Offset in `struct user_msghdr` of 64-bit programs (include/linux/socket.h); the number of buffers follows.
const MSG_IOV: u64 = 16;

/// Whether the call in progress is on a descriptor that is told.
#[inline(always)]
pub(crate) fn concerns(file: u64) -> bool {
    let Some(now) = current(family::SYS_EXIT) else { return false };
    if !config_flag(CONFIG_STDIO) || now.args[0] as u32 as u64 > LAST_FD {
        return false;
    }
    let inode: u64 = member!(file, file, file_inode);
    let mode: u16 = member!(inode, inode, inode_mode);
    mode & S_IFMT == S_IFIFO || mode & S_IFMT == S_IFSOCK && sock::family_of(sock::of_file(file).1) == AF_UNIX
}

#[btf_tracepoint(function = "____sys_exit")]
pub fn exit_stdio(ctx: BtfTracePointContext) -> i32 {
    let _ = told();
    hand_on(&ctx);
    0
}

#[inline(always)]
fn told() -> Option<()> {
    let now = current(family::SYS_EXIT)?;
    if now.ret <= 0 || now.flags & FLAG_COMPAT as u32 != 0 {
        return None;
    }
    let total = now.ret as u64;
    let shape = now.call.op as u32;
    match shape {
        data::BUFFER => {
            buffer(now.args[1], total, 0);
        }
        data::VECTOR => vector(now.args[1], now.args[2], total),
        data::MESSAGE => {
            let [base, count] = user::<[u64; 2]>(now.args[1] + MSG_IOV);
            vector(base, count, total);
        }
        _ => {
            produced(family::SYS_EXIT, KIND_STDIO);
            lost(family::SYS_EXIT, LOST_TOO_LONG);
        }
    }
    Some(())
}

/// The buffers of a vector, one behind the other.
#[inline(always)]
fn vector(address: u64, count: u64, total: u64) {
    let mut at = 0;
    for index in 0..BUFFERS {
        if index >= count || at >= total {
            break;
        }
        let [base, room] = user::<[u64; 2]>(address + 16 * index);
        let left = total - at;
        let len = if room < left { room } else { left };
        stdio_buffer(base, len, at);
        at += len;
    }
    if at < total {
        produced(family::SYS_EXIT, KIND_STDIO);
        lost(family::SYS_EXIT, LOST_TOO_LONG);
    }
}

/// Bytes that lie in one buffer, `at` in the call. A function of its own so that the verifier pays for one buffer.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn stdio_buffer(address: u64, len: u64, at: u64) -> u32 {
    buffer(address, len, at);
    0
}

#[inline(always)]
fn buffer(address: u64, len: u64, at: u64) {
    let mut done = 0;
    for _ in 0..PIECES {
        if done >= len {
            return;
        }
        let left = len - done;
        stdio_piece(address + done, if left < PIECE_BYTES { left } else { PIECE_BYTES }, at + done);
        done += PIECE_BYTES;
    }
    if done < len {
        produced(family::SYS_EXIT, KIND_STDIO);
        lost(family::SYS_EXIT, LOST_TOO_LONG);
    }
}

/// Tells one piece.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn stdio_piece(address: u64, len: u64, at: u64) -> u32 {
    let Some(now) = current(family::SYS_EXIT) else { return 0 };
    let file = file_of(now.args[0] as u32);
    let Some(slot) = counts(family::SYS_EXIT, file) else { return 0 };
    let Some(body) = begin::<Content>(family::SYS_EXIT, KIND_STDIO, now.flags, now.start_ns, now.ppid) else {
        return 0;
    };
    let is_read = is_read();
    // SAFETY: `begin` gave room for the body; the slot is a map value.
    unsafe {
        let moved = if is_read { (*slot).read_bytes } else { (*slot).write_bytes };
        (*body).file = identity(file);
        (*body).remote = Endpoint { addr: [0; 16], port: 0, version: 0, scope: 0 };
        (*body).offset = moved.wrapping_sub(now.ret as u64);
        (*body).call_bytes = now.ret as u64;
        (*body).at = at;
        (*body).overlap = 0;
        (*body).source = if is_read { CONTENT_IN } else { CONTENT_OUT };
        (*body).fd = now.args[0] as i32;
        (*body).again = 0;
    }
    let mut pos = tail::<Content>();
    for index in 0..SECTIONS {
        let done = index * MAX_PATH as u64;
        if done >= len {
            break;
        }
        let left = len - done;
        let bytes = if left < MAX_PATH as u64 { left } else { MAX_PATH as u64 };
        pos = user_bytes(family::SYS_EXIT, pos, SEC_DATA as u32, address + done, bytes as u32);
    }
    send(family::SYS_EXIT, pos);
    1
}

/// Whether the call in progress brought data in.
#[inline(always)]
fn is_read() -> bool {
    let Some(now) = current(family::SYS_EXIT) else { return false };
    match now.call.exit as u32 {
        exit_call::IO => now.call.variant == variant::READ,
        _ => now.call.variant == variant::RECV || now.call.variant == variant::RECVMMSG,
    }
}

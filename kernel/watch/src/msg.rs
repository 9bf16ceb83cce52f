//! send and receive: counted as reads and writes are; datagrams to a new address are told.

use crate::event::{begin, plain, send, tail, user_bytes};
use crate::file::{AT_FDCWD, base, file_of, identity, is_socket};
use crate::io::{calls_on, count_read, count_write, counts};
use crate::maps::{Current, config_flag, current, family};
use crate::net::endpoint;
use crate::onward::go_on;
use crate::read::user;
use crate::sock::{self, AF_UNIX, SUN_PATH_BYTES};
use crate::tls_seen;
use crate::tls_socket::tls_used;
use aya_ebpf::{
    helpers::generated::bpf_probe_read_user, macros::btf_tracepoint, programs::BtfTracePointContext,
};
use kernscope_abi::{
    Endpoint, FLAG_COMPAT, KIND_NET, NET_SEND, Net, SEC_BASE, SEC_UNIX_REMOTE,
    layout::{CONFIG_TLS, data, variant},
};

/// What a call returns that is not permitted.
const EPERM: i64 = -1;
/// Most messages of one sendmmsg or recvmmsg (`UIO_MAXIOV`).
const MAX_MESSAGES: u64 = 1024;
/// Messages that one call of [`message_block`] looks at.
const BLOCK: u64 = 16;

/// `MSG_PEEK` (include/linux/socket.h).
const PEEK: u64 = 2;

/// Whether what the call in progress received is left to be received again: then it is counted, told and judged.
#[inline(always)]
fn is_peek(now: &Current) -> bool {
    let flags = match now.call.variant {
        variant::RECV if now.call.op as u32 == data::MESSAGE => now.args[2],
        variant::RECV | variant::RECVMMSG => now.args[3],
        _ => 0,
    };
    flags & PEEK != 0
}

/// Sizes of `struct mmsghdr` and places in it, for 64-bit and 32-bit programs.
#[inline(always)]
fn message(compat: bool) -> (u64, u64, u64) {
    if compat { (32, 28, 4) } else { (64, 56, 8) }
}

#[btf_tracepoint(function = "____sys_exit")]
pub fn exit_msg(ctx: BtfTracePointContext) -> i32 {
    let Some(file) = told() else { return 0 };
    go_on(&ctx, file);
    0
}

#[inline(always)]
fn told() -> Option<u64> {
    let now = current(family::SYS_EXIT)?;
    let compat = now.flags & FLAG_COMPAT as u32 != 0;
    let (_, _, word_bytes) = message(compat);
    let at = now.args[1];
    if now.ret < 0 {
        // Who may not send to an address is told of it.
        match now.call.variant {
            variant::SENDTO if now.ret == EPERM => destination(now.args[4], now.args[5] as u32),
            variant::SENDMSG | variant::SENDMMSG if now.ret == EPERM => {
                destination(pointer(at, compat), user::<u32>(at + word_bytes));
            }
            _ => {}
        }
        return None;
    }
    let file = file_of(now.args[0] as u32);
    if file == 0 {
        return None;
    }
    let (ret, is_peeked) = (now.ret as u64, is_peek(now));
    let calls = match now.call.variant {
        variant::SENDTO => {
            let calls = count_write(family::SYS_EXIT, file, ret);
            destination(now.args[4], now.args[5] as u32);
            calls
        }
        variant::SENDMSG => {
            let calls = count_write(family::SYS_EXIT, file, ret);
            destination(pointer(at, compat), user::<u32>(at + word_bytes));
            calls
        }
        _ if is_peeked => calls_on(family::SYS_EXIT, file),
        variant::RECV => count_read(family::SYS_EXIT, file, ret),
        many => {
            let is_sent = many == variant::SENDMMSG;
            let bytes = messages(is_sent);
            // The judge takes them one by one: bytes that are left, and the number of the next.
            now.args[4] = bytes;
            now.args[5] = 0;
            match is_sent {
                true => count_write(family::SYS_EXIT, file, bytes),
                false => count_read(family::SYS_EXIT, file, bytes),
            }
        }
    };
    if config_flag(CONFIG_TLS) {
        let is_sent = matches!(now.call.variant, variant::SENDTO | variant::SENDMSG | variant::SENDMMSG);
        tls_used(file, now.args[0] as u32, is_sent as u32);
        tls_seen::look(calls);
    }
    if is_peeked { None } else { Some(file) }
}

#[inline(always)]
fn pointer(address: u64, compat: bool) -> u64 {
    if compat { user::<u32>(address) as u64 } else { user::<u64>(address) }
}

/// Bytes of the messages of the call in progress; told for each that was sent where it went.
#[inline(always)]
fn messages(sent: bool) -> u64 {
    let mut total = 0;
    for block in 0..MAX_MESSAGES / BLOCK {
        let bytes = message_block(block, sent as u32);
        if bytes == 0 {
            break;
        }
        total += bytes;
    }
    total
}

/// The same for a block of messages; a function of its own so that the verifier pays for one block.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn message_block(block: u64, sent: u32) -> u64 {
    let Some(now) = current(family::SYS_EXIT) else { return 0 };
    let compat = now.flags & FLAG_COMPAT as u32 != 0;
    let (size, len_at, word_bytes) = message(compat);
    let (at, n) = (now.args[1], now.ret as u64);
    let mut total = 0;
    for i in 0..BLOCK {
        let index = block * BLOCK + i;
        if index >= n {
            break;
        }
        let one = at + index * size;
        total += user::<u32>(one + len_at) as u64;
        if sent != 0 {
            destination(pointer(one, compat), user::<u32>(one + word_bytes));
        }
    }
    total
}

/// Tells of a datagram's destination when it is not the one before.
///
/// In two functions, one after the other: their frames and those of the walk share the 512 bytes of a program's stack.
#[inline(always)]
fn destination(address: u64, len: u32) {
    if note_destination(address, len) != 0 {
        tell_destination(address, len);
    }
}

/// Keeps the destination of the call in progress; not 0 when it is another one than before.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn note_destination(address: u64, len: u32) -> u32 {
    if address == 0 || len < 2 {
        return 0;
    }
    let Some(now) = current(family::SYS_EXIT) else { return 0 };
    let file = file_of(now.args[0] as u32);
    if !is_socket(&identity(file)) {
        return 0;
    }
    let asked = user::<u16>(address);
    let mut end = Endpoint { addr: [0; 16], port: 0, version: 0, scope: 0 };
    if asked == AF_UNIX {
        unix_key(&mut end, address + 2, len - 2);
    } else {
        endpoint(&mut end, asked, address);
    }
    let Some(slot) = counts(family::SYS_EXIT, file) else { return 0 };
    // SAFETY: a map value.
    if unsafe { same(&(*slot).last_remote, &end) } {
        return 0;
    }
    // SAFETY: as above.
    unsafe { (*slot).last_remote = end };
    1
}

/// Sends the event for the destination that was just kept.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn tell_destination(address: u64, len: u32) -> u32 {
    let Some(now) = current(family::SYS_EXIT) else { return 0 };
    let file = file_of(now.args[0] as u32);
    let (socket, sk) = sock::of_file(file);
    let asked = user::<u16>(address);
    let Some(slot) = counts(family::SYS_EXIT, file) else { return 0 };
    let Some(body) = begin::<Net>(family::SYS_EXIT, KIND_NET, now.flags, now.start_ns, now.ppid) else {
        return 0;
    };
    sock::describe(body, socket, sk);
    // SAFETY: `begin` gave room for the body; the slot is a map value.
    unsafe {
        (*body).op = NET_SEND;
        (*body).ret = now.ret as i32;
        (*body).fd = now.args[0] as i32;
        (*body).cause = 0;
        (*body).backlog = 0;
        (*body).file = identity(file);
        (*body).sent_bytes = 0;
        (*body).received_bytes = 0;
        (*body).sends = 0;
        (*body).receives = 0;
        if asked != AF_UNIX {
            (*body).remote = (*slot).last_remote;
        }
    }
    let mut pos = tail::<Net>();
    if asked == AF_UNIX && len - 2 <= SUN_PATH_BYTES {
        let first = user::<u8>(address + 2);
        if first != b'/' && first != 0 {
            pos = base(family::SYS_EXIT, pos, SEC_BASE, AT_FDCWD);
        }
        pos = user_bytes(family::SYS_EXIT, pos, SEC_UNIX_REMOTE as u32, address + 2, len - 2);
    }
    send(family::SYS_EXIT, pos);
    1
}

/// A UNIX name as an endpoint to compare by: a hash of its bytes, eight at a time.
#[inline(always)]
fn unix_key(end: &mut Endpoint, path: u64, len: u32) {
    let mut name = [0u64; SUN_PATH_BYTES as usize / 8 + 1];
    let len = plain(len);
    if len <= SUN_PATH_BYTES as u64 {
        // SAFETY: `len` bytes fit, checked above; the helper checks the source.
        unsafe { bpf_probe_read_user(name.as_mut_ptr().cast(), len as u32, path as *const _) };
    }
    let mut hash: u64 = len;
    for part in name {
        hash = (hash ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        hash ^= hash >> 29;
    }
    end.scope = hash as u32;
    end.port = (hash >> 32) as u16;
    end.version = 1;
}

#[inline(always)]
fn same(a: &Endpoint, b: &Endpoint) -> bool {
    let halves = |end: &Endpoint| -> (u64, u64) {
        let mut first = [0; 8];
        let mut second = [0; 8];
        first.copy_from_slice(&end.addr[..8]);
        second.copy_from_slice(&end.addr[8..]);
        (u64::from_ne_bytes(first), u64::from_ne_bytes(second))
    };
    a.port == b.port && a.version == b.version && a.scope == b.scope && halves(a) == halves(b)
}

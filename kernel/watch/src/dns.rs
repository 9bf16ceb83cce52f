//! Messages to and from port 53, as they are.
//!
//! Behind the programs that count what calls move: whoever sends to port 53, or receives from there, by datagram or stream, is
//! told of with the bytes. The other end is the one that the message names, else the one that the socket is connected to,
//! else the last one that it sent to.

use crate::event::{begin, send, tail, user_bytes};
use crate::file::{file_of, identity};
use crate::io::counts;
use crate::maps::{config_flag, current, family, member};
use crate::net::endpoint;
use crate::onward::hand_on;
use crate::read::user;
use crate::sock::{self, AF_INET, AF_INET6};
use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use kernscope_abi::{
    CONTENT_IN, CONTENT_OUT, Dns, Endpoint, FLAG_COMPAT, KIND_DNS, MAX_PATH, Net, SEC_DATA,
    layout::{CONFIG_DNS, data, exit_call, variant},
};

/// The port of name servers.
const PORT: u16 = 53;
/// Messages of one call that are told.
const MESSAGES: u64 = 8;
/// Buffers of a vector that are told.
const BUFFERS: u64 = 4;
/// Offsets in `struct user_msghdr` and `struct mmsghdr` of 64-bit programs (include/linux/socket.h).
const NAME_LEN: u64 = 8;
const VECTOR: u64 = 16;
const COUNT: u64 = 24;
const MESSAGE_BYTES: u64 = 64;
const MESSAGE_LEN: u64 = 56;

const S_IFMT: u16 = 0o170000;
const S_IFSOCK: u16 = 0o140000;

/// Whether what the call in progress moved through a file went to a name server, or may have come from one.
#[inline(always)]
pub(crate) fn concerns(file: u64) -> bool {
    if !config_flag(CONFIG_DNS) {
        return false;
    }
    let inode: u64 = member!(file, file, file_inode);
    let mode: u16 = member!(inode, inode, inode_mode);
    mode & S_IFMT == S_IFSOCK && is_dns(file) != 0
}

/// The same for a socket. A function of its own: few files are one.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn is_dns(file: u64) -> u32 {
    let (_, sk) = sock::of_file(file);
    let family = sock::family_of(sk);
    if family != AF_INET && family != AF_INET6 {
        return 0;
    }
    let port = sock::remote_port(sk);
    if port != 0 {
        return (port == PORT) as u32;
    }
    let Some(slot) = counts(family::SYS_EXIT, file) else { return 0 };
    // SAFETY: a map value.
    unsafe { ((*slot).last_remote.port == PORT) as u32 }
}

#[btf_tracepoint(function = "____sys_exit")]
pub fn exit_dns(ctx: BtfTracePointContext) -> i32 {
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
    let bytes = now.ret as u64;
    let shape = now.call.op as u32;
    if now.call.exit as u32 == exit_call::IO {
        match shape {
            data::BUFFER => dns_buffer(0, now.args[1], bytes),
            data::VECTOR => dns_vector(0, now.args[1], now.args[2], bytes),
            _ => 0,
        };
        return Some(());
    }
    match now.call.variant {
        variant::SENDTO => dns_buffer(now.args[4], now.args[1], bytes),
        variant::RECV if shape == data::BUFFER => dns_buffer(now.args[4], now.args[1], bytes),
        variant::SENDMSG | variant::RECV if shape == data::MESSAGE => message(now.args[1], bytes),
        variant::SENDMMSG | variant::RECVMMSG => {
            for index in 0..MESSAGES {
                if index >= bytes {
                    break;
                }
                let one = now.args[1] + index * MESSAGE_BYTES;
                message(one, user::<u32>(one + MESSAGE_LEN) as u64);
            }
            0
        }
        _ => 0,
    };
    Some(())
}

/// A message by its header.
#[inline(always)]
fn message(header: u64, bytes: u64) -> u32 {
    let name = if user::<u32>(header + NAME_LEN) < 2 { 0 } else { user::<u64>(header) };
    dns_vector(name, user::<u64>(header + VECTOR), user::<u64>(header + COUNT), bytes)
}

/// Tells bytes that lie in one buffer.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn dns_buffer(name: u64, buffer: u64, bytes: u64) -> u32 {
    let Some(start) = front(name, bytes) else { return 0 };
    let most = if bytes < MAX_PATH as u64 { bytes } else { MAX_PATH as u64 };
    let pos = user_bytes(family::SYS_EXIT, start, SEC_DATA as u32, buffer, most as u32);
    send(family::SYS_EXIT, pos);
    1
}

/// Tells bytes that lie in the buffers of a vector, each as a section.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn dns_vector(name: u64, vector: u64, count: u64, bytes: u64) -> u32 {
    let Some(mut pos) = front(name, bytes) else { return 0 };
    let mut left = if bytes < MAX_PATH as u64 { bytes } else { MAX_PATH as u64 };
    for index in 0..BUFFERS {
        if index >= count || left == 0 {
            break;
        }
        let [base, room] = user::<[u64; 2]>(vector + 16 * index);
        let len = if room < left { room } else { left };
        pos = user_bytes(family::SYS_EXIT, pos, SEC_DATA as u32, base, len as u32);
        left -= len;
    }
    send(family::SYS_EXIT, pos);
    1
}

/// Writes header and body; where the sections begin, or `None` where the other end is no name server.
#[inline(always)]
fn front(name: u64, bytes: u64) -> Option<u32> {
    let now = current(family::SYS_EXIT)?;
    let file = file_of(now.args[0] as u32);
    let (socket, sk) = sock::of_file(file);
    let mut remote = Endpoint { addr: [0; 16], port: 0, version: 0, scope: 0 };
    if name != 0 {
        endpoint(&mut remote, user::<u16>(name), name);
    }
    let slot = counts(family::SYS_EXIT, file)?;
    // SAFETY: the scratch buffer has room for a body of either sort; the slot is a map value.
    unsafe {
        let net = crate::event::scratch(family::SYS_EXIT)?.cast::<Net>();
        sock::describe(net, socket, sk);
        let (kind, ends) = ((*net).sock_type, (*net).remote);
        if remote.port == 0 {
            remote = if ends.port != 0 { ends } else { (*slot).last_remote };
        }
        if remote.port != PORT {
            return None;
        }
        let body = begin::<Dns>(family::SYS_EXIT, KIND_DNS, now.flags, now.start_ns, now.ppid)?;
        (*body).file = identity(file);
        (*body).remote = remote;
        (*body).bytes = bytes;
        (*body).fd = now.args[0] as i32;
        (*body).direction =
            if is_read(now.call.exit as u32, now.call.variant) { CONTENT_IN } else { CONTENT_OUT };
        (*body).sock_type = kind as u32;
        (*body).pad = 0;
    }
    Some(tail::<Dns>())
}

/// Whether a call brings data in.
#[inline(always)]
fn is_read(exit: u32, variant: u8) -> bool {
    if exit == exit_call::IO {
        return variant == variant::READ;
    }
    variant == variant::RECV || variant == variant::RECVMMSG
}

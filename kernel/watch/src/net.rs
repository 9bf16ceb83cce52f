//! connect, bind, listen, accept.

use crate::event::{begin, send, tail, user_bytes};
use crate::file::{AT_FDCWD, base, file_of, identity, is_socket};
use crate::maps::{Current, current, family};
use crate::read::user;
use crate::sock::{self, AF_INET, AF_INET6, AF_UNIX, SUN_PATH_BYTES};
use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use kernscope_abi::{
    Endpoint, KIND_NET, NET_ACCEPT, NET_BIND, NET_CONNECT, NET_LISTEN, Net, SEC_BASE, SEC_UNIX_LOCAL,
    SEC_UNIX_REMOTE,
};

/// Offset of `sin_port`, `sin6_port`, `sun_path` in their address structs.
const AFTER_FAMILY: u64 = 2;

#[btf_tracepoint(function = "____sys_exit")]
pub fn exit_net(_ctx: BtfTracePointContext) -> i32 {
    let _ = told();
    0
}

#[inline(always)]
fn told() -> Option<()> {
    let now = current(family::SYS_EXIT)?;
    let op = now.call.op as u32;
    let fd = now.args[0] as u32;
    let ret = now.ret as i32;
    // An accepted connection is described by its own socket, everything else by the one of the call.
    let file = file_of(if op == NET_ACCEPT && ret >= 0 { ret as u32 } else { fd });
    if file == 0 {
        return None;
    }
    let id = identity(file);
    if !is_socket(&id) {
        return None;
    }
    let (socket, sk) = sock::of_file(file);
    let body = begin::<Net>(family::SYS_EXIT, KIND_NET, now.flags, now.start_ns, now.ppid)?;
    sock::describe(body, socket, sk);
    // SAFETY: `begin` gave room for the body.
    unsafe {
        (*body).op = op;
        (*body).ret = ret;
        (*body).fd = fd as i32;
        (*body).cause = 0;
        (*body).backlog = if op == NET_LISTEN { now.args[1] as u32 } else { 0 };
        (*body).file = id;
        (*body).sent_bytes = 0;
        (*body).received_bytes = 0;
        (*body).sends = 0;
        (*body).receives = 0;
        let pos = ends(now, body, op, sk);
        send(family::SYS_EXIT, pos);
    }
    Some(())
}

/// Adds what the socket itself does not tell: the address that was asked for, UNIX names.
#[inline(always)]
unsafe fn ends(now: &Current, body: *mut Net, op: u32, sk: u64) -> u32 {
    let pos = tail::<Net>();
    let address = now.args[1];
    if op == NET_CONNECT || (op == NET_BIND && now.ret < 0) {
        let asked = user::<u16>(address);
        if asked == AF_UNIX {
            return unix_asked(now, if op == NET_CONNECT { SEC_UNIX_REMOTE } else { SEC_UNIX_LOCAL }, pos);
        }
        // SAFETY: the caller's body.
        let end = unsafe { if op == NET_CONNECT { &mut (*body).remote } else { &mut (*body).local } };
        endpoint(end, asked, address);
        return pos;
    }
    if op == NET_BIND && sock::family_of(sk) == AF_UNIX {
        return unix_asked(now, SEC_UNIX_LOCAL, pos);
    }
    sock::unix_names(family::SYS_EXIT, pos, sk)
}

/// The `sun_path` that a program passed, and the directory it is relative to.
#[inline(always)]
fn unix_asked(now: &Current, tag: u8, mut pos: u32) -> u32 {
    let path = now.args[1] + AFTER_FAMILY;
    let first = user::<u8>(path);
    if first != b'/' && first != 0 {
        pos = base(family::SYS_EXIT, pos, SEC_BASE, AT_FDCWD);
    }
    let len = (now.args[2] as u32).wrapping_sub(AFTER_FAMILY as u32);
    if len > SUN_PATH_BYTES {
        return pos;
    }
    user_bytes(family::SYS_EXIT, pos, tag as u32, path, len)
}

/// An internet address that a program passed.
#[inline(always)]
pub(crate) fn endpoint(end: &mut Endpoint, family: u16, address: u64) {
    let port = u16::from_be(user::<u16>(address + AFTER_FAMILY));
    if family == AF_INET {
        end.addr = [0; 16];
        sock::v4(end, user::<[u8; 4]>(address + 4), port);
    } else if family == AF_INET6 {
        end.addr = user::<[u8; 16]>(address + 8);
        end.port = port;
        end.version = 6;
        end.scope = user::<u32>(address + 24);
    }
}

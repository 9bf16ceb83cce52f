//! Sockets: family, ends, UNIX names.

use crate::event::{LAST_START, plain, scratch, section};
use crate::maps::off;
use crate::read::{kernel, word};
use aya_ebpf::helpers::generated::bpf_probe_read_kernel;
use core::mem::size_of;
use kernscope_abi::{Endpoint, Net, SEC_UNIX_LOCAL, SEC_UNIX_REMOTE, SECF_UNRESOLVED, Section};

pub(crate) const AF_UNIX: u16 = 1;
pub(crate) const AF_INET: u16 = 2;
pub(crate) const AF_INET6: u16 = 10;
/// Bytes of `sun_path`.
pub(crate) const SUN_PATH_BYTES: u32 = 108;
/// Bytes of `sun_family` before it.
const SUN_FAMILY_BYTES: u32 = 2;

/// The `struct socket` and `struct sock` of a socket's file.
#[inline(always)]
pub(crate) fn of_file(file: u64) -> (u64, u64) {
    let socket = word(file + off!(file_private_data) as u64);
    (socket, word(socket + off!(socket_sk) as u64))
}

#[inline(always)]
pub(crate) fn family_of(sk: u64) -> u16 {
    kernel::<u16>(sk + off!(sk_family) as u64)
}

/// Port of the end that it is connected to; 0 when it is not.
#[inline(always)]
pub(crate) fn remote_port(sk: u64) -> u16 {
    u16::from_be(kernel::<u16>(sk + off!(sk_dport) as u64))
}

/// The protocol is a bit field before 5.6 only; from then on 16 bits.
#[inline(always)]
fn protocol_of(sk: u64) -> u16 {
    kernel::<u16>(sk + off!(sk_protocol) as u64)
}

/// Fills in family, type, protocol and both ends.
#[inline(always)]
pub(crate) fn describe(body: *mut Net, socket: u64, sk: u64) {
    // SAFETY: the caller's body, with room for a Net.
    unsafe {
        (*body).family = family_of(sk);
        (*body).sock_type = kernel::<u16>(socket + off!(socket_type) as u64);
        (*body).protocol = protocol_of(sk);
        (*body).pad = 0;
        (*body).pad2 = 0;
        ends(&mut (*body).local, &mut (*body).remote, sk);
    }
}

/// Fills in both ends; zero for sockets that are not of the internet.
#[inline(always)]
pub(crate) fn ends(local: &mut Endpoint, remote: &mut Endpoint, sk: u64) {
    let none = Endpoint { addr: [0; 16], port: 0, version: 0, scope: 0 };
    *local = none;
    *remote = none;
    let family = family_of(sk);
    if family == AF_INET {
        let port = kernel::<u16>(sk + off!(sk_num) as u64);
        v4(local, kernel(sk + off!(sk_rcv_saddr) as u64), port);
        let port = u16::from_be(kernel::<u16>(sk + off!(sk_dport) as u64));
        v4(remote, kernel(sk + off!(sk_daddr) as u64), port);
    } else if family == AF_INET6 {
        let scope = kernel::<u32>(sk + off!(sk_bound_dev_if) as u64);
        let port = kernel::<u16>(sk + off!(sk_num) as u64);
        v6(local, sk + off!(sk_v6_rcv_saddr) as u64, port, scope);
        let port = u16::from_be(kernel::<u16>(sk + off!(sk_dport) as u64));
        v6(remote, sk + off!(sk_v6_daddr) as u64, port, scope);
    }
}

#[inline(always)]
pub(crate) fn v4(end: &mut Endpoint, bytes: [u8; 4], port: u16) {
    end.addr[0] = bytes[0];
    end.addr[1] = bytes[1];
    end.addr[2] = bytes[2];
    end.addr[3] = bytes[3];
    end.port = port;
    end.version = 4;
}

#[inline(always)]
fn v6(end: &mut Endpoint, address: u64, port: u16, scope: u32) {
    end.addr = kernel::<[u8; 16]>(address);
    end.port = port;
    end.version = 6;
    end.scope = scope;
}

/// Adds the names of a UNIX socket and of its peer; nothing for other sockets.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn unix_names(family: u32, pos: u32, sk: u64) -> u32 {
    if family_of(sk) != AF_UNIX {
        return pos;
    }
    let pos = unix_name(family, pos, SEC_UNIX_LOCAL as u32, sk);
    let peer = word(sk + off!(unix_peer) as u64);
    if peer == 0 {
        return pos;
    }
    unix_name(family, pos, SEC_UNIX_REMOTE as u32, peer)
}

/// Adds the name that a UNIX socket is bound to.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn unix_name(family: u32, pos: u32, tag: u32, sk: u64) -> u32 {
    let address = word(sk + off!(unix_addr) as u64);
    let from = plain(pos);
    if address == 0 || from > LAST_START as u64 {
        return pos;
    }
    let Some(buffer) = scratch(family) else { return pos };
    let len = plain(kernel::<u32>(address + off!(unix_address_len) as u64).wrapping_sub(SUN_FAMILY_BYTES));
    if len == 0 || len > SUN_PATH_BYTES as u64 {
        return pos;
    }
    let name = address + off!(unix_address_name) as u64 + SUN_FAMILY_BYTES as u64;
    // SAFETY: room for a section behind LAST_START; `len` is checked.
    unsafe {
        let at = buffer.add(from as usize);
        let failed =
            bpf_probe_read_kernel(at.add(size_of::<Section>()).cast(), len as u32, name as *const _) != 0;
        let (len, flags) = if failed { (0, SECF_UNRESOLVED) } else { (len as u32, 0) };
        section(at, tag, flags, len);
        pos + size_of::<Section>() as u32 + len
    }
}

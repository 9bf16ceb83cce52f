//! Sockets: protocols by name, ends as text, and their closes.

use super::carry::Counters;
use super::closes::{self, Gone};
use super::{Core, Unknown, names, paths};
use crate::raw::{Event, Sec};
use kernscope_abi as abi;
use kernscope_report::text::Escapes;
use kernscope_report::{Body, Entry, NetCall};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};

impl Core {
    pub(super) fn net(
        &mut self,
        event: &Event<'_>,
        net: &abi::Net,
        out: &mut Vec<Entry>,
    ) -> Result<(), Unknown> {
        if net.op > abi::NET_SEND || (net.op == abi::NET_CLOSE && closes::cause_name(net.cause).is_none()) {
            return Err(Unknown);
        }
        let mut escapes = Escapes::default();
        let local = self.unix_local(event, net);
        let mut call = call(event, net, local, &mut escapes);
        if matches!(net.op, abi::NET_CONNECT | abi::NET_SEND) {
            call.name = self.answered_name(&net.remote);
        }
        let body = match net.op {
            abi::NET_CONNECT => Body::NetConnect(call),
            abi::NET_BIND => Body::NetBind(call),
            abi::NET_LISTEN => Body::NetListen(call),
            abi::NET_ACCEPT => Body::NetAccept(call),
            abi::NET_SEND => Body::NetSend(call),
            _ => Body::NetClose { call, bytes_sent: None, bytes_received: None },
        };
        let who = self.who(&event.header);
        self.tls_connects(&event.header, net, who.exe.clone());
        let entry = who.entry(body, escapes);
        if net.op == abi::NET_CLOSE {
            let counters = Counters {
                in_bytes: net.received_bytes,
                out_bytes: net.sent_bytes,
                ins: net.receives,
                outs: net.sends,
            };
            let gone = Gone { file: net.file.id, fd: net.fd, cause: net.cause, counters };
            return self.gone(&event.header, &gone, entry, out);
        }
        if net.file.id != 0 {
            // Whoever names an address for a socket uses it as its own.
            let fd = if net.op == abi::NET_ACCEPT && net.ret >= 0 { net.ret } else { net.fd };
            self.note_opened(&event.header, net.file.id, fd);
        }
        self.emit(out, entry);
        Ok(())
    }

    /// The UNIX name of the local end. A relative one is remembered when the socket is bound.
    fn unix_local(&mut self, event: &Event<'_>, net: &abi::Net) -> Option<Vec<u8>> {
        let sec = event.sections.get(abi::SEC_UNIX_LOCAL).filter(|sec| !sec.has(abi::SECF_UNRESOLVED))?;
        let base = event.sections.get(abi::SEC_BASE);
        let name = unix_name(sec.bytes, base)?;
        let passed = sec.bytes.split(|&b| b == 0).next().unwrap_or_default();
        let is_relative = !passed.is_empty() && !passed.starts_with(b"/");
        if !is_relative {
            return Some(name);
        }
        let pid = event.header.pid;
        if name.starts_with(b"/") {
            if net.op == abi::NET_BIND && net.ret == 0 {
                self.bound.note(net.file.ino, pid, passed, &name);
            }
            return Some(name);
        }
        Some(self.bound.path(net.file.ino, pid, passed).map_or(name, <[u8]>::to_vec))
    }
}

fn call(event: &Event<'_>, net: &abi::Net, local: Option<Vec<u8>>, escapes: &mut Escapes) -> NetCall {
    let base = event.sections.get(abi::SEC_BASE);
    // A peer's relative name is relative to a directory of the peer; only one passed by this process is to its own.
    let remote_base = base.filter(|_| matches!(net.op, abi::NET_CONNECT | abi::NET_SEND));
    let unix = |tag| event.sections.get(tag).filter(|sec| !sec.has(abi::SECF_UNRESOLVED));
    let remote = unix(abi::SEC_UNIX_REMOTE).and_then(|sec| unix_name(sec.bytes, remote_base));
    let ret = i64::from(net.ret);
    let proto = proto(net);
    // What a failed connect leaves in the socket, an address without a port, is no peer.
    let is_asked = matches!(net.op, abi::NET_CONNECT | abi::NET_SEND);
    let has_ports = matches!(proto.as_str(), "tcp" | "udp" | "udplite" | "sctp" | "mptcp" | "smc");
    NetCall {
        proto,
        local: local.map(|name| paths::owned(escapes, "local", name)).or_else(|| endpoint(&net.local)),
        remote: remote
            .map(|name| paths::owned(escapes, "remote", name))
            .or_else(|| endpoint(&net.remote).filter(|_| is_asked || net.remote.port != 0 || !has_ports)),
        name: None,
        fd: net.fd,
        ret,
        errno: names::errno_of(ret),
        io_uring: event.header.flags & abi::FLAG_URING != 0,
    }
}

/// `ip:port` or `[ip6]:port`; `None` where there is no address at all. An IPv4 address that a socket of IPv6 uses (`::ffff:a.b.c.d`) is
/// shown as what it is on the wire.
pub(super) fn endpoint(end: &abi::Endpoint) -> Option<String> {
    if end.addr == [0; 16] && end.port == 0 {
        return None;
    }
    match end.version {
        4 => {
            let [a, b, c, d, ..] = end.addr;
            Some(SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), end.port).to_string())
        }
        6 => {
            let ip = Ipv6Addr::from(end.addr);
            Some(match ip.to_ipv4_mapped() {
                Some(ip) => SocketAddrV4::new(ip, end.port).to_string(),
                None => SocketAddrV6::new(ip, end.port, 0, end.scope).to_string(),
            })
        }
        _ => None,
    }
}

/// A UNIX address as text: `@name` for an abstract one, else a path, made absolute where `base` allows.
fn unix_name(sun_path: &[u8], base: Option<Sec<'_>>) -> Option<Vec<u8>> {
    let first = sun_path.first()?;
    if *first == 0 {
        // Programs that pass the whole struct have NULs at the end: part of the name, but of no use to a reader.
        let len = sun_path.iter().rposition(|&b| b != 0)? + 1;
        let at = |&b: &u8| if b == 0 { b'@' } else { b };
        return Some(sun_path[..len].iter().map(at).collect());
    }
    let path = sun_path.split(|&b| b == 0).next()?;
    let usable = |sec: &Sec<'_>| !sec.has(abi::SECF_UNRESOLVED) && !sec.has(abi::SECF_DISCONNECTED);
    match base.filter(usable) {
        Some(base) if *first != b'/' => Some(paths::join(b"", paths::from_walk(base), path)),
        _ => Some(path.to_vec()),
    }
}

/// The protocol's name; numbers are those of `include/linux/socket.h` and `include/uapi/linux/in.h`.
fn proto(net: &abi::Net) -> String {
    const SOCK_STREAM: u16 = 1;
    const SOCK_DGRAM: u16 = 2;
    const SOCK_RAW: u16 = 3;
    const SOCK_SEQPACKET: u16 = 5;
    let name = match (net.family, net.sock_type, net.protocol) {
        (1, ..) => "unix",
        (2 | 10, SOCK_STREAM, 0 | 6) => "tcp",
        (2 | 10, SOCK_DGRAM, 0 | 17) => "udp",
        (2 | 10, SOCK_DGRAM, 1) => "icmp",
        (2 | 10, SOCK_DGRAM, 58) => "icmpv6",
        (2 | 10, SOCK_DGRAM, 136) => "udplite",
        (2 | 10, SOCK_STREAM | SOCK_SEQPACKET, 132) => "sctp",
        (2 | 10, SOCK_STREAM, 262) => "mptcp",
        (2 | 10, SOCK_STREAM, 256) => "smc",
        (2 | 10, SOCK_RAW, _) => "raw",
        (16, ..) => "netlink",
        (17, ..) => "packet",
        (29, ..) => "can",
        (30, ..) => "tipc",
        (31, ..) => "bluetooth",
        (38, ..) => "alg",
        (40, ..) => "vsock",
        (44, ..) => "xdp",
        (family, sock_type, protocol) => return format!("family{family}:type{sock_type}:proto{protocol}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(addr: &[u8], port: u16) -> abi::Endpoint {
        let mut endpoint =
            abi::Endpoint { port, version: if addr.len() == 4 { 4 } else { 6 }, ..Default::default() };
        endpoint.addr[..addr.len()].copy_from_slice(addr);
        endpoint
    }

    #[test]
    fn ends_are_written_as_people_do() {
        let text = |end: abi::Endpoint| endpoint(&end).unwrap();
        assert_eq!(text(end(&[127, 0, 0, 1], 80)), "127.0.0.1:80");
        assert_eq!(text(end(&[0; 4], 8080)), "0.0.0.0:8080");
        assert_eq!(text(end(&Ipv6Addr::LOCALHOST.octets(), 53)), "[::1]:53");
        let mapped = Ipv4Addr::new(1, 2, 3, 4).to_ipv6_mapped().octets();
        assert_eq!(text(end(&mapped, 80)), "1.2.3.4:80");
        let link_local: Ipv6Addr = "fe80::1".parse().unwrap();
        assert_eq!(text(abi::Endpoint { scope: 2, ..end(&link_local.octets(), 1) }), "[fe80::1%2]:1");
        assert_eq!(endpoint(&end(&[0; 16], 0)), None);
        assert_eq!(endpoint(&abi::Endpoint { version: 9, ..end(&[1; 4], 1) }), None);
    }

    #[test]
    fn unix_names() {
        let base = Some(Sec { tag: abi::SEC_BASE, flags: 0, bytes: b"d\0srv\0" });
        let name = |bytes: &[u8], base| unix_name(bytes, base).map(|name| String::from_utf8(name).unwrap());
        assert_eq!(name(b"/run/x.sock\0junk", base).as_deref(), Some("/run/x.sock"));
        assert_eq!(name(b"../x.sock", base).as_deref(), Some("/srv/x.sock"));
        assert_eq!(name(b"x.sock", None).as_deref(), Some("x.sock"));
        assert_eq!(name(b"\0bus\0a\0\0\0", base).as_deref(), Some("@bus@a"));
        assert_eq!(name(b"\0\0", base), None);
        assert_eq!(name(b"", base), None);
    }

    #[test]
    fn protocols() {
        let named = |family, sock_type, protocol| {
            proto(&abi::Net { family, sock_type, protocol, ..Default::default() })
        };
        assert_eq!(named(2, 1, 6), "tcp");
        assert_eq!(named(10, 2, 0), "udp");
        assert_eq!(named(1, 5, 0), "unix");
        assert_eq!(named(16, 3, 0), "netlink");
        assert_eq!(named(17, 3, 8), "packet");
        assert_eq!(named(2, 3, 1), "raw");
        assert_eq!(named(10, 2, 58), "icmpv6");
        assert_eq!(named(99, 1, 2), "family99:type1:proto2");
    }
}

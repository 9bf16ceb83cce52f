//! Socket calls: addresses from the kernel where it lets us ask, else from what the program passed.

use super::Ptrace;
use super::calls::{Abi, Call};
use super::memory;
use super::places;
use super::stops::{fd, low};
use super::tasks::Part;
use crate::raw::Body;
use kernscope_abi as abi;
use kernscope_kit::pidfd;
use kernscope_kit::trace::{self, Socket};
use nix::libc;
use std::os::fd::AsFd;

/// Longest `struct sockaddr` there is.
const MAX_ADDRESS: usize = size_of::<libc::sockaddr_storage>();
/// Messages of one `sendmmsg` that are looked at.
pub(super) const MAX_MESSAGES: u64 = 64;
/// Bound sockets that are remembered.
const MAX_BOUND: usize = 65_536;
/// Destinations that are remembered for each process; beyond, they are told again.
const MAX_SENT: usize = 4096;

impl Ptrace {
    /// A socket call has come to its end.
    pub(super) fn socket_call(&mut self, tid: i32, call: Call, abi: Abi, args: &[u64; 6], ret: i32) {
        let passed = |addr: u64, len: u64| sockaddr(tid, addr, len);
        match call {
            Call::Connect => self.addressed(tid, abi, abi::NET_CONNECT, args, ret),
            Call::Bind => self.addressed(tid, abi, abi::NET_BIND, args, ret),
            Call::Listen => self.listening(tid, abi, args, ret),
            Call::Accept => self.accepted(tid, abi, args, ret),
            Call::Sendto => self.sent(tid, abi, fd(args[0]), passed(args[4], args[5]), ret),
            Call::Sendmsg => self.message_sent(tid, abi, fd(args[0]), args[1], ret),
            Call::Sendmmsg => {
                // struct mmsghdr: a msghdr and a length, padded to the word.
                let stride = if abi == Abi::Native { 64 } else { 32 };
                let sent = u64::try_from(ret).unwrap_or(1).clamp(1, MAX_MESSAGES);
                for n in 0..sent.min(u64::from(low(args[2]))) {
                    self.message_sent(tid, abi, fd(args[0]), args[1].wrapping_add(n * stride), ret);
                }
            }
            _ => {}
        }
        self.messages(tid, call, abi, args, ret);
    }

    fn addressed(&mut self, tid: i32, abi: Abi, op: u32, args: &[u64; 6], ret: i32) {
        let fd = fd(args[0]);
        let Some(file) = self.socket_file(tid, fd) else { return };
        let passed = sockaddr(tid, args[1], args[2]);
        let mut socket = self.socket(tid, fd, &passed);
        if op == abi::NET_BIND && ret >= 0 {
            if self.bound.len() >= MAX_BOUND {
                self.bound.clear();
            }
            self.bound.insert(file.ino);
        }
        match op {
            abi::NET_CONNECT => {
                self.connected(tid, fd, &passed);
                socket.remote = passed;
            }
            _ if ret < 0 || socket.local.is_empty() => socket.local = passed,
            _ => {}
        }
        self.tell_net(tid, abi, abi::Net { op, ret, fd, file, ..Default::default() }, &socket);
    }

    fn listening(&mut self, tid: i32, abi: Abi, args: &[u64; 6], ret: i32) {
        let fd = fd(args[0]);
        let Some(file) = self.socket_file(tid, fd) else { return };
        let socket = self.socket(tid, fd, &[]);
        let net =
            abi::Net { op: abi::NET_LISTEN, ret, fd, file, backlog: low(args[1]), ..Default::default() };
        self.tell_net(tid, abi, net, &socket);
    }

    fn accepted(&mut self, tid: i32, abi: Abi, args: &[u64; 6], ret: i32) {
        let fd = fd(args[0]);
        let of = if ret >= 0 { ret } else { fd };
        let Some(file) = self.socket_file(tid, of) else { return };
        let socket = self.socket(tid, of, &[]);
        self.tell_net(
            tid,
            abi,
            abi::Net { op: abi::NET_ACCEPT, ret, fd, file, ..Default::default() },
            &socket,
        );
    }

    fn message_sent(&mut self, tid: i32, abi: Abi, fd: i32, message: u64, ret: i32) {
        // struct msghdr begins with the address and its length (32 bits, whatever the word).
        let Some([name]) = memory::words::<1>(tid, message, abi.word()) else { return };
        let at = message.wrapping_add(abi.word() as u64);
        let Some([len]) = memory::words::<1>(tid, at, 4) else { return };
        if name != 0 {
            self.sent(tid, abi, fd, sockaddr(tid, name, len), ret);
        }
    }

    /// A datagram to an address: told once for each address of a socket.
    fn sent(&mut self, tid: i32, abi: Abi, fd: i32, to: Vec<u8>, ret: i32) {
        let Some(link) = places::descriptor(tid, fd).filter(|_| !to.is_empty()) else { return };
        let pid = self.threads.get(&tid).map(|thread| thread.pid);
        let Some(process) = pid.and_then(|pid| self.processes.get_mut(&pid)) else { return };
        if process.sent.len() >= MAX_SENT {
            process.sent.clear();
        }
        if !process.sent.insert((link.ino, to.clone())) {
            return;
        }
        let mut socket = self.socket(tid, fd, &to);
        // A connected stream ignores the address.
        if socket.sock_type == STREAM {
            return;
        }
        socket.remote = to;
        let Some(file) = self.socket_file(tid, fd) else { return };
        let ret = ret.min(0);
        self.tell_net(tid, abi, abi::Net { op: abi::NET_SEND, ret, fd, file, ..Default::default() }, &socket);
    }

    /// A descriptor of a socket goes away.
    pub(super) fn socket_gone(
        &mut self,
        tid: i32,
        header: abi::Header,
        fd: i32,
        file: abi::FileId,
        cause: u32,
    ) {
        let socket = self.socket(tid, fd, &[]);
        let net = abi::Net { op: abi::NET_CLOSE, fd, cause, file, ..Default::default() };
        self.tell_socket(header, tid, net, &socket);
    }

    fn tell_net(&mut self, tid: i32, abi: Abi, net: abi::Net, socket: &Socket) {
        let header = self.header_of(tid, abi);
        self.tell_socket(header, tid, net, socket);
    }

    fn tell_socket(&mut self, header: abi::Header, tid: i32, net: abi::Net, socket: &Socket) {
        let mut local = endpoint(&socket.local);
        // A connect that failed leaves the port in the name of a socket that has none any more.
        let connected = !socket.remote.is_empty() && net.ret >= 0;
        let named = socket.listens || connected || self.bound.contains(&net.file.ino);
        if socket.sock_type == STREAM && local.addr == [0; 16] && !named {
            local = abi::Endpoint::default();
        }
        let net = abi::Net {
            family: socket.family,
            sock_type: socket.sock_type,
            protocol: socket.protocol,
            local,
            remote: endpoint(&socket.remote),
            ..net
        };
        let mut parts = Vec::new();
        for (tag, address) in [(abi::SEC_UNIX_LOCAL, &socket.local), (abi::SEC_UNIX_REMOTE, &socket.remote)] {
            if let Some(path) = unix_path(address) {
                parts.push(Part { tag, flags: 0, bytes: path.to_vec() });
            }
        }
        // The name of a socket that was bound before is relative to where it was bound, not to here.
        let passed = matches!(net.op, abi::NET_BIND | abi::NET_CONNECT | abi::NET_SEND);
        let relative = |part: &Part| !matches!(part.bytes.first(), Some(b'/' | 0));
        if passed
            && parts.iter().any(relative)
            && let Some(cwd) = places::directory(tid, libc::AT_FDCWD)
        {
            parts.push(places::walk_part(abi::SEC_BASE, &cwd));
        }
        self.tell(header, Body::Net(net), &parts);
    }

    /// What the kernel says about a socket of a task; by what was passed when it may not say.
    pub(super) fn socket(&mut self, tid: i32, fd: i32, passed: &[u8]) -> Socket {
        match self.ask(tid, fd) {
            Ok(socket) => socket,
            Err(nix::errno::Errno::EBADF | nix::errno::Errno::ENOTSOCK) => family_of(passed),
            Err(_) => {
                self.cover.untold_sockets += 1;
                family_of(passed)
            }
        }
    }

    fn ask(&mut self, tid: i32, fd: i32) -> Result<Socket, nix::errno::Errno> {
        let pid = self.threads.get(&tid).map_or(tid.unsigned_abs(), |thread| thread.pid);
        let process = self.processes.get_mut(&pid).ok_or(nix::errno::Errno::ESRCH)?;
        if process.pidfd.is_none() {
            process.pidfd = Some(pidfd::open(pid.cast_signed())?);
        }
        let process = process.pidfd.as_ref().ok_or(nix::errno::Errno::ESRCH)?;
        // Given back before the task goes on, so that its own close is the last one.
        let copy = pidfd::take_fd(process.as_fd(), fd)?;
        trace::socket(copy.as_fd())
    }

    /// The socket as a file; its user takes it as its own. `None` when it is no socket.
    pub(super) fn socket_file(&mut self, tid: i32, fd: i32) -> Option<abi::FileId> {
        let link =
            places::descriptor(tid, fd).filter(|link| link.st_mode & libc::S_IFMT == libc::S_IFSOCK)?;
        let known = self.file_id(tid, fd, &link);
        // Numbers made from an inode: not yet one of its own files.
        Some(if known.id >> 63 == 1 { self.own(tid, fd, link) } else { known })
    }
}

const STREAM: u16 = libc::SOCK_STREAM as u16;

pub(super) fn sockaddr(tid: i32, addr: u64, len: u64) -> Vec<u8> {
    let len = usize::try_from(low(len)).unwrap_or(0).min(MAX_ADDRESS);
    if addr == 0 { Vec::new() } else { memory::bytes(tid, addr, len).unwrap_or_default() }
}

fn family_of(address: &[u8]) -> Socket {
    let family = address.first_chunk().map_or(0, |&family| u16::from_ne_bytes(family));
    Socket { family, ..Socket::default() }
}

/// The bytes of `sun_path`, where the address is a UNIX one and has a name.
fn unix_path(address: &[u8]) -> Option<&[u8]> {
    let (&family, path) = address.split_first_chunk()?;
    (i32::from(u16::from_ne_bytes(family)) == libc::AF_UNIX && !path.is_empty()).then_some(path)
}

/// An internet address; version 0 for anything else. Layouts: `struct sockaddr_in`, `struct sockaddr_in6`.
pub(super) fn endpoint(address: &[u8]) -> abi::Endpoint {
    let mut end = abi::Endpoint::default();
    let Some((&family, rest)) = address.split_first_chunk() else { return end };
    let Some((&port, rest)) = rest.split_first_chunk() else { return end };
    match i32::from(u16::from_ne_bytes(family)) {
        libc::AF_INET if rest.len() >= 4 => {
            end.addr[..4].copy_from_slice(&rest[..4]);
            end.version = 4;
        }
        libc::AF_INET6 if rest.len() >= 20 => {
            end.addr.copy_from_slice(&rest[4..20]);
            end.version = 6;
            end.scope = rest.get(20..24).and_then(|b| b.try_into().ok()).map_or(0, u32::from_ne_bytes);
        }
        _ => return end,
    }
    end.port = u16::from_be_bytes(port);
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_both_families() {
        let mut v4 = (libc::AF_INET as u16).to_ne_bytes().to_vec();
        v4.extend_from_slice(&[0, 80, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
        let end = endpoint(&v4);
        assert_eq!((end.version, end.port, &end.addr[..4]), (4, 80, &[127, 0, 0, 1][..]));
        let mut v6 = (libc::AF_INET6 as u16).to_ne_bytes().to_vec();
        v6.extend_from_slice(&[1, 0, 0, 0, 0, 0]);
        v6.extend_from_slice(&[9; 16]);
        v6.extend_from_slice(&3_u32.to_ne_bytes());
        let end = endpoint(&v6);
        assert_eq!((end.version, end.port, end.addr, end.scope), (6, 256, [9; 16], 3));
        for len in 0..8 {
            assert_eq!(endpoint(&v4[..len]).version, 0, "{len}");
        }
    }

    #[test]
    fn unix_names_are_bytes() {
        let mut address = (libc::AF_UNIX as u16).to_ne_bytes().to_vec();
        assert_eq!(unix_path(&address), None);
        address.extend_from_slice(b"\0abstract");
        assert_eq!(unix_path(&address), Some(&b"\0abstract"[..]));
    }
}

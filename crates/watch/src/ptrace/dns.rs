//! Messages to and from name servers, as far as the calls that carry them stop.
//!
//! Sends with an address, and what the C library's resolver does (connect, then `sendmmsg` and `recvfrom`), are read. A program
//! that connects and then uses send, recv, read or write, or `recvmsg`, is not: to stop all of those would cost every program.

use super::Ptrace;
use super::calls::{Abi, Call};
use super::memory;
use super::net::{MAX_MESSAGES, endpoint, sockaddr};
use super::places;
use super::stops::{fd, low};
use super::tasks::Part;
use crate::raw::Body;
use kernscope_abi as abi;
use nix::libc;

/// The port of name servers.
const PORT: u16 = 53;
/// Sockets of a process that are remembered; beyond, all are forgotten.
const MAX_SERVERS: usize = 1024;
/// Buffers of a vector that are read.
const MAX_BUFFERS: u64 = 4;
/// Where messages of `recvfrom` have their flags.
const FLAGS: usize = 3;

/// Where the bytes of a message are, and how many.
struct Bytes {
    buffers: Vec<(u64, u64)>,
    count: u64,
}

impl Ptrace {
    /// Remembers whether a socket talks to a name server by now.
    pub(super) fn connected(&mut self, tid: i32, fd: i32, remote: &[u8]) {
        let remote = endpoint(remote);
        let pid = self.threads.get(&tid).map(|thread| thread.pid);
        let Some(process) = pid.and_then(|pid| self.processes.get_mut(&pid)) else { return };
        if remote.port == 0 || (remote.port != PORT && process.servers.is_empty()) {
            return;
        }
        let Some(link) = places::descriptor(tid, fd) else { return };
        if process.servers.len() >= MAX_SERVERS {
            process.servers.clear();
        }
        match remote.port {
            PORT => process.servers.insert(link.ino, remote),
            _ => process.servers.remove(&link.ino),
        };
    }

    /// The name server that a socket of a task was connected to, or sent to.
    pub(super) fn server(&self, tid: i32, fd: i32) -> Option<abi::Endpoint> {
        let servers = &self.processes.get(&self.threads.get(&tid)?.pid)?.servers;
        if servers.is_empty() {
            return None;
        }
        servers.get(&places::descriptor(tid, fd)?.ino).copied()
    }

    /// Tells the messages of a call that has come to its end.
    pub(super) fn messages(&mut self, tid: i32, call: Call, abi: Abi, args: &[u64; 6], ret: i32) {
        let Some(moved) = u64::try_from(ret).ok().filter(|moved| *moved > 0) else { return };
        let fd = fd(args[0]);
        let whole = || Bytes { buffers: vec![(args[1], moved)], count: moved };
        match call {
            Call::Sendto => {
                let to = sockaddr(tid, args[4], args[5]);
                self.connected(tid, fd, &to);
                self.message(tid, abi, fd, abi::CONTENT_OUT, whole());
            }
            Call::Recvfrom if low(args[FLAGS]) & libc::MSG_PEEK.cast_unsigned() == 0 => {
                self.message(tid, abi, fd, abi::CONTENT_IN, whole());
            }
            Call::Sendmsg => self.headed(tid, abi, fd, args[1], moved),
            Call::Sendmmsg => {
                let (stride, len_at) = if abi == Abi::Native { (64, 56) } else { (32, 28) };
                for n in 0..moved.min(MAX_MESSAGES) {
                    let header = args[1].wrapping_add(n * stride);
                    let len = memory::words::<1>(tid, header.wrapping_add(len_at), 4);
                    self.headed(tid, abi, fd, header, len.map_or(0, |[len]| len));
                }
            }
            _ => {}
        }
    }

    /// A message that was sent by its header.
    fn headed(&mut self, tid: i32, abi: Abi, fd: i32, header: u64, count: u64) {
        let word = abi.word();
        let at = |words: usize| header.wrapping_add((words * word) as u64);
        let Some([name]) = memory::words::<1>(tid, header, word) else { return };
        let Some([name_len]) = memory::words::<1>(tid, at(1), 4) else { return };
        let Some([vector, len]) = memory::words::<2>(tid, at(2), word) else { return };
        self.connected(tid, fd, &sockaddr(tid, name, name_len));
        let buffers = (0..len.min(MAX_BUFFERS)).filter_map(|n| {
            let [base, len] = memory::words::<2>(tid, vector.wrapping_add(n * 2 * word as u64), word)?;
            Some((base, len))
        });
        let buffers = buffers.collect();
        self.message(tid, abi, fd, abi::CONTENT_OUT, Bytes { buffers, count });
    }

    /// Tells one message, if the socket is known to talk to a name server.
    fn message(&mut self, tid: i32, abi: Abi, fd: i32, direction: u32, bytes: Bytes) {
        let Some(remote) = self.server(tid, fd) else { return };
        let Some(file) = self.socket_file(tid, fd) else { return };
        let sock_type = u32::from(self.socket(tid, fd, &[]).sock_type);
        let dns = abi::Dns { file, remote, bytes: bytes.count, fd, direction, sock_type, pad: 0 };
        let mut left = bytes.count.min(abi::MAX_PATH as u64);
        let mut parts = Vec::new();
        for (base, len) in bytes.buffers {
            let len = len.min(left);
            let data = memory::bytes(tid, base, usize::try_from(len).unwrap_or(0)).unwrap_or_default();
            parts.push(Part { tag: abi::SEC_DATA, flags: 0, bytes: data });
            left -= len;
        }
        let header = self.header_of(tid, abi);
        self.tell(header, Body::Dns(dns), &parts);
    }
}

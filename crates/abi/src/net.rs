//! Bodies of events about sockets and name servers.

use crate::FileId;
use crate::pod::plain;

/// [`Net::op`]: connect.
pub const NET_CONNECT: u32 = 0;
/// [`Net::op`]: bind.
pub const NET_BIND: u32 = 1;
/// [`Net::op`]: listen.
pub const NET_LISTEN: u32 = 2;
/// [`Net::op`]: accept, accept4. `fd` is the listening socket, `ret` the new descriptor.
pub const NET_ACCEPT: u32 = 3;
/// [`Net::op`]: a socket's descriptor went away; counters as in [`crate::Close`].
pub const NET_CLOSE: u32 = 4;
/// [`Net::op`]: a datagram to an address, from a socket that is not connected to it (first to each new one).
pub const NET_SEND: u32 = 5;

/// An internet address and port.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// IPv4 in the first four bytes, or IPv6; network byte order.
    pub addr: [u8; 16],
    /// Port, host byte order.
    pub port: u16,
    /// 4 or 6; 0 when there is no address.
    pub version: u16,
    /// IPv6 scope (interface index) or 0.
    pub scope: u32,
}

/// Body of [`crate::KIND_NET`]. Sections: `UNIX_LOCAL`, `UNIX_REMOTE`, `BASE` (working directory, for UNIX paths).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Net {
    /// `NET_*`.
    pub op: u32,
    /// As the call returned it.
    pub ret: i32,
    /// The descriptor.
    pub fd: i32,
    /// `CLOSE_*`, for [`NET_CLOSE`].
    pub cause: u32,
    /// `AF_*`.
    pub family: u16,
    /// `SOCK_*`, without flags.
    pub sock_type: u16,
    /// `IPPROTO_*`.
    pub protocol: u16,
    /// Unused, zero.
    pub pad: u16,
    /// Listen backlog, or 0.
    pub backlog: u32,
    /// Unused, zero.
    pub pad2: u32,
    /// The socket as a file (`id`, inode).
    pub file: FileId,
    /// Local end.
    pub local: Endpoint,
    /// Remote end.
    pub remote: Endpoint,
    /// Bytes sent by this process on this socket since its last close event.
    pub sent_bytes: u64,
    /// Bytes received.
    pub received_bytes: u64,
    /// Calls that sent.
    pub sends: u64,
    /// Calls that received.
    pub receives: u64,
}

/// Body of [`crate::KIND_DNS`]. Sections: `DATA`, one a buffer, in order; together at most [`crate::MAX_PATH`] bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dns {
    /// The socket.
    pub file: FileId,
    /// The name server.
    pub remote: Endpoint,
    /// Bytes of the message, or that the call moved through a stream.
    pub bytes: u64,
    /// The descriptor.
    pub fd: i32,
    /// `CONTENT_IN` or `CONTENT_OUT`.
    pub direction: u32,
    /// `SOCK_*`, without flags.
    pub sock_type: u32,
    /// Unused, zero.
    pub pad: u32,
}

plain! {
    Endpoint = 24 { addr @ 0, port @ 16, version @ 18, scope @ 20 }
    Net = 136 { op @ 0, ret @ 4, fd @ 8, cause @ 12, family @ 16, sock_type @ 18, protocol @ 20, pad @ 22, backlog @ 24, pad2 @ 28, file @ 32, local @ 56, remote @ 80, sent_bytes @ 104, received_bytes @ 112, sends @ 120, receives @ 128 }
    Dns = 72 { file @ 0, remote @ 24, bytes @ 48, fd @ 56, direction @ 60, sock_type @ 64, pad @ 68 }
}

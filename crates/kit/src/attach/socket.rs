//! Filters on sockets.

use super::AttachError;
use crate::compile::Target;
use crate::load::Loaded;
use crate::sys;
use std::os::fd::{AsFd, BorrowedFd};

/// A program on a socket: what it returns is how many bytes of a datagram the reader gets, zero for none at all.
///
/// Of an IP socket it sees the transport header first, of a packet socket the frame. A socket has one filter; this one
/// takes the place of another.
///
/// # Minimum kernel
/// 3.19.
///
/// # Privileges
/// None beyond those for loading.
#[derive(Debug)]
pub struct SocketFilter<'a> {
    socket: BorrowedFd<'a>,
}

impl<'a> SocketFilter<'a> {
    /// Puts the program on the socket.
    ///
    /// # Errors
    /// `EINVAL` when it is no socket filter; `EPERM` when the socket's filter was locked.
    pub fn attach(socket: &'a impl AsFd, program: &Loaded) -> Result<Self, AttachError> {
        let socket = socket.as_fd();
        sys::socket_attach(socket, program.as_fd())
            .map_err(|err| AttachError::new("attach to a socket", program.name(), err))?;
        Ok(Self { socket })
    }

    /// Leaves the filter on the socket; it goes with the last descriptor of it.
    pub fn keep(self) {
        std::mem::forget(self);
    }
}

/// What to compile a filter for, so that it looks at what this socket's reader gets: datagrams of UDP, messages of UNIX
/// and netlink sockets, raw IP packets, frames of packet sockets. `None` for all others: what TCP does not get it
/// asks for again and again.
///
/// # Errors
/// `ENOTSOCK` when it is no socket.
pub fn socket_target(socket: &impl AsFd) -> Result<Option<Target>, AttachError> {
    let says = |option| {
        sys::socket_says(socket.as_fd(), option)
            .map_err(|err| AttachError::new("ask", "a socket for its type", err))
    };
    let kind = (says(libc::SO_DOMAIN)?, says(libc::SO_TYPE)?, says(libc::SO_PROTOCOL)?);
    Ok(match kind {
        (libc::AF_INET | libc::AF_INET6, libc::SOCK_DGRAM, libc::IPPROTO_UDP | libc::IPPROTO_UDPLITE) => {
            Some(Target::Datagram)
        }
        (libc::AF_INET | libc::AF_INET6, libc::SOCK_DGRAM, libc::IPPROTO_ICMP | libc::IPPROTO_ICMPV6)
        | (libc::AF_INET | libc::AF_INET6 | libc::AF_PACKET, libc::SOCK_RAW, _)
        | (libc::AF_UNIX, libc::SOCK_DGRAM | libc::SOCK_SEQPACKET, _)
        | (libc::AF_PACKET, libc::SOCK_DGRAM, _)
        | (libc::AF_NETLINK, ..) => Some(Target::Socket),
        _ => None,
    })
}

impl Drop for SocketFilter<'_> {
    fn drop(&mut self) {
        // Fails only if there is no filter any more.
        let _gone = sys::socket_detach(self.socket);
    }
}

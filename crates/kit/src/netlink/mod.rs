//! Route netlink: requests to the kernel about interfaces, queueing disciplines and filters, and its answers.
//!
//! As much of the protocol as [`crate::attach`] needs where the kernel has no links for tc, and no more. A request is
//! bytes that are built whole before they are sent, so that a process that must not allocate can send one too.
//!
//! Source of the format: `include/uapi/linux/netlink.h`, `rtnetlink.h` and RFC 3549.

mod message;

pub use message::{Attributes, Reply, Request};

use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// The kernel sends at most 32 KiB at once to a reader with so much room or more.
const RECV_BYTES: usize = 64 * 1024;
/// Kinds of messages that end an exchange.
const ERROR: u16 = 2;
const DONE: u16 = 3;

/// A socket to the kernel's routing subsystem, of the network namespace in which it was opened.
#[derive(Debug)]
pub struct Netlink {
    fd: OwnedFd,
    seq: u32,
}

impl Netlink {
    /// Opens one.
    ///
    /// # Errors
    /// The errno of `socket`.
    pub fn open() -> io::Result<Self> {
        let kind =
            (AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute);
        Ok(Self { fd: socket(kind.0, kind.1, kind.2, kind.3)?, seq: 0 })
    }

    /// Sends a request and collects what comes back until the kernel has said how it went.
    ///
    /// # Privileges
    /// `CAP_NET_ADMIN` for whatever changes something.
    ///
    /// # Errors
    /// The errno that the kernel answers; `InvalidData` for an answer that is cut short.
    pub fn ask(&mut self, request: &Request) -> io::Result<Vec<Reply>> {
        self.seq += 1;
        send(self.fd.as_raw_fd(), &request.numbered(self.seq), MsgFlags::empty())?;
        let mut replies = Vec::new();
        let mut bytes = vec![0; RECV_BYTES];
        loop {
            let len = recv(self.fd.as_raw_fd(), &mut bytes, MsgFlags::empty())?;
            for message in message::split(&bytes[..len]) {
                let (seq, reply) = message?;
                if seq != self.seq {
                    continue;
                }
                match reply.kind {
                    DONE => return Ok(replies),
                    ERROR => return verdict(&reply).map(|()| replies),
                    _ => replies.push(reply),
                }
            }
        }
    }
}

impl AsFd for Netlink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// An error message starts with an errno; zero is an acknowledgement.
fn verdict(reply: &Reply) -> io::Result<()> {
    let code = reply.bytes.first_chunk().map(|bytes| i32::from_ne_bytes(*bytes));
    match code {
        Some(0) => Ok(()),
        Some(code) => Err(io::Error::from_raw_os_error(-code)),
        None => Err(io::ErrorKind::InvalidData.into()),
    }
}

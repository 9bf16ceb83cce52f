//! Filters on sockets.

use super::AttachError;
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

impl Drop for SocketFilter<'_> {
    fn drop(&mut self) {
        // Fails only if there is no filter any more.
        let _gone = sys::socket_detach(self.socket);
    }
}

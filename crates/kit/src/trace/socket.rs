//! What a socket is, asked of a descriptor taken from a tracee.

use crate::sys;
use nix::errno::Errno;
use std::os::fd::{AsRawFd, BorrowedFd};

/// What the kernel says about a socket. Addresses are `struct sockaddr` bytes; empty where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Socket {
    /// `AF_*`.
    pub family: u16,
    /// `SOCK_*`, without flags.
    pub sock_type: u16,
    /// `IPPROTO_*`.
    pub protocol: u16,
    /// It listens.
    pub listens: bool,
    /// Local address.
    pub local: Vec<u8>,
    /// Remote address.
    pub remote: Vec<u8>,
}

/// Asks the kernel about a socket.
///
/// # Errors
/// `ENOTSOCK` for anything else.
pub fn socket(fd: BorrowedFd<'_>) -> Result<Socket, Errno> {
    let number = |name| option(fd, name).map(|value| u16::try_from(value).unwrap_or(u16::MAX));
    Ok(Socket {
        family: number(libc::SO_DOMAIN)?,
        sock_type: number(libc::SO_TYPE)?,
        protocol: number(libc::SO_PROTOCOL)?,
        listens: option(fd, libc::SO_ACCEPTCONN).is_ok_and(|value| value != 0),
        local: address(fd, libc::getsockname),
        remote: address(fd, libc::getpeername),
    })
}

fn option(fd: BorrowedFd<'_>, name: libc::c_int) -> Result<i32, Errno> {
    sys::socket_says(fd, name).map_err(|err| err.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw))
}

type AddressOf = unsafe extern "C" fn(libc::c_int, *mut libc::sockaddr, *mut libc::socklen_t) -> libc::c_int;

fn address(fd: BorrowedFd<'_>, which: AddressOf) -> Vec<u8> {
    let mut bytes = vec![0; size_of::<libc::sockaddr_storage>()];
    let mut len = libc::socklen_t::try_from(bytes.len()).unwrap_or(0);
    // SAFETY: the buffer is live and `len` bytes long; the kernel writes no more and says how many it has.
    let done = unsafe { which(fd.as_raw_fd(), bytes.as_mut_ptr().cast(), &raw mut len) };
    bytes.truncate(if done == 0 { len as usize } else { 0 });
    bytes
}

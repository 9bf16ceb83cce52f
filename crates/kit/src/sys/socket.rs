//! Programs on sockets.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

/// Puts a socket filter on a socket; it goes with the socket.
///
/// # Errors
/// The errno of `setsockopt`.
pub fn socket_attach(socket: BorrowedFd<'_>, prog: BorrowedFd<'_>) -> io::Result<()> {
    let fd = prog.as_raw_fd();
    let (level, option) = (libc::SOL_SOCKET, libc::SO_ATTACH_BPF);
    let len = size_of::<RawFd>() as libc::socklen_t;
    // SAFETY: the option is one descriptor, and `len` says so.
    match unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const fd).cast(), len) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Takes the filter off a socket.
///
/// # Errors
/// The errno of `setsockopt`: `ENOENT` when it has none.
pub fn socket_detach(socket: BorrowedFd<'_>) -> io::Result<()> {
    let ignored: libc::c_int = 0;
    let len = size_of::<libc::c_int>() as libc::socklen_t;
    let (level, option) = (libc::SOL_SOCKET, libc::SO_DETACH_FILTER);
    // SAFETY: the option takes an integer that it does not look at, and `len` says how long it is.
    match unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const ignored).cast(), len) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// An integer that a socket says of itself: `SO_TYPE`, `SO_DOMAIN`, `SO_PROTOCOL`.
///
/// # Errors
/// The errno of `getsockopt`: `ENOTSOCK` when it is no socket.
pub fn socket_says(socket: BorrowedFd<'_>, option: libc::c_int) -> io::Result<libc::c_int> {
    let mut value: libc::c_int = 0;
    let mut len = size_of::<libc::c_int>() as libc::socklen_t;
    let (fd, level) = (socket.as_raw_fd(), libc::SOL_SOCKET);
    // SAFETY: the option is an integer, there is one at the address, and `len` says so.
    match unsafe { libc::getsockopt(fd, level, option, (&raw mut value).cast(), &raw mut len) } {
        0 => Ok(value),
        _ => Err(io::Error::last_os_error()),
    }
}

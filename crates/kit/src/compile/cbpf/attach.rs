//! A classic program on a socket as it is, for the kernel to convert.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::Insn;

/// `struct sock_fprog`.
#[repr(C)]
struct Program {
    len: libc::c_ushort,
    insns: *const Insn,
}

/// `SO_ATTACH_FILTER`.
pub(super) fn attach(insns: &[Insn], socket: BorrowedFd<'_>) -> io::Result<()> {
    let len =
        libc::c_ushort::try_from(insns.len()).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
    let program = Program { len, insns: insns.as_ptr() };
    let (level, option) = (libc::SOL_SOCKET, libc::SO_ATTACH_FILTER);
    let len = size_of::<Program>() as libc::socklen_t;
    // SAFETY: the option is one `sock_fprog`, whose instructions outlive the call.
    match unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const program).cast(), len) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

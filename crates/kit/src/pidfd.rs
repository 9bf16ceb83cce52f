//! Descriptors of processes: a number that cannot come to mean another one.
//!
//! # Minimum kernel
//! 5.3; [`take_fd`] 5.6.

use nix::errno::Errno;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// A descriptor of a process, close-on-exec; readable once it has ended.
///
/// # Errors
/// `ESRCH` when it has gone, `ENOSYS` before Linux 5.3.
pub fn open(pid: libc::pid_t) -> Result<OwnedFd, Errno> {
    // SAFETY: integers only.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })
}

/// Duplicates a descriptor of a process that this one may trace; the copy is close-on-exec.
///
/// # Errors
/// `EBADF` when it has no such descriptor, `EPERM` without the right to, `ENOSYS` before Linux 5.6.
pub fn take_fd(process: BorrowedFd<'_>, fd: i32) -> Result<OwnedFd, Errno> {
    // SAFETY: integers only.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), fd, 0) })
}

/// What a call has returned that makes a descriptor or fails.
fn owned(returned: libc::c_long) -> Result<OwnedFd, Errno> {
    let fd = i32::try_from(Errno::result(returned)?).map_err(|_| Errno::EBADF)?;
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::stat::fstat;
    use std::os::fd::AsFd;

    #[test]
    fn a_descriptor_is_taken_as_the_same_file() {
        let this = open(std::process::id().cast_signed()).expect("of this process");
        let file = std::fs::File::open("/proc/self/exe").expect("this program");
        let copy = take_fd(this.as_fd(), file.as_raw_fd()).expect("a copy");
        assert_eq!(fstat(&copy).expect("stat").st_ino, fstat(&file).expect("stat").st_ino);
        assert_eq!(take_fd(this.as_fd(), i32::MAX).expect_err("there is none"), Errno::EBADF);
        assert_eq!(open(i32::MAX).expect_err("no process has so high a number"), Errno::ESRCH);
    }
}

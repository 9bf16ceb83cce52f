//! Calls that a seccomp filter hands to whoever started the command: they wait for an answer.
//!
//! With nobody left to answer, because the listener is closed or its process killed, such calls fail with `ENOSYS`.
//!
//! # Minimum kernel
//! 5.6 (`pidfd_getfd`).

use crate::pidfd;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A filter of which some answers are `SECCOMP_RET_USER_NOTIF`, and where its listener is put by [`super::Paused::spawn`].
#[derive(Clone, Debug, Default)]
pub struct Supervised {
    /// The filter.
    pub filter: Vec<super::sock_filter>,
    slot: Arc<Mutex<Option<Listener>>>,
}

impl Supervised {
    /// With this filter, and no listener yet.
    pub fn new(filter: Vec<super::sock_filter>) -> Self {
        Self { filter, ..Self::default() }
    }

    /// The listener, once a command waits at its gate.
    pub fn take(&self) -> Option<Listener> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn put(&self, listener: Listener) {
        *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(listener);
    }
}

/// Where such calls arrive.
#[derive(Debug)]
pub struct Listener(OwnedFd);

/// A call that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    id: u64,
    /// The thread that made it.
    pub tid: u32,
    /// Its number.
    pub nr: i32,
    /// Its arguments.
    pub args: [u64; 6],
}

/// What [`Listener::next`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// A call waits.
    Call(Waiting),
    /// None came in time.
    Nothing,
    /// Nobody is left who could make one.
    End,
}

impl Listener {
    /// Takes the listener `fd` of the process `pid`, a child of this one.
    pub(super) fn of(pid: libc::pid_t, fd: i32) -> Result<Self, Errno> {
        let process = pidfd::open(pid)?;
        pidfd::take_fd(process.as_fd(), fd).map(Self)
    }

    /// The next call, waiting at most so long.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn next(&self, timeout: Duration) -> Result<Next, Errno> {
        let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        let timeout = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
        match poll(&mut fds, timeout) {
            Ok(0) | Err(Errno::EINTR) => return Ok(Next::Nothing),
            Ok(_) => {}
            Err(errno) => return Err(errno),
        }
        let events = fds[0].revents().unwrap_or(PollFlags::empty());
        if !events.contains(PollFlags::POLLIN) {
            return Ok(if events.is_empty() { Next::Nothing } else { Next::End });
        }
        // SAFETY: an all-zero seccomp_notif is valid (the kernel wants it so), and live for the kernel to write.
        let received = unsafe {
            let mut call: libc::seccomp_notif = std::mem::zeroed();
            Errno::result(libc::ioctl(self.0.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut call))
                .map(|_| call)
        };
        match received {
            Ok(call) => {
                Ok(Next::Call(Waiting { id: call.id, tid: call.pid, nr: call.data.nr, args: call.data.args }))
            }
            // It was killed meanwhile.
            Err(Errno::ENOENT | Errno::EINTR) => Ok(Next::Nothing),
            Err(errno) => Err(errno),
        }
    }

    /// Lets a call fail with `errno`, or, with `None`, go on as if nobody had asked. Whoever waits may be gone.
    pub fn answer(&self, call: &Waiting, errno: Option<Errno>) {
        let response = libc::seccomp_notif_resp {
            id: call.id,
            val: 0,
            error: errno.map_or(0, |errno| -(errno as i32)),
            flags: if errno.is_some() { 0 } else { libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32 },
        };
        // SAFETY: the response is live for the kernel to read.
        unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw const response) };
    }
}

//! What takes away a tc filter when its owner is killed: a child that waits for the owner's end.
//!
//! A process cannot act on `SIGKILL`, and netlink attachments outlive their maker. The child is forked, holds nothing
//! but a descriptor of the owner and a netlink socket, ignores signals, and makes system calls only: after the fork of
//! a program with threads nothing else is safe.

use super::clsact::RTM_NEWTFILTER;
use crate::netlink::{Netlink, Request};
use crate::pidfd;
use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow, pthread_sigmask};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::ptr;

/// Kinds of netlink messages that end an answer.
const ERROR: u16 = 2;
const DONE: u16 = 3;
/// Room for one answer: as much as the kernel sends at once.
const ANSWER_BYTES: usize = 32 * 1024;

/// Requests that undo an attachment, and all that sending them takes, made beforehand.
#[derive(Debug)]
pub(super) struct Cleanup {
    socket: Netlink,
    steps: Vec<Vec<u8>>,
    answer: Vec<u8>,
}

impl Cleanup {
    pub(super) fn new(socket: Netlink, steps: Vec<Request>) -> Self {
        // The sequence number tells these from what was asked before.
        let steps = steps.iter().zip(u32::MAX / 2..).map(|(step, seq)| step.numbered(seq)).collect();
        Self { socket, steps, answer: vec![0; ANSWER_BYTES] }
    }

    /// Does the steps in turn, until one tells of a filter that somebody else has there; whether it came to the end. An
    /// error is passed over: what is gone need not be removed. Makes system calls only.
    pub(super) fn run(&mut self) -> bool {
        let fd = self.socket.as_fd().as_raw_fd();
        for step in &self.steps {
            // SAFETY: the request is readable for its length.
            unsafe { libc::send(fd, step.as_ptr().cast(), step.len(), 0) };
            if tells_of_filter(fd, &mut self.answer) {
                return false;
            }
        }
        true
    }
}

/// Reads an answer to its end; whether a filter is in it. The kernel has answered when the request is sent, so that
/// nothing is waited for.
fn tells_of_filter(fd: RawFd, answer: &mut [u8]) -> bool {
    let mut found = false;
    loop {
        // SAFETY: the buffer is writable for its length.
        let len = unsafe { libc::recv(fd, answer.as_mut_ptr().cast(), answer.len(), libc::MSG_DONTWAIT) };
        let Some(mut rest) = usize::try_from(len).ok().and_then(|len| answer.get(..len)) else {
            return found;
        };
        while let (Some(len), Some(kind)) =
            (rest.first_chunk(), rest.get(4..).and_then(|rest| rest.first_chunk()))
        {
            match u16::from_ne_bytes(*kind) {
                ERROR | DONE => return found,
                kind => found |= kind == RTM_NEWTFILTER,
            }
            let len = (u32::from_ne_bytes(*len) as usize).next_multiple_of(4).max(16);
            rest = rest.get(len..).unwrap_or_default();
        }
    }
}

/// The child. Dropped, it is ended without doing anything.
#[derive(Debug)]
pub(super) struct Guardian {
    process: OwnedFd,
}

impl Guardian {
    /// Forks a child that does the cleanup when this process has ended.
    pub(super) fn start(cleanup: &mut Cleanup) -> io::Result<Self> {
        let owner = pidfd::open(std::process::id().cast_signed())?;
        let mut before = SigSet::empty();
        // No handler of ours may run in the child, which keeps all signals blocked.
        pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), Some(&mut before))?;
        // SAFETY: the child calls `guard` only, which makes system calls on what was made before and never returns.
        let child = unsafe { libc::fork() };
        if child == 0 {
            guard(owner.as_raw_fd(), cleanup);
        }
        let failed = Errno::last();
        pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None)?;
        if child < 0 {
            return Err(failed.into());
        }
        let process = pidfd::open(child).inspect_err(|_| {
            // SAFETY: integers and a null pointer, which is allowed. The child is ours and not waited for: its number is its own.
            unsafe {
                libc::kill(child, libc::SIGKILL);
                libc::waitpid(child, ptr::null_mut(), 0);
            }
        })?;
        Ok(Self { process })
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        let fd = self.process.as_raw_fd();
        // SAFETY: integers and null pointers only; a null `siginfo` is allowed for both calls.
        unsafe {
            libc::syscall(libc::SYS_pidfd_send_signal, fd, libc::SIGKILL, ptr::null::<libc::siginfo_t>(), 0);
            libc::waitid(libc::P_PIDFD, fd.cast_unsigned(), ptr::null_mut(), libc::WEXITED);
        }
    }
}

/// The child's life. Makes system calls only.
fn guard(owner: RawFd, cleanup: &mut Cleanup) -> ! {
    let socket = cleanup.socket.as_fd().as_raw_fd();
    // SAFETY: integers, and a name that ends with NUL. Descriptors that are closed here are the child's copies; nothing
    // runs here that could use them. What fails leaves a guardian that is easier to mistake for its owner.
    unsafe {
        libc::setsid();
        libc::prctl(libc::PR_SET_NAME, c"kernscope-tc".as_ptr());
        close_between(-1, owner.min(socket));
        close_between(owner.min(socket), owner.max(socket));
        close_between(owner.max(socket), RawFd::MAX);
        let mut wait = libc::pollfd { fd: owner, events: libc::POLLIN, revents: 0 };
        while libc::poll(&raw mut wait, 1, -1) != 1 {}
    }
    cleanup.run();
    // SAFETY: ends the process without running anything of the owner's.
    unsafe { libc::_exit(0) }
}

/// Closes all descriptors between two that stay.
///
/// # Safety
/// Nothing uses them.
unsafe fn close_between(low: RawFd, high: RawFd) {
    if high - low > 1 {
        // SAFETY: the caller's promise.
        unsafe { libc::syscall(libc::SYS_close_range, low + 1, high - 1, 0) };
    }
}

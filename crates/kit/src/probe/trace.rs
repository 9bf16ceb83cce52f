//! ptrace with a seccomp filter, by doing it: a child is seized, puts a filter on itself, and makes the one call
//! that the filter hands to the tracer.

use super::act;
use super::answer::{Answer, name};
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use std::io::{self, Write};
use std::os::fd::AsRawFd;

/// The child could not give up new privileges, which a filter needs.
const EXIT_NO_FILTER: i32 = 3;
/// The child was not told to go on.
const EXIT_NOT_TOLD: i32 = 4;
/// The child's filter was refused with the errno that is added to this.
const EXIT_FILTER: i32 = 64;

const BPF_LD_W_ABS: u16 = 0x20;
const BPF_JEQ: u16 = 0x15;
const BPF_RET: u16 = 0x06;

/// Seizes a child and sees its seccomp stop.
pub(super) fn probe() -> Answer {
    match try_it() {
        Ok(answer) => answer,
        Err(err) => Answer::from_io(&err),
    }
}

fn try_it() -> io::Result<Answer> {
    let (told, mut tell) = io::pipe()?;
    // SAFETY: the child makes system calls only, on memory that exists already.
    let child = match unsafe { libc::fork() } {
        -1 => return Err(io::Error::last_os_error()),
        0 => {
            // SAFETY: we are the child.
            unsafe { child(told.as_raw_fd()) }
        }
        pid => Pid::from_raw(pid),
    };
    let options = ptrace::Options::PTRACE_O_TRACESECCOMP | ptrace::Options::PTRACE_O_EXITKILL;
    let outcome = match ptrace::seize(child, options) {
        Ok(()) => tell.write_all(&[1]).map(|()| follow(child)),
        Err(errno) => Ok(Err(Answer::from_io(&errno.into()))),
    };
    if let Ok(Ok(answer)) = outcome {
        return Ok(answer);
    }
    // It has not been waited for, so this number is still its own.
    let _gone = nix::sys::signal::kill(child, Signal::SIGKILL);
    act::reap(child.as_raw())?;
    outcome.map(|answer| answer.unwrap_or_else(|answer| answer))
}

/// Waits for the seccomp stop, then for the end: `Ok` when the child has ended and been waited for.
fn follow(child: Pid) -> Result<Answer, Answer> {
    let mut stopped = false;
    loop {
        match waitpid(child, None) {
            Ok(WaitStatus::PtraceEvent(_, _, event)) if event == libc::PTRACE_EVENT_SECCOMP => {
                stopped = true;
            }
            Ok(WaitStatus::Exited(_, code)) => return Ok(ended(stopped, code)),
            Ok(WaitStatus::Signaled(_, signal, _)) => {
                return Ok(Answer::Unknown(format!("the traced child died of {signal}")));
            }
            Ok(_) => {}
            Err(nix::errno::Errno::EINTR) => continue,
            Err(errno) => return Err(Answer::Unknown(format!("wait for the traced child: {errno}"))),
        }
        if let Err(errno) = ptrace::cont(child, None) {
            return Err(Answer::from_io(&errno.into()));
        }
    }
}

fn ended(stopped: bool, code: i32) -> Answer {
    match code {
        0 if stopped => Answer::Yes,
        0 => Answer::off("the child ran through its seccomp filter without a stop"),
        EXIT_FILTER.. => {
            let err = io::Error::from_raw_os_error(code - EXIT_FILTER);
            Answer::unsupported(format!("seccomp filter refused: {}", name(&err)))
        }
        _ => Answer::Unknown(format!("the traced child ended with code {code}")),
    }
}

/// The child: waits for the word, puts the filter on, makes the call, ends.
///
/// # Safety
/// Only to be called in a child after fork; never returns.
unsafe fn child(told: libc::c_int) -> ! {
    const fn op(code: u16, jt: u8, jf: u8, k: u32) -> libc::sock_filter {
        libc::sock_filter { code, jt, jf, k }
    }
    let mut filter = [
        // The number of the call is the first field of `struct seccomp_data`.
        op(BPF_LD_W_ABS, 0, 0, 0),
        op(BPF_JEQ, 0, 1, libc::SYS_getppid as u32),
        op(BPF_RET, 0, 0, libc::SECCOMP_RET_TRACE),
        op(BPF_RET, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    let mut byte = 0u8;
    // SAFETY: system calls on memory of this frame.
    unsafe {
        if libc::read(told, (&raw mut byte).cast(), 1) != 1 {
            libc::_exit(EXIT_NOT_TOLD);
        }
        if libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 {
            libc::_exit(EXIT_NO_FILTER);
        }
        if libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) != 0 {
            libc::_exit(EXIT_FILTER + *libc::__errno_location());
        }
        libc::syscall(libc::SYS_getppid);
        libc::_exit(0)
    }
}

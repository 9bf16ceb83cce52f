//! The ptrace requests that a tracer needs, checked and safe.
//!
//! nix has most of them, but knows no real-time signals, neither in what it delivers nor in what it waits for; a tracer
//! must pass on every signal untouched. All requests go to tracees of the calling *thread*: ptrace belongs to
//! the thread that attached.
//!
//! # Minimum kernel
//! 5.3, for `PTRACE_GET_SYSCALL_INFO`.

mod alarm;
mod socket;

pub use alarm::Alarm;
pub use socket::{Socket, socket};

use nix::errno::Errno;
use std::mem::{size_of, zeroed};

/// `PTRACE_O_*` bits.
pub mod options {
    /// A system call stop is marked with bit 7 of the signal.
    pub const SYSGOOD: i32 = libc::PTRACE_O_TRACESYSGOOD;
    /// Stop at fork; the child is traced from its first instruction.
    pub const FORK: i32 = libc::PTRACE_O_TRACEFORK;
    /// Stop at vfork.
    pub const VFORK: i32 = libc::PTRACE_O_TRACEVFORK;
    /// Stop at clone.
    pub const CLONE: i32 = libc::PTRACE_O_TRACECLONE;
    /// Stop after a successful exec.
    pub const EXEC: i32 = libc::PTRACE_O_TRACEEXEC;
    /// Stop before a task ends.
    pub const EXIT: i32 = libc::PTRACE_O_TRACEEXIT;
    /// Stop where a seccomp filter says `SECCOMP_RET_TRACE`.
    pub const SECCOMP: i32 = libc::PTRACE_O_TRACESECCOMP;
    /// The tracees die with the tracer.
    pub const EXITKILL: i32 = libc::PTRACE_O_EXITKILL;
}

/// How a stopped task goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    /// Until the next event.
    On,
    /// Until the next event, system call entry or exit.
    ToSyscall,
}

/// Why a task is stopped in a system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syscall {
    /// It is about to make one: at the entry, or where its seccomp filter stopped it.
    Entry {
        /// `AUDIT_ARCH_*`.
        arch: u32,
        /// Number.
        nr: u64,
        /// Arguments.
        args: [u64; 6],
    },
    /// It has made one.
    Exit {
        /// The result; negative errno when it failed.
        ret: i64,
    },
    /// It is not stopped in a system call.
    None,
}

/// What `waitpid` told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The task.
    pub tid: i32,
    /// Status word as `waitpid` gives it.
    pub raw: i32,
}

/// What happened to a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    /// It is gone; `raw` holds code or signal.
    Ended,
    /// It is about to be given a signal.
    Signal(i32),
    /// It stopped at entry or exit of a system call.
    Syscall,
    /// `PTRACE_EVENT_*`.
    Event(i32),
    /// Its whole process is stopped by this signal.
    GroupStop(i32),
    /// It stopped because it is new, was interrupted, or its group stop ended.
    Trap,
}

impl Status {
    /// Decodes the status word; the task must have been attached with [`seize`].
    pub fn happened(self) -> Happened {
        if self.raw & 0xff != 0x7f {
            return Happened::Ended;
        }
        let signal = self.raw >> 8 & 0xff;
        match self.raw >> 16 {
            libc::PTRACE_EVENT_STOP if signal == libc::SIGTRAP => Happened::Trap,
            libc::PTRACE_EVENT_STOP => Happened::GroupStop(signal),
            0 if signal == libc::SIGTRAP | 0x80 => Happened::Syscall,
            0 => Happened::Signal(signal),
            event => Happened::Event(event),
        }
    }
}

/// Attaches without stopping.
///
/// # Errors
/// `EPERM` without the right to, or when it has a tracer already; `ESRCH` when there is no such task.
pub fn seize(tid: i32, options: i32) -> Result<(), Errno> {
    request(libc::PTRACE_SEIZE, tid, 0, usize::try_from(options).unwrap_or(0))
}

/// Lets a stopped task go on, with a signal or 0.
///
/// # Errors
/// `ESRCH` when it is not stopped: it has been killed meanwhile.
pub fn resume(tid: i32, go: Go, signal: i32) -> Result<(), Errno> {
    let what = match go {
        Go::On => libc::PTRACE_CONT,
        Go::ToSyscall => libc::PTRACE_SYSCALL,
    };
    request(what, tid, 0, usize::try_from(signal).unwrap_or(0))
}

/// Leaves a task in its group stop, so that a `SIGCONT` wakes it as without a tracer.
///
/// # Errors
/// As [`resume`].
pub fn listen(tid: i32) -> Result<(), Errno> {
    request(libc::PTRACE_LISTEN, tid, 0, 0)
}

/// Stops a running task.
///
/// # Errors
/// As [`resume`].
pub fn interrupt(tid: i32) -> Result<(), Errno> {
    request(libc::PTRACE_INTERRUPT, tid, 0, 0)
}

/// Lets a stopped task go for good, with a signal or 0.
///
/// # Errors
/// As [`resume`].
pub fn detach(tid: i32, signal: i32) -> Result<(), Errno> {
    request(libc::PTRACE_DETACH, tid, 0, usize::try_from(signal).unwrap_or(0))
}

/// The number that goes with an event: the new task, or the thread id before an exec.
///
/// # Errors
/// As [`resume`].
pub fn event_message(tid: i32) -> Result<u64, Errno> {
    let mut message: libc::c_ulong = 0;
    request(libc::PTRACE_GETEVENTMSG, tid, 0, (&raw mut message) as usize)?;
    Ok(message)
}

/// What system call a stopped task is in.
///
/// # Errors
/// As [`resume`]; `EIO` on a kernel before 5.3.
pub fn syscall(tid: i32) -> Result<Syscall, Errno> {
    // SAFETY: integers only; all-zero is a value.
    let mut info: libc::ptrace_syscall_info = unsafe { zeroed() };
    let size = size_of::<libc::ptrace_syscall_info>();
    request(libc::PTRACE_GET_SYSCALL_INFO, tid, size, (&raw mut info) as usize)?;
    // SAFETY: all members of the union are integers, and the buffer was zero before the kernel wrote: whichever
    // member is read is initialised. `op` says which one is meant.
    Ok(unsafe {
        match info.op {
            libc::PTRACE_SYSCALL_INFO_ENTRY => {
                Syscall::Entry { arch: info.arch, nr: info.u.entry.nr, args: info.u.entry.args }
            }
            libc::PTRACE_SYSCALL_INFO_SECCOMP => {
                Syscall::Entry { arch: info.arch, nr: info.u.seccomp.nr, args: info.u.seccomp.args }
            }
            libc::PTRACE_SYSCALL_INFO_EXIT => Syscall::Exit { ret: info.u.exit.sval },
            _ => Syscall::None,
        }
    })
}

/// Waits for a tracee or child of the calling thread; `None` when nothing happened (yet).
///
/// With `block`, waits until something happens or a signal is handled: see [`Alarm`].
///
/// # Errors
/// `ECHILD` when there is nobody to wait for.
pub fn wait(block: bool) -> Result<Option<Status>, Errno> {
    let flags = libc::__WALL | libc::__WNOTHREAD | if block { 0 } else { libc::WNOHANG };
    let mut raw = 0;
    // SAFETY: `raw` is live for the kernel to write.
    match unsafe { libc::waitpid(-1, &raw mut raw, flags) } {
        0 => Ok(None),
        -1 if Errno::last() == Errno::EINTR => Ok(None),
        -1 => Err(Errno::last()),
        tid => Ok(Some(Status { tid, raw })),
    }
}

fn request(what: libc::c_uint, tid: i32, addr: usize, data: usize) -> Result<(), Errno> {
    // SAFETY: the callers above pass numbers, or the address of a live, exclusively borrowed buffer together with the
    // request that writes no more than its size there.
    match unsafe { libc::ptrace(what, tid, addr, data) } {
        -1 => Err(Errno::last()),
        _ => Ok(()),
    }
}

//! A command that is started but does not run yet.
//!
//! [`Paused::spawn`] forks; the child waits at a gate before its exec, so that a monitor can register it and miss
//! nothing of it. [`Paused::release`] opens the gate and tells whether the exec worked.
//!
//! The child gets what it would have got without a monitor: standard streams, working directory, environment,
//! process group, terminal, and the signal dispositions that the monitor itself was started with (the Rust
//! runtime ignores `SIGPIPE`; that is undone). The gate is a page of shared memory, not a pipe: no descriptor of
//! ours exists in the child, and its exec closes nothing of ours: what is close-on-exec here is closed before the gate. That the exec happened is
//! told by the kernel, which marks a robust futex when a task gives up its memory, by exec or by exit.
//!
//! What this is not: a general process builder. There is no redirection and no environment editing.
//!
//! ```no_run
//! use kernscope_kit::spawn::{Options, Paused};
//! let paused = Paused::spawn(&["true".into()], &Options::default())?;
//! println!("will run as {}", paused.pid());
//! let mut running = paused.release()?;
//! assert!(running.wait()?.success());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod child;
mod gate;
mod listener;

use crate::pidfd;
use child::Image;
use gate::{
    GIVE_UP, GO, GatePage, STAGE_BEGIN, STAGE_LANDLOCK, STAGE_NNP, STAGE_SECCOMP, STAGE_SUPERVISE, futex_wait,
};
use nix::errno::Errno;
use std::ffi::OsString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub use libc::sock_filter;
pub use listener::{Listener, Next, Supervised, Waiting};

/// How the child is prepared.
#[derive(Clone, Debug)]
pub struct Options {
    /// Signals set back to their default action in the child. `SIGPIPE` unless told otherwise: the Rust runtime
    /// ignores it before `main`, and an ignored signal stays ignored through an exec.
    pub default_signals: Vec<i32>,
    /// Signal mask of the child; `None`: that of the thread that calls [`Paused::spawn`].
    pub signal_mask: Option<nix::sys::signal::SigSet>,
    /// Set `no_new_privs`: set-user-ID programs do not gain privilege.
    pub no_new_privs: bool,
    /// A seccomp filter, installed after the gate has been opened, just before the exec. Needs `no_new_privs` or
    /// `CAP_SYS_ADMIN`.
    pub seccomp: Option<Vec<sock_filter>>,
    /// A Landlock ruleset that the child is put under before the gate. Needs `no_new_privs` or `CAP_SYS_ADMIN`.
    pub landlock: Option<Arc<OwnedFd>>,
    /// A seccomp filter that hands calls to this process; installed before the gate. Needs `no_new_privs` or `CAP_SYS_ADMIN`.
    pub supervised: Option<Supervised>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            default_signals: vec![libc::SIGPIPE],
            signal_mask: None,
            no_new_privs: false,
            seccomp: None,
            landlock: None,
            supervised: None,
        }
    }
}

/// Why a command does not run.
#[derive(Debug, thiserror::Error)]
#[error("{act} {object}: {}", errno.desc())]
pub struct SpawnError {
    /// What was tried.
    pub act: &'static str,
    /// On what.
    pub object: String,
    /// What came back.
    pub errno: Errno,
}

impl SpawnError {
    /// The exit status that a shell gives: 127 not found, 126 found but not executable, 2 for anything else.
    pub fn exit_code(&self) -> u8 {
        match (self.act, self.errno) {
            (RUN, Errno::ENOENT | Errno::ENOTDIR) => 127,
            (RUN, _) => 126,
            _ => 2,
        }
    }
}

const RUN: &str = "run";

/// A child that waits before its exec. Dropped, it ends without having run anything.
#[derive(Debug)]
pub struct Paused {
    child: Running,
    gate: GatePage,
    command: String,
}

impl Paused {
    /// Forks a child for `argv` that waits at the gate.
    ///
    /// The program is looked up as `execvp` does, but before the fork: the child makes one exec, not one for each
    /// directory of `PATH`.
    ///
    /// # Errors
    /// When the program is not found or not executable ([`SpawnError::exit_code`] tells them apart), an argument
    /// holds a NUL byte, or the system has no room for another process.
    pub fn spawn(argv: &[OsString], options: &Options) -> Result<Self, SpawnError> {
        let command = argv.first().map(|arg| arg.to_string_lossy().into_owned()).unwrap_or_default();
        let fail = |act, errno| SpawnError { act, object: command.clone(), errno };
        let program = argv.first().ok_or_else(|| fail(RUN, Errno::ENOENT))?;
        let path = child::look_up(Path::new(program)).map_err(|errno| fail(RUN, errno))?;
        let image = Image::new(&path, argv).ok_or_else(|| fail(RUN, Errno::EINVAL))?;
        let gate = GatePage::new().map_err(|errno| fail("map memory for", errno))?;
        let pid = child::fork(&image, &gate, options).map_err(|errno| fail("fork for", errno))?;
        let mut child = Running { pid, pidfd: pidfd::open(pid).ok(), status: None };
        while gate.gate().stage.load(Ordering::Acquire) == STAGE_BEGIN && !has_ended(pid) {
            futex_wait(&gate.gate().stage, STAGE_BEGIN);
        }
        if gate.gate().stage.load(Ordering::Acquire) == STAGE_BEGIN {
            let _ = child.try_wait();
            return Err(fail("prepare a child for", Errno::ECHILD));
        }
        let mut paused = Self { child, gate, command };
        paused.listen(options)?;
        Ok(paused)
    }

    /// Takes the listener of the child's filter. One that could not be installed is for the release to tell.
    fn listen(&mut self, options: &Options) -> Result<(), SpawnError> {
        let (Some(supervised), Ok(fd)) =
            (&options.supervised, u32::try_from(self.gate.gate().listener.load(Ordering::Acquire)))
        else {
            return Ok(());
        };
        // Zero is none: the page is made of zeros.
        let Some(fd) = fd.checked_sub(1) else { return Ok(()) };
        let listener = Listener::of(self.child.pid, fd.cast_signed());
        let object = self.command.clone();
        supervised.put(listener.map_err(|errno| SpawnError {
            act: "take the seccomp listener of",
            object,
            errno,
        })?);
        Ok(())
    }

    /// The child's process id; also the command's, once released.
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Opens the gate and waits for the exec to pass its point of no return.
    ///
    /// `/proc/PID/exe` and `comm` may be the old ones for another moment.
    ///
    /// # Errors
    /// When the exec (or the preparation before it) failed; the child is gone then.
    pub fn release(self) -> Result<Running, SpawnError> {
        let mut launched = self.release_now();
        loop {
            if let Some(outcome) = launched.outcome() {
                return outcome.map(|()| launched.into_running());
            }
            let alive = launched.gate.gate().alive.load(Ordering::Acquire);
            if alive & libc::FUTEX_OWNER_DIED == 0 {
                futex_wait(&launched.gate.gate().alive, alive);
            }
        }
    }

    /// Opens the gate without waiting for the exec: for a tracer, which has to let the child go on meanwhile.
    pub fn release_now(mut self) -> Launched {
        self.gate.open(GO);
        // What is left in `self` is a child already reaped and a page nobody waits at: its drop does nothing.
        let child =
            Running { pid: self.child.pid, pidfd: self.child.pidfd.take(), status: self.child.status.take() };
        self.child.status = Some(ExitStatus::from_raw(0));
        Launched { child, gate: self.gate.share(), command: std::mem::take(&mut self.command) }
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        if self.child.status.is_none() {
            self.gate.open(GIVE_UP);
            // It may be stopped (by the terminal) and not see the gate.
            let _ = self.child.kill(libc::SIGKILL);
            let _ = self.child.wait();
        }
    }
}

/// A child whose gate is open and whose exec may not have happened yet.
#[derive(Debug)]
pub struct Launched {
    child: Running,
    gate: GatePage,
    command: String,
}

impl Launched {
    /// The child's process id.
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// What has become of the exec: `None` while it has not been reached.
    pub fn outcome(&mut self) -> Option<Result<(), SpawnError>> {
        let gate = self.gate.gate();
        // Before the errno is read: a child that fails writes it and ends, and would else have ended without one.
        let gone =
            gate.alive.load(Ordering::Acquire) & libc::FUTEX_OWNER_DIED != 0 || has_ended(self.child.pid);
        let errno = gate.errno.load(Ordering::Acquire);
        if errno != 0 {
            let act = match gate.stage.load(Ordering::Acquire) {
                STAGE_NNP => "set no_new_privs for",
                STAGE_LANDLOCK => "put under Landlock",
                STAGE_SUPERVISE => "install the seccomp listener for",
                STAGE_SECCOMP => "install the seccomp filter for",
                _ => RUN,
            };
            let _ = self.child.try_wait();
            return Some(Err(SpawnError {
                act,
                object: self.command.clone(),
                errno: Errno::from_raw(errno),
            }));
        }
        // A child killed before its exec counts as one that ran: its status tells.
        gone.then_some(Ok(()))
    }

    /// The child, to be waited for.
    pub fn into_running(self) -> Running {
        self.child
    }
}

/// A command that runs.
#[derive(Debug)]
pub struct Running {
    pid: libc::pid_t,
    pidfd: Option<OwnedFd>,
    status: Option<ExitStatus>,
}

impl Running {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.pid.unsigned_abs()
    }

    /// A descriptor that polls readable when it has ended; `None` on kernels before 5.3.
    pub fn pidfd(&self) -> Option<BorrowedFd<'_>> {
        self.pidfd.as_ref().map(AsFd::as_fd)
    }

    /// Its status if it has ended. Does not wait.
    ///
    /// # Errors
    /// When the child cannot be waited for, since something else has reaped it.
    pub fn try_wait(&mut self) -> std::io::Result<Option<ExitStatus>> {
        self.reap(libc::WNOHANG)
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// As [`Running::try_wait`].
    pub fn wait(&mut self) -> std::io::Result<ExitStatus> {
        loop {
            if let Some(status) = self.reap(0)? {
                return Ok(status);
            }
        }
    }

    /// Its status as far as it is known already. Asks nobody: a tracer must not wait for its child by the way, since
    /// that would take the stops that its own loop waits for.
    pub fn status(&self) -> Option<ExitStatus> {
        self.status
    }

    /// Takes note of a status that a tracer's own wait has collected.
    pub fn reaped(&mut self, status: ExitStatus) {
        self.status = Some(status);
    }

    /// Sends it a signal; does nothing when it has been reaped.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn kill(&self, signal: i32) -> std::io::Result<()> {
        if self.status.is_some() {
            return Ok(());
        }
        // SAFETY: plain system call. The pid is our child and not reaped, so that it cannot mean anybody else.
        match unsafe { libc::kill(self.pid, signal) } {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        }
    }

    fn reap(&mut self, flags: libc::c_int) -> std::io::Result<Option<ExitStatus>> {
        if self.status.is_some() {
            return Ok(self.status);
        }
        let mut raw = 0;
        // SAFETY: `raw` is a live c_int for the kernel to write.
        match unsafe { libc::waitpid(self.pid, &raw mut raw, flags) } {
            0 => {}
            -1 => match Errno::last() {
                Errno::EINTR => {}
                errno => return Err(errno.into()),
            },
            _ => self.status = Some(ExitStatus::from_raw(raw)),
        }
        Ok(self.status)
    }
}

/// Whether a child has ended, without reaping it.
fn has_ended(pid: libc::pid_t) -> bool {
    // SAFETY: an all-zero siginfo_t is valid, and live for the kernel to write.
    unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
        let ended = [libc::CLD_EXITED, libc::CLD_KILLED, libc::CLD_DUMPED];
        libc::waitid(libc::P_PID, pid.unsigned_abs(), &raw mut info, flags) == 0
            && info.si_pid() == pid
            && ended.contains(&info.si_code)
    }
}

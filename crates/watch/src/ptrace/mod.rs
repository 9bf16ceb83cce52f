//! The back end that needs no privilege: ptrace, with a seccomp filter so that only calls that matter stop.
//!
//! A command is started at a gate, seized, and installs the filter on itself before its exec; every descendant inherits
//! both. A task stops at the entry of a call that matters and, where the result counts, at its exit; while it
//! stands still its memory and `/proc` are read, so that paths are exact. The raw events are those of the eBPF
//! back end, byte counts left out.
//!
//! What the program does stays the same: signals are passed on untouched, group stops are left to
//! `PTRACE_LISTEN` so that job control works, its parent reaps it as before. What differs: a program that uses ptrace
//! itself (a debugger, strace) fails as it would under `strace`; without `CAP_SYS_ADMIN`, set-user-ID programs gain no
//! privilege ([`Ptrace::notices`]). The filter cannot be taken off and its calls fail without a tracer, so the tree of a
//! command dies with this process (`PTRACE_O_EXITKILL`); a process that was attached to goes on.
//!
//! ptrace belongs to a thread: [`Ptrace`] is not `Send`, and must be polled where it was made.

mod calls;
mod cover;
mod dns;
mod exec;
mod files;
mod filter;
mod life;
mod memory;
mod net;
mod path_calls;
mod places;
mod start;
mod stops;
mod tasks;

use crate::backend::{Account, Backend, BackendError, Progress, Target};
use crate::proc_snapshot;
use crate::raw::{Body, Builder};
use cover::Cover;
use kernscope_abi as abi;
use kernscope_kit::spawn::{self, Running, SpawnError};
use kernscope_kit::trace::{self, Alarm, Go};
use kernscope_report::Coverage;
use kernscope_report::clock::{boot_offset_ns, monotonic_ns};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::{HashMap, HashSet};
use std::marker::PhantomData;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};
use tasks::{Part, Process, Thread};

/// What the back end is told once.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Deliver the environment of execs.
    pub env: bool,
    /// How the command is started; the filter is set here, and `no_new_privs` where that needs it.
    pub spawn: spawn::Options,
}

/// Why there is no back end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The command does not run; [`SpawnError::exit_code`] is the shell's word for it.
    #[error(transparent)]
    Command(#[from] SpawnError),
    /// Tracing does not work.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// The back end.
#[derive(Debug)]
pub struct Ptrace {
    threads: HashMap<i32, Thread>,
    processes: HashMap<u32, Process>,
    /// New tasks that stopped before their creator told of them.
    early: HashMap<i32, Early>,
    /// Events that wait for delivery.
    queue: Vec<Vec<u8>>,
    cover: Cover,
    alarm: Alarm,
    /// How a task goes on when nothing is awaited.
    go: Go,
    env: bool,
    command: Option<Running>,
    next_file: u64,
    /// Inodes of sockets that were bound.
    bound: HashSet<u64>,
    host: places::Host,
    detached: bool,
    /// It goes on with nothing left to watch: more may be added.
    endless: bool,
    _thread: PhantomData<*const ()>,
}

#[derive(Debug)]
struct Early {
    status: trace::Status,
    since: Instant,
}

impl Ptrace {
    /// Starts the command, or attaches to the running tree.
    ///
    /// # Errors
    /// [`StartError::Command`] when the command is not found or not executable, else [`StartError::Backend`].
    pub fn start(target: &Target, options: &Options) -> Result<Self, StartError> {
        match target {
            Target::Command(argv) => Self::command(argv, options),
            Target::Pid(pid) => {
                let mut this = Self::new(options, Go::ToSyscall)?;
                this.watch_tree(*pid)?;
                Ok(this)
            }
            Target::Trees(pids) => {
                let mut this = Self::new(options, Go::ToSyscall)?;
                this.endless = true;
                // Some may have gone since.
                pids.iter().for_each(|pid| drop(this.watch_tree(*pid)));
                Ok(this)
            }
            Target::All => Err(StartError::Backend(BackendError {
                act: "watch",
                object: "all processes".to_owned(),
                cause: "ptrace follows one tree".to_owned(),
                fix: "use --pid or a command, or run as root for the ebpf back end".to_owned(),
            })),
        }
    }

    /// The status of the command, once it has ended.
    pub fn command_status(&mut self) -> Option<ExitStatus> {
        self.command.as_ref().and_then(Running::status)
    }

    /// Process id of the command; `None` when a running tree is watched.
    pub fn command_pid(&self) -> Option<u32> {
        self.command.as_ref().map(Running::pid)
    }

    /// Sends a signal to the command, if it is still there.
    pub fn signal_command(&mut self, signal: i32) {
        // Only this process reaps the command, so that without a status its id is still its own.
        let running = self.command_status().is_none();
        let pid = self.command_pid().filter(|_| running).and_then(|pid| i32::try_from(pid).ok());
        if let (Some(pid), Ok(signal)) = (pid, Signal::try_from(signal)) {
            // It may refuse, having become another user's; then it is not ours to end.
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }

    /// What a person has to know before believing the run, one sentence each.
    pub fn notices(&self) -> Vec<String> {
        let mut notices = Vec::new();
        if self.cover.no_new_privs {
            notices.push(
                "no CAP_SYS_ADMIN: no_new_privs is set, so set-user-ID programs (sudo, ping, ...) gain no privilege"
                    .to_owned(),
            );
        }
        notices
    }

    fn new(options: &Options, go: Go) -> Result<Self, BackendError> {
        let alarm = Alarm::new().map_err(|errno| failed("make", "a timer", errno, ""))?;
        Ok(Self {
            threads: HashMap::new(),
            processes: HashMap::new(),
            early: HashMap::new(),
            queue: Vec::new(),
            cover: Cover::default(),
            alarm,
            go,
            env: options.env,
            command: None,
            next_file: 0,
            bound: HashSet::new(),
            host: places::Host::read(),
            detached: false,
            endless: false,
            _thread: PhantomData,
        })
    }

    /// Tells of a process that was there before the run.
    fn snapshot(&mut self, pid: u32, watched: bool) {
        if let Some(process) = proc_snapshot::process(pid) {
            self.cover.produced(abi::KIND_SNAPSHOT);
            self.queue.push(proc_snapshot::event(&process, monotonic_ns(), watched));
        }
    }

    fn snapshot_ancestors(&mut self, pid: u32) {
        for process in proc_snapshot::ancestors(pid).iter().rev() {
            self.snapshot(process.pid, false);
        }
    }

    /// What every event of a task starts with.
    fn header(&self, tid: i32) -> abi::Header {
        let thread = self.threads.get(&tid);
        let pid = thread.map_or(tid.unsigned_abs(), |thread| thread.pid);
        let process = self.processes.get(&pid);
        abi::Header {
            ts_ns: monotonic_ns(),
            start_ns: process.map_or(0, |process| process.start_ns),
            pid,
            tid: tid.unsigned_abs(),
            ppid: process.map_or(0, |process| process.ppid),
            uid: process.map_or(0, |process| process.uid),
            comm: thread.map_or([0; abi::COMM_LEN], |thread| thread.comm),
            ..Default::default()
        }
    }

    /// Counts an event and puts it into the queue.
    fn tell(&mut self, header: abi::Header, body: Body, parts: &[Part]) {
        self.cover.produced(body.kind());
        let mut builder = Builder::new(header, body);
        for part in parts {
            builder = builder.section(part.tag, part.flags, &part.bytes);
        }
        self.queue.push(builder.finish());
    }

    fn deliver(&mut self, deliver: &mut dyn FnMut(&[u8])) {
        for event in self.queue.drain(..) {
            deliver(&event);
        }
    }

    fn ended(&self) -> bool {
        self.threads.is_empty() && self.early.is_empty()
    }

    /// Takes note of an end that our own wait has collected.
    fn note_end(&mut self, status: trace::Status) {
        if let Some(command) = &mut self.command
            && command.pid() == status.tid.unsigned_abs()
        {
            command.reaped(ExitStatus::from_raw(status.raw));
        }
    }
}

impl Backend for Ptrace {
    /// Follows the tree for `timeout`, delivering as it goes; returns sooner only when it has ended.
    fn poll(&mut self, timeout: Duration, deliver: &mut dyn FnMut(&[u8])) -> Result<Progress, BackendError> {
        let until = Instant::now() + timeout;
        self.deliver(deliver);
        self.alarm.set(Some(timeout.clamp(Duration::from_millis(1), Duration::from_millis(100))));
        let progress = loop {
            if self.ended() && self.endless && !self.detached {
                std::thread::sleep(timeout);
                break Ok(Progress::Running);
            }
            if self.ended() {
                break Ok(Progress::Ended);
            }
            let block = Instant::now() < until;
            match trace::wait(block) {
                Ok(Some(status)) => self.handle(status),
                Ok(None) if block => {}
                Ok(None) => break Ok(Progress::Running),
                // Nobody left to wait for: what is in the table has gone another way.
                Err(Errno::ECHILD) => self.forget_all(),
                Err(errno) => break Err(failed("wait for", "the traced tree", errno, "")),
            }
            self.deliver(deliver);
            if !block {
                break Ok(Progress::Running);
            }
        };
        self.alarm.set(None);
        self.adopt_orphans();
        self.deliver(deliver);
        progress
    }

    fn coverage(&self) -> Coverage {
        self.cover.statement()
    }

    fn account(&mut self) -> Account {
        self.cover.account.clone()
    }

    /// Lets go of a tree that was attached to; kills the tree of a command, which cannot live without its tracer.
    fn detach(&mut self) {
        if !std::mem::replace(&mut self.detached, true) {
            self.let_go();
        }
    }
}

impl Drop for Ptrace {
    fn drop(&mut self) {
        self.detach();
    }
}

fn failed(act: &'static str, object: &str, errno: Errno, fix: &str) -> BackendError {
    BackendError { act, object: object.to_owned(), cause: errno.desc().to_owned(), fix: fix.to_owned() }
}

/// Now, on the clock of process starts.
fn boot_ns() -> u64 {
    monotonic_ns() + boot_offset_ns()
}

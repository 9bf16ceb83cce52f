//! What a stop means, and how the task goes on.

use super::Ptrace;
use super::calls::{self, Abi, Call};
use super::memory;
use super::tasks::{Before, Pending};
use kernscope_abi as abi;
use kernscope_kit::trace::{self, Go, Happened, Status, Syscall};
use nix::libc;
use std::time::Instant;

/// Results of a call that a signal has interrupted and that starts again by itself or returns `EINTR` instead:
/// `ERESTARTSYS`, `ERESTARTNOINTR`, `ERESTARTNOHAND`, `ERESTART_RESTARTBLOCK` (linux/errno.h).
const RESTART: [i64; 4] = [-512, -513, -514, -516];

impl Ptrace {
    /// Deals with one answer of `waitpid` and lets the task go on.
    pub(super) fn handle(&mut self, status: Status) {
        let tid = status.tid;
        let happened = status.happened();
        if !self.threads.contains_key(&tid) && !self.took_over(tid, happened) {
            self.early.insert(tid, super::Early { status, since: Instant::now() });
            return;
        }
        match happened {
            Happened::Ended => return self.task_ended(status),
            Happened::Signal(signal) => return self.resume(tid, signal),
            Happened::GroupStop(_) if trace::listen(tid).is_ok() => return,
            Happened::Syscall | Happened::Event(libc::PTRACE_EVENT_SECCOMP) => self.at_syscall(tid),
            Happened::Event(
                libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK | libc::PTRACE_EVENT_CLONE,
            ) => {
                self.born(tid);
            }
            Happened::Event(libc::PTRACE_EVENT_EXEC) => self.executed(tid),
            Happened::Event(libc::PTRACE_EVENT_EXIT) => self.ending(tid),
            Happened::Event(_) | Happened::GroupStop(_) | Happened::Trap => {}
        }
        self.resume(tid, 0);
    }

    /// A thread that was not the leader has called exec and goes by the leader's id now.
    pub(super) fn took_over(&self, tid: i32, happened: Happened) -> bool {
        happened == Happened::Event(libc::PTRACE_EVENT_EXEC)
            && self.processes.contains_key(&tid.unsigned_abs())
    }

    pub(super) fn resume(&mut self, tid: i32, signal: i32) {
        let waits = self.threads.get(&tid).is_some_and(|thread| thread.pending.is_some());
        let go = if waits { Go::ToSyscall } else { self.go };
        // It fails when the task has been killed while it was stopped; its end will be told.
        let _ = trace::resume(tid, go, signal);
    }

    fn at_syscall(&mut self, tid: i32) {
        match trace::syscall(tid) {
            Ok(Syscall::Entry { arch, nr, args }) => {
                let pending = self.begin(tid, arch, nr, args);
                if let Some(thread) = self.threads.get_mut(&tid) {
                    thread.pending = pending;
                }
            }
            Ok(Syscall::Exit { ret }) => {
                let pending = self.threads.get_mut(&tid).and_then(|thread| thread.pending.take());
                if let Some(pending) = pending {
                    self.finish(tid, pending, ret);
                }
            }
            Ok(Syscall::None) | Err(_) => {}
        }
    }

    /// A call begins. Returns what is awaited, if its end is.
    fn begin(&mut self, tid: i32, arch: u32, nr: u64, args: [u64; 6]) -> Option<Pending> {
        let (mut call, abi) = calls::decode(arch, nr)?;
        let mut args = args;
        if call == Call::Socketcall {
            (call, args) = unpack(tid, &args)?;
        }
        let pid = self.threads.get(&tid)?.pid;
        let before = match call {
            Call::Close => {
                self.close(tid, fd(args[0]), abi);
                return None;
            }
            Call::CloseRange => {
                self.close_range(tid, &args, abi);
                return None;
            }
            Call::Dup => {
                self.processes.get(&pid)?.files.get(&fd(args[0]))?;
                Before::Nothing
            }
            Call::Fcntl => {
                let duplicates = [libc::F_DUPFD, libc::F_DUPFD_CLOEXEC].contains(&fd(args[1]));
                self.processes.get(&pid)?.files.get(&fd(args[0])).filter(|_| duplicates)?;
                Before::Nothing
            }
            Call::Dup2 | Call::Dup3 => self.replaces(tid, fd(args[0]), fd(args[1])),
            Call::Execve | Call::Execveat => self.attempt(tid, call, &args),
            Call::Mmap | Call::MmapPages if args[3] & ANONYMOUS != 0 => return None,
            Call::Sendto if args[4] == 0 => return None,
            Call::Sendmsg | Call::Sendmmsg
                if !names_address(tid, args[1], abi) && self.server(tid, fd(args[0])).is_none() =>
            {
                return None;
            }
            Call::Recvfrom if args[4] == 0 || self.server(tid, fd(args[0])).is_none() => return None,
            Call::Prctl if fd(args[0]) != libc::PR_SET_NAME => return None,
            _ => match self.path_call(tid, call, abi, &args) {
                Some((op, parts)) => Before::Path(Box::new(op), parts),
                None => Before::Nothing,
            },
        };
        Some(Pending { call, abi, args, before })
    }

    /// A call has come to its end.
    pub(super) fn finish(&mut self, tid: i32, pending: Pending, ret: i64) {
        if RESTART.contains(&ret) && pending.call != Call::Connect {
            return;
        }
        // A connect goes on in the background when it is interrupted.
        let ret = if RESTART.contains(&ret) { -i64::from(libc::EINTR) } else { ret };
        let Pending { call, abi, args, before } = pending;
        let short = i32::try_from(ret).unwrap_or(if ret < 0 { i32::MIN } else { i32::MAX });
        match before {
            Before::Path(mut op, parts) => {
                op.ret = short;
                let header = self.header_of(tid, abi);
                return self.tell(header, crate::raw::Body::PathOp(*op), &parts);
            }
            // A successful one was told at its own stop, and took the attempt with it.
            Before::Exec(attempt) => return self.exec_failed(tid, *attempt, short),
            Before::Replaces(fd, link) => {
                if ret >= 0 {
                    self.gone(tid, fd, &link, abi::CLOSE_DUP, abi);
                }
            }
            Before::Nothing => {}
        }
        match call {
            Call::Open | Call::Openat | Call::Openat2 | Call::Creat | Call::OpenByHandle => {
                self.opened(tid, call, abi, &args, short);
            }
            Call::Dup | Call::Dup2 | Call::Dup3 | Call::Fcntl => self.duplicated(tid, fd(args[0]), short),
            Call::Mmap | Call::MmapPages | Call::MmapOld => self.mapped(tid, call, abi, &args, ret),
            Call::Setuid => self.refresh(tid),
            Call::Prctl => self.renamed(tid),
            Call::Chroot => self.forget_view(tid),
            Call::UringSetup => self.cover.rings += u64::from(ret >= 0),
            _ => self.socket_call(tid, call, abi, &args, short),
        }
    }

    /// The header of an event that a call of this sort gives.
    pub(super) fn header_of(&self, tid: i32, abi: Abi) -> abi::Header {
        let flags = if abi == Abi::Compat { abi::FLAG_COMPAT } else { 0 };
        abi::Header { flags, ..self.header(tid) }
    }
}

const ANONYMOUS: u64 = libc::MAP_ANONYMOUS as u64;

/// An `int` argument: the upper half of the register means nothing.
pub(super) fn fd(arg: u64) -> i32 {
    low(arg).cast_signed()
}

/// An `unsigned int` argument.
pub(super) fn low(arg: u64) -> u32 {
    u32::try_from(arg & u64::from(u32::MAX)).unwrap_or(0)
}

/// The call in a 32-bit `socketcall`, and its arguments from memory.
fn unpack(tid: i32, args: &[u64; 6]) -> Option<(Call, [u64; 6])> {
    let call = calls::socketcall(args[0])?;
    let count = match call {
        Call::Listen => 2,
        Call::Sendto => 6,
        Call::Sendmmsg => 4,
        _ => 3,
    };
    let raw = memory::bytes(tid, args[1], 4 * count)?;
    let mut unpacked = [0; 6];
    for (arg, chunk) in unpacked.iter_mut().zip(raw.chunks_exact(4)) {
        *arg = u64::from(u32::from_ne_bytes(chunk.try_into().ok()?));
    }
    Some((call, unpacked))
}

/// Whether a `struct msghdr` names an address: most do not.
fn names_address(tid: i32, message: u64, abi: Abi) -> bool {
    memory::words::<1>(tid, message, abi.word()).is_some_and(|[name]| name != 0)
}

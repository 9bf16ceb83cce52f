//! How the tracing begins: a command from its gate, or a tree that runs already.

use super::{Options, Ptrace, StartError, failed, filter};
use crate::backend::BackendError;
use crate::proc_snapshot;
use kernscope_kit::privilege;
use kernscope_kit::spawn::{self, Launched, Paused};
use kernscope_kit::trace::{self, Go, options};
use nix::errno::Errno;

/// What is followed in any case.
const FOLLOW: i32 =
    options::SYSGOOD | options::FORK | options::VFORK | options::CLONE | options::EXEC | options::EXIT;

const DENIED: &str = "allow it with CAP_SYS_PTRACE, or see /proc/sys/kernel/yama/ptrace_scope";

impl Ptrace {
    pub(super) fn command(argv: &[std::ffi::OsString], options: &Options) -> Result<Self, StartError> {
        let no_new_privs = options.spawn.no_new_privs || !privilege::has(privilege::CAP_SYS_ADMIN);
        // Before the alarm: the child is to have the signal mask that we were started with.
        let spawn =
            spawn::Options { no_new_privs, seccomp: Some(filter::program()), ..options.spawn.clone() };
        let paused = Paused::spawn(argv, &spawn)?;
        let mut this = Self::new(options, Go::On)?;
        this.cover.no_new_privs = no_new_privs;
        let tid = paused.pid().cast_signed();
        trace::seize(tid, FOLLOW | options::SECCOMP | options::EXITKILL)
            .map_err(|errno| failed("trace", &format!("process {tid}"), errno, DENIED))?;
        this.adopt(tid);
        this.snapshot_ancestors(paused.pid());
        let mut launched = paused.release_now();
        let ended = this.until_exec(&mut launched)?;
        this.command = Some(launched.into_running());
        if let Some(status) = ended {
            this.note_end(status);
        }
        Ok(this)
    }

    /// Follows the command until its exec has worked or failed.
    /// Returns its end if it was killed on the way.
    fn until_exec(&mut self, launched: &mut Launched) -> Result<Option<trace::Status>, StartError> {
        loop {
            let status = match trace::wait(true) {
                Ok(Some(status)) => status,
                Ok(None) => continue,
                Err(errno) => return Err(failed("wait for", "the command", errno, "").into()),
            };
            let first = status.tid.unsigned_abs() == launched.pid();
            let ended = first && status.happened() == trace::Happened::Ended;
            let executed = first && status.happened() == trace::Happened::Event(nix::libc::PTRACE_EVENT_EXEC);
            if ended {
                match launched.outcome() {
                    Some(Err(error)) => return Err(error.into()),
                    _ => {
                        self.handle(status);
                        return Ok(Some(status));
                    }
                }
            }
            self.handle(status);
            if executed {
                return Ok(None);
            }
        }
    }

    /// Attaches to a running process and its descendants.
    ///
    /// # Errors
    /// When it has gone, or may not be traced.
    pub fn watch_tree(&mut self, pid: u32) -> Result<(), BackendError> {
        let this = self;
        this.cover.attached = true;
        this.snapshot_ancestors(pid);
        let mut known = this.threads.len();
        // A tree may grow while it is being attached to; what has been attached reports its children itself.
        for _ in 0..16 {
            let mut tree: Vec<u32> =
                proc_snapshot::descendants(pid).iter().map(|process| process.pid).collect();
            tree.insert(0, pid);
            for tid in tree.into_iter().flat_map(proc_snapshot::threads).map(u32::cast_signed) {
                if this.threads.contains_key(&tid) || this.early.contains_key(&tid) {
                    continue;
                }
                match trace::seize(tid, FOLLOW) {
                    Ok(()) => {
                        let process = this.adopt(tid);
                        if process == tid.unsigned_abs() {
                            this.snapshot(process, true);
                            this.own_open_files(tid);
                        }
                        let _ = trace::interrupt(tid);
                    }
                    // It has gone, or is a new child of one that is attached.
                    Err(Errno::ESRCH) => {}
                    Err(_) if tid.unsigned_abs() != pid => {}
                    Err(errno) => {
                        return Err(failed("attach to", &format!("process {pid}"), errno, DENIED));
                    }
                }
            }
            if this.threads.len() == known {
                break;
            }
            known = this.threads.len();
        }
        if !this.threads.contains_key(&pid.cast_signed()) {
            return Err(failed(
                "attach to",
                &format!("process {pid}"),
                Errno::ESRCH,
                "give the id of a running process",
            ));
        }
        Ok(())
    }
}

//! A live back end with what the command line wants of it: the command, signals, digests.

use super::config::Config;
use super::control::{Asked, Control, directory};
use super::policy::{self, Enforcement};
use super::signals::{self, Action, Signals};
use crate::args::BackendName;
use crate::failure::Failure;
use crate::state;
use crate::stream::note;
use kernscope_kit::priority;
use kernscope_report::pretty::clean;
use kernscope_report::{Coverage, Hook, State};
use kernscope_watch::agents::{Finder, Found};
use kernscope_watch::backend::{Account, Backend, BackendError, Progress, Target};
use kernscope_watch::ebpf::{self, Ebpf};
use kernscope_watch::enrich::Digests;
use kernscope_watch::policy::supervise::Supervisor;
use kernscope_watch::ptrace::{self, Ptrace, StartError};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::cell::Cell;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

/// The reader of events goes before what makes them: else, where many threads want a processor, it would get a share of one, and
/// lose most of what they do.
const READER_NICE: i32 = -10;

/// One of the back ends.
enum Kind {
    Ebpf(Box<Ebpf>),
    Ptrace(Box<Ptrace>),
}

impl Kind {
    fn backend(&self) -> &dyn Backend {
        match self {
            Self::Ebpf(ebpf) => ebpf.as_ref(),
            Self::Ptrace(ptrace) => ptrace.as_ref(),
        }
    }

    fn backend_mut(&mut self) -> &mut dyn Backend {
        match self {
            Self::Ebpf(ebpf) => ebpf.as_mut(),
            Self::Ptrace(ptrace) => ptrace.as_mut(),
        }
    }
}

/// A back end that answers to signals.
pub(crate) struct Live<'a> {
    kind: Kind,
    why: String,
    has_command: bool,
    digests: Option<Digests>,
    has_rules: bool,
    tls: bool,
    /// Lines of JSON on standard input, output and error are asked for.
    stdio: bool,
    /// What is allowed, and what sees to it.
    enforcement: Option<Enforcement>,
    /// Answers system calls that the policy denies.
    supervisor: Option<Supervisor>,
    /// Who asks for it to be changed.
    control: Option<Control>,
    /// Looks for agents, if these are what is watched.
    finder: Option<Finder>,
    signals: &'a Signals,
    stop: &'a Cell<bool>,
}

impl<'a> Live<'a> {
    /// Sets up the back end that is asked for, or the best that works.
    pub(crate) fn new(
        config: &Config,
        target: &Target,
        wanted: BackendName,
        signals: &'a Signals,
        stop: &'a Cell<bool>,
    ) -> Result<Self, Failure> {
        let mut enforcement = config.policy.as_deref().map(|policy| policy::prepare(policy, target, wanted));
        let (mut kind, why) = choose(config, target, wanted, enforcement.as_ref())?;
        match (&mut kind, &mut enforcement) {
            (Kind::Ebpf(ebpf), Some(enforcement)) => {
                enforcement.hand_to(ebpf).map_err(|error| failure(&error))?;
            }
            (Kind::Ptrace(_), _) | (_, None) => {}
        }
        let by_ptrace = matches!(kind, Kind::Ptrace(_));
        let supervisor =
            enforcement.as_mut().map(|enforcement| enforcement.supervise(by_ptrace)).transpose()?;
        let has_command = matches!(target, Target::Command(_));
        let digests = config.hash.then(Digests::default);
        let has_rules = config.rules.is_some();
        Ok(Self {
            kind,
            why,
            has_command,
            digests,
            has_rules,
            tls: config.tls,
            stdio: config.stdio,
            control: enforcement.as_ref().and_then(|_| listen()),
            enforcement,
            supervisor: supervisor.flatten(),
            finder: matches!(target, Target::Trees(_)).then(|| begin_to_look(config)),
            signals,
            stop,
        })
    }

    /// What is done about a policy.
    pub(crate) fn enforcement(&self) -> Option<&Enforcement> {
        self.enforcement.as_ref()
    }

    /// Its name, as in `--backend`.
    pub(crate) fn name(&self) -> &'static str {
        match self.kind {
            Kind::Ebpf(_) => "ebpf",
            Kind::Ptrace(_) => "ptrace",
        }
    }

    /// Whether it counts bytes and calls.
    pub(crate) fn counts(&self) -> bool {
        match self.kind {
            Kind::Ebpf(_) => true,
            Kind::Ptrace(_) => false,
        }
    }

    /// Whether a command was started.
    pub(crate) fn has_command(&self) -> bool {
        self.has_command
    }

    /// How the command ended, if it did.
    pub(crate) fn command_status(&mut self) -> Option<ExitStatus> {
        match &mut self.kind {
            Kind::Ebpf(ebpf) => ebpf.command_status(),
            Kind::Ptrace(ptrace) => ptrace.command_status(),
        }
    }

    /// Sends a signal to the command, if it is still there.
    fn signal_command(&mut self, signal: i32) {
        match &mut self.kind {
            Kind::Ebpf(ebpf) => ebpf.signal_command(signal),
            Kind::Ptrace(ptrace) => {
                // Only this process reaps the command, so that without a status its id is still its own.
                let running = ptrace.command_status().is_none();
                let pid = ptrace.command_pid().filter(|_| running).and_then(|pid| i32::try_from(pid).ok());
                if let (Some(pid), Ok(signal)) = (pid, Signal::try_from(signal)) {
                    // It may refuse, having become another user's; then it is not ours to end.
                    let _ = kill(Pid::from_raw(pid), signal);
                }
            }
        }
    }

    /// Brings news to the policy, and answers who asks about it.
    fn attend(&mut self) -> Result<(), BackendError> {
        let Some(enforcement) = &self.enforcement else { return Ok(()) };
        let mut ebpf = match &mut self.kind {
            Kind::Ebpf(ebpf) => Some(ebpf.as_mut()),
            Kind::Ptrace(_) => None,
        };
        if let Some(ebpf) = &mut ebpf {
            enforcement.renew(ebpf)?;
        }
        if self.signals.take_reread() {
            enforcement.reload(ebpf.as_deref_mut());
        }
        for Asked { request, answer } in self.control.iter().flat_map(|control| control.asked.try_iter()) {
            // Who asked may be gone.
            let _ = answer.send(enforcement.answer(&request, ebpf.as_deref_mut()));
        }
        Ok(())
    }

    /// Takes agents in that were not there before.
    fn take_agents(&mut self) {
        for Found { pid, agent } in self.finder.iter_mut().flat_map(Finder::fresh) {
            let taken = match &mut self.kind {
                Kind::Ebpf(ebpf) => ebpf.watch_tree(pid),
                Kind::Ptrace(ptrace) => ptrace.watch_tree(pid),
            };
            match taken {
                Ok(()) => note(format_args!("agents: {agent}, process {pid}, is watched")),
                Err(error) => note(format_args!("agents: {agent}, process {pid}, is not watched: {error}")),
            }
        }
    }

    fn steer(&mut self) {
        let mut forward = Vec::new();
        self.signals.poll(self.has_command, |action, signal| match action {
            Action::Stop => self.stop.set(true),
            Action::Forward(signal) => forward.push(signal),
            Action::Wait => note(format_args!(
                "{}: watching until the command and its descendants end; once more to stop watching",
                signals::name(signal)
            )),
        });
        for signal in forward {
            self.signal_command(signal);
        }
    }
}

impl Backend for Live<'_> {
    fn poll(&mut self, timeout: Duration, deliver: &mut dyn FnMut(&[u8])) -> Result<Progress, BackendError> {
        self.steer();
        self.attend()?;
        self.take_agents();
        let timeout = if self.control.is_some() { timeout.min(CONTROL_WAIT) } else { timeout };
        let progress = match &mut self.digests {
            None => self.kind.backend_mut().poll(timeout, deliver),
            Some(digests) => self.kind.backend_mut().poll(timeout, &mut |event| deliver(&digests.add(event))),
        }?;
        // Last: who made such a call waits until its event is there, so that none comes after the end.
        self.supervisor.iter().flat_map(Supervisor::events).for_each(|event| deliver(&event));
        Ok(progress)
    }

    fn coverage(&self) -> Coverage {
        let mut coverage = self.kind.backend().coverage();
        coverage.why.clone_from(&self.why);
        coverage.hooks.extend(self.digests.as_ref().map(Digests::coverage));
        if let (true, Kind::Ptrace(_)) = (self.has_rules, &self.kind) {
            coverage
                .hooks
                .push(blind("content", "ptrace does not stop at reads and writes: no rule was tried"));
        }
        if let (true, Kind::Ptrace(_)) = (self.tls, &self.kind) {
            coverage.hooks.push(blind("tls", "ptrace does not stop in libraries"));
        }
        if let (true, Kind::Ptrace(_)) = (self.stdio, &self.kind) {
            coverage.hooks.push(blind("stdio", "ptrace does not stop at reads and writes"));
        }
        coverage.hooks.extend(self.enforcement.iter().flat_map(Enforcement::hooks));
        coverage
    }

    fn account(&mut self) -> Account {
        let mut account = self.kind.backend_mut().account();
        if let Some((made, lost)) = self.supervisor.as_ref().map(Supervisor::counts) {
            account.produced[usize::from(kernscope_abi::KIND_DENY)] += made;
            if lost > 0 {
                *account.lost.entry("calls").or_default() += lost;
            }
        }
        account
    }

    fn detach(&mut self) {
        self.kind.backend_mut().detach();
    }
}

/// What ptrace does not do, since it would have to stop a process too often.
fn blind(name: &str, why: &str) -> Hook {
    Hook {
        name: name.to_owned(),
        tier: "none".to_owned(),
        state: State::Blind,
        why: format!("{why}; use --backend ebpf"),
    }
}

/// Longest wait for events where the policy may be changed: it is to hold at once.
const CONTROL_WAIT: Duration = Duration::from_millis(20);

/// A look for agents begins; there may be none yet.
fn begin_to_look(config: &Config) -> Finder {
    note("agents: looking for AI coding agents until Ctrl-C; what one did before it is found is not seen");
    Finder::new(Arc::clone(&config.agents))
}

/// The socket of this run. Without it the run goes on.
fn listen() -> Option<Control> {
    match Control::open() {
        Ok(control) => {
            note(format_args!(
                "kernscope watch ctl {} asks about the policy and changes it",
                std::process::id()
            ));
            Some(control)
        }
        Err(error) => {
            note(format_args!(
                "listen for watch ctl in {}: {error}; the policy stays as it is",
                directory().display()
            ));
            None
        }
    }
}

/// The back end, and why this one.
fn choose(
    config: &Config,
    target: &Target,
    wanted: BackendName,
    enforcement: Option<&Enforcement>,
) -> Result<(Kind, String), Failure> {
    match wanted {
        BackendName::Ebpf => {
            let kind = start_ebpf(config, target, enforcement).map_err(|error| failure(&error))?;
            Ok((kind, "asked for".to_owned()))
        }
        BackendName::Ptrace => Ok((start_ptrace(config, target, enforcement)?, "asked for".to_owned())),
        BackendName::Auto => match start_ebpf(config, target, enforcement) {
            Ok(kind) => {
                let why = "kernel and privileges allow it";
                note(format_args!("back end ebpf: {why}"));
                Ok((kind, why.to_owned()))
            }
            // What cannot run cannot run under ptrace either, and ptrace follows one tree.
            Err(error) if error.is_of_command() || *target == Target::All => Err(failure(&error)),
            Err(error) => {
                // A verifier's whole log belongs into `doctor`, not into a line.
                let cause = error.to_string();
                let cause = clean::cut_end(cause.lines().next().unwrap_or_default(), WHY_MAX);
                let why = format!("ebpf is not possible: {cause}");
                note(format_args!("back end ptrace: {why}"));
                Ok((start_ptrace(config, target, enforcement)?, why))
            }
        },
    }
}

fn start_ebpf(
    config: &Config,
    target: &Target,
    enforcement: Option<&Enforcement>,
) -> Result<Kind, BackendError> {
    let (policy, hosts) = enforcement.map(Enforcement::options).unwrap_or_default();
    let options = ebpf::Options {
        env: config.env,
        syscalls: config.syscall_hooks,
        content: config.rules.as_ref().map(|rules| rules.conditions().content()),
        tls: config.tls,
        cache: state::cache("tls"),
        stdio: config.stdio,
        ring_bytes: ebpf::ring_bytes(config.tls),
        spawn: enforcement.map(|enforcement| enforcement.spawn(false)).unwrap_or_default(),
        policy,
        hosts,
    };
    let ebpf = Ebpf::new(target, &options)?;
    // The command has been forked by now and is not concerned. Who may not go first stands in line.
    let _ = priority::set_nice(READER_NICE);
    Ok(Kind::Ebpf(Box::new(ebpf)))
}

fn start_ptrace(
    config: &Config,
    target: &Target,
    enforcement: Option<&Enforcement>,
) -> Result<Kind, Failure> {
    let options = ptrace::Options {
        env: config.env,
        spawn: enforcement.map(|enforcement| enforcement.spawn(true)).unwrap_or_default(),
    };
    let ptrace = Ptrace::start(target, &options).map_err(|error| match error {
        StartError::Command(error) => command_failure(error.exit_code(), &error),
        StartError::Backend(error) => failure(&error),
        other => Failure::usage(other),
    })?;
    for notice in ptrace.notices() {
        note(notice);
    }
    Ok(Kind::Ptrace(Box::new(ptrace)))
}

/// Longest reason, in characters, that is told of a back end passed over.
const WHY_MAX: usize = 400;

/// Why a back end does not run, with the status that a shell gives for a command that does not.
pub(crate) fn failure(error: &BackendError) -> Failure {
    let not_found = [Errno::ENOENT.desc(), Errno::ENOTDIR.desc()];
    match error.is_of_command() {
        true if not_found.contains(&error.cause.as_str()) => command_failure(NOT_FOUND, error),
        true => command_failure(NOT_EXECUTABLE, error),
        false => Failure::usage(error),
    }
}

const NOT_FOUND: u8 = 127;
const NOT_EXECUTABLE: u8 = 126;

fn command_failure(status: u8, error: &dyn std::fmt::Display) -> Failure {
    let fix = match status {
        NOT_FOUND => "; check its name and PATH",
        NOT_EXECUTABLE => "; it must be an executable file",
        _ => "",
    };
    Failure::with_status(status, format_args!("{error}{fix}"))
}

/// The status to end with for a command that ended like this.
pub(crate) fn status_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(255);
    u8::try_from(code).unwrap_or(255)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_those_of_a_shell() {
        assert_eq!(status_code(ExitStatus::from_raw(0)), 0);
        assert_eq!(status_code(ExitStatus::from_raw(7 << 8)), 7);
        assert_eq!(status_code(ExitStatus::from_raw(9)), 137);
        assert_eq!(status_code(ExitStatus::from_raw(11 | 0x80)), 139);
    }
}

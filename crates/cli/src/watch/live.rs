//! A live back end with what the command line wants of it: the command, signals, digests.

use super::config::Config;
use super::control::{Asked, Control, directory};
use super::policy::{self, Enforcement};
use super::signals::{self, Action, Signals};
use super::status::{failure, start_failure};
use crate::args::BackendName;
use crate::failure::Failure;
use crate::state;
use crate::stream::note;
use kernscope_kit::priority;
use kernscope_report::{Coverage, Hook, State};
use kernscope_watch::agents::{Finder, Found};
use kernscope_watch::backend::{Account, Backend, BackendError, Progress, Target};
use kernscope_watch::enrich::Digests;
use kernscope_watch::live::{self, Choice, Setup, Wishes};
use kernscope_watch::policy::supervise::Supervisor;
use kernscope_watch::{ebpf, ptrace};
use std::cell::Cell;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

/// The reader of events goes before what makes them: else, where many threads want a processor, it would get a share of one, and
/// lose most of what they do.
const READER_NICE: i32 = -10;

/// A back end that answers to signals.
pub(crate) struct Live<'a> {
    backend: live::Live,
    has_command: bool,
    digests: Option<Digests>,
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
        let mut backend = open(config, target, wanted, enforcement.as_ref())?;
        if let (Some(ebpf), Some(enforcement)) = (backend.ebpf(), &mut enforcement) {
            enforcement.hand_to(ebpf).map_err(|error| failure(&error))?;
        }
        let by_ptrace = backend.ebpf().is_none();
        let supervisor =
            enforcement.as_mut().map(|enforcement| enforcement.supervise(by_ptrace)).transpose()?;
        let has_command = matches!(target, Target::Command(_));
        Ok(Self {
            backend,
            has_command,
            digests: config.hash.then(Digests::default),
            control: enforcement.as_ref().and_then(|_| listen()),
            enforcement,
            supervisor: supervisor.flatten(),
            finder: matches!(target, Target::Trees(_)).then(|| begin_to_look(config, by_ptrace)),
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
        self.backend.name()
    }

    /// Whether it counts bytes and calls.
    pub(crate) fn counts(&self) -> bool {
        self.backend.counts()
    }

    /// Whether a command was started.
    pub(crate) fn has_command(&self) -> bool {
        self.has_command
    }

    /// How the command ended, if it did.
    pub(crate) fn command_status(&mut self) -> Option<ExitStatus> {
        self.backend.command_status()
    }

    /// Brings news to the policy, and answers who asks about it.
    fn attend(&mut self) -> Result<(), BackendError> {
        let Some(enforcement) = &self.enforcement else { return Ok(()) };
        let mut ebpf = self.backend.ebpf();
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
            // It began after the hooks were there, and is told of below.
            if self.backend.ebpf().is_some_and(|ebpf| ebpf.is_of_agent(pid)) {
                continue;
            }
            match self.backend.watch_tree(pid) {
                Ok(()) => note(format_args!("agents: {agent}, process {pid}, is watched")),
                Err(error) => note(format_args!("agents: {agent}, process {pid}, is not watched: {error}")),
            }
        }
        if let Some(ebpf) = self.backend.ebpf() {
            // Who begins from here on is known by its exec.
            self.finder = None;
            for Found { pid, agent } in ebpf.found() {
                note(format_args!("agents: {agent}, process {pid}, is watched"));
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
            self.backend.signal_command(signal);
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
            None => self.backend.poll(timeout, deliver),
            Some(digests) => self.backend.poll(timeout, &mut |event| deliver(&digests.add(event))),
        }?;
        // Last: who made such a call waits until its event is there, so that none comes after the end.
        self.supervisor.iter().flat_map(Supervisor::events).for_each(|event| deliver(&event));
        Ok(progress)
    }

    fn coverage(&self) -> Coverage {
        let mut coverage = self.backend.coverage();
        let seen = coverage.hooks.len() - self.backend.blind().len();
        coverage.hooks[seen..].iter_mut().for_each(|hook| hook.why.push_str("; use --backend ebpf"));
        let digests = self.digests.as_ref().map(Digests::coverage);
        coverage.hooks.splice(seen..seen, digests);
        if self.finder.is_some() && self.backend.name() == "ptrace" {
            coverage.hooks.push(Hook {
                name: "agents".to_owned(),
                tier: "proc".to_owned(),
                state: State::Partial,
                why: "found by looking at /proc four times a second: what an agent did before is not told; use --backend ebpf".to_owned(),
            });
        }
        coverage.hooks.extend(self.enforcement.iter().flat_map(Enforcement::hooks));
        coverage
    }

    fn account(&mut self) -> Account {
        let mut account = self.backend.account();
        if let Some((made, lost)) = self.supervisor.as_ref().map(Supervisor::counts) {
            account.produced[usize::from(kernscope_abi::KIND_DENY)] += made;
            if lost > 0 {
                *account.lost.entry("calls").or_default() += lost;
            }
        }
        account
    }

    fn detach(&mut self) {
        self.backend.detach();
    }
}

/// Longest wait for events where the policy may be changed: it is to hold at once.
const CONTROL_WAIT: Duration = Duration::from_millis(20);

/// A look for agents begins; there may be none yet.
fn begin_to_look(config: &Config, by_ptrace: bool) -> Finder {
    note(match by_ptrace {
        true => {
            "agents: looking for AI coding agents until Ctrl-C; what one did before it is found is not seen"
        }
        false => {
            "agents: watching for AI coding agents until Ctrl-C; those that begin are seen from their first instruction on"
        }
    });
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

/// The back end, and a note on which it is where that was left open.
fn open(
    config: &Config,
    target: &Target,
    wanted: BackendName,
    enforcement: Option<&Enforcement>,
) -> Result<live::Live, Failure> {
    let choice = match wanted {
        BackendName::Auto => Choice::Auto,
        BackendName::Ebpf => Choice::Ebpf,
        BackendName::Ptrace => Choice::Ptrace,
    };
    let setup = Setup {
        wishes: Wishes { rules: config.rules.is_some(), tls: config.tls, stdio: config.stdio },
        ebpf: &|| ebpf_options(config, target, enforcement),
        ptrace: &|| ptrace::Options {
            env: config.env,
            spawn: enforcement.map(|enforcement| enforcement.spawn(true)).unwrap_or_default(),
        },
    };
    let mut tell = |name: &'static str, why: &str| note(format_args!("back end {name}: {why}"));
    let mut backend = live::Live::open(target, choice, &setup, &mut tell).map_err(start_failure)?;
    if backend.ebpf().is_some() {
        // The command has been forked by now and is not concerned; who writes the records is. Who may not go first stands in line.
        let _ = priority::set_nice(READER_NICE);
    }
    backend.notices().into_iter().for_each(note);
    Ok(backend)
}

fn ebpf_options(config: &Config, target: &Target, enforcement: Option<&Enforcement>) -> ebpf::Options {
    let (policy, hosts) = enforcement.map(Enforcement::options).unwrap_or_default();
    ebpf::Options {
        env: config.env,
        syscalls: config.syscall_hooks,
        content: config.rules.as_ref().map(|rules| rules.conditions().content()),
        tls: config.tls,
        cache: state::cache("tls"),
        stdio: config.stdio,
        agents: matches!(target, Target::Trees(_)).then(|| Arc::clone(&config.agents)),
        ring_bytes: ebpf::ring_bytes(config.tls),
        spawn: enforcement.map(|enforcement| enforcement.spawn(false)).unwrap_or_default(),
        policy,
        hosts,
    }
}

//! A back end that watches what happens now: the one that is asked for, or the best that works.
//!
//! How each is set up is asked for when it is tried, since that may cost something or leave something behind.

use crate::backend::{Account, Backend, BackendError, Progress, Target};
use crate::ebpf::{self, Ebpf};
use crate::ptrace::{self, Ptrace, StartError};
use kernscope_report::pretty::clean;
use kernscope_report::{Coverage, Hook, State};
use std::process::ExitStatus;
use std::time::Duration;

/// Longest reason, in characters, that is told of a back end passed over.
const WHY_MAX: usize = 400;

/// How events are got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// By eBPF if kernel and privileges allow it, else by ptrace.
    #[default]
    Auto,
    /// By eBPF, or not at all.
    Ebpf,
    /// By ptrace.
    Ptrace,
}

/// What is asked for that ptrace does not do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Data that moves is held against rules.
    pub rules: bool,
    /// What goes through TLS libraries is told.
    pub tls: bool,
    /// What goes through the standard streams is told.
    pub stdio: bool,
}

impl Wishes {
    /// A hook for each: ptrace would have to stop a process too often.
    fn not_by_ptrace(self) -> Vec<Hook> {
        let all = [
            (self.rules, "content", "ptrace does not stop at reads and writes: no rule was tried"),
            (self.tls, "tls", "ptrace does not stop in libraries"),
            (self.stdio, "stdio", "ptrace does not stop at reads and writes"),
        ];
        let asked = all.into_iter().filter(|(is_asked, ..)| *is_asked);
        let hook = |(_, name, why): (bool, &str, &str)| Hook {
            name: name.to_owned(),
            tier: "none".to_owned(),
            state: State::Blind,
            why: why.to_owned(),
        };
        asked.map(hook).collect()
    }
}

/// How back ends are set up.
#[expect(missing_debug_implementations, reason = "functions have none")]
pub struct Setup<'a> {
    /// What is asked for beside calls.
    pub wishes: Wishes,
    /// For eBPF.
    pub ebpf: &'a dyn Fn() -> ebpf::Options,
    /// For ptrace.
    pub ptrace: &'a dyn Fn() -> ptrace::Options,
}

/// A back end, and why this one.
#[expect(missing_debug_implementations, reason = "the back end by eBPF has none")]
pub struct Live {
    kind: Kind,
    why: String,
    blind: Vec<Hook>,
}

enum Kind {
    Ebpf(Box<Ebpf>),
    Ptrace(Box<Ptrace>),
}

impl Live {
    /// Sets up what is asked for, or the best that works. `chosen` hears which of two it is, by its name and why, before ptrace is
    /// tried and after eBPF was; not where one is asked for.
    ///
    /// # Errors
    /// When none that may be taken works, or the command cannot be started.
    pub fn open(
        target: &Target,
        choice: Choice,
        setup: &Setup<'_>,
        chosen: &mut dyn FnMut(&'static str, &str),
    ) -> Result<Self, StartError> {
        let by_ebpf = |ebpf, why: &str| Self {
            kind: Kind::Ebpf(Box::new(ebpf)),
            why: why.to_owned(),
            blind: Vec::new(),
        };
        if choice == Choice::Ptrace {
            return Self::by_ptrace(target, setup, "asked for".to_owned());
        }
        match Ebpf::new(target, &(setup.ebpf)()) {
            Ok(ebpf) if choice == Choice::Ebpf => Ok(by_ebpf(ebpf, "asked for")),
            Ok(ebpf) => {
                let why = "kernel and privileges allow it";
                chosen(EBPF, why);
                Ok(by_ebpf(ebpf, why))
            }
            // What cannot run cannot run under ptrace either, and ptrace follows one tree.
            Err(error) if choice == Choice::Ebpf || error.is_of_command() || *target == Target::All => {
                Err(error.into())
            }
            Err(error) => {
                // A verifier's whole log belongs into `doctor`, not into a line.
                let cause = error.to_string();
                let cause = clean::cut_end(cause.lines().next().unwrap_or_default(), WHY_MAX);
                let why = format!("ebpf is not possible: {cause}");
                chosen(PTRACE, &why);
                Self::by_ptrace(target, setup, why)
            }
        }
    }

    fn by_ptrace(target: &Target, setup: &Setup<'_>, why: String) -> Result<Self, StartError> {
        let ptrace = Ptrace::start(target, &(setup.ptrace)())?;
        Ok(Self { kind: Kind::Ptrace(Box::new(ptrace)), why, blind: setup.wishes.not_by_ptrace() })
    }

    /// Its name, as in the coverage statement.
    pub fn name(&self) -> &'static str {
        match self.kind {
            Kind::Ebpf(_) => EBPF,
            Kind::Ptrace(_) => PTRACE,
        }
    }

    /// Whether it counts bytes and calls.
    pub fn counts(&self) -> bool {
        matches!(self.kind, Kind::Ebpf(_))
    }

    /// What was asked for that it does not see, as the last hooks of the coverage statement.
    pub fn blind(&self) -> &[Hook] {
        &self.blind
    }

    /// What a person has to know before believing the run, one sentence each.
    pub fn notices(&self) -> Vec<String> {
        match &self.kind {
            Kind::Ebpf(_) => Vec::new(),
            Kind::Ptrace(ptrace) => ptrace.notices(),
        }
    }

    /// The back end by eBPF, if it is that.
    pub fn ebpf(&mut self) -> Option<&mut Ebpf> {
        match &mut self.kind {
            Kind::Ebpf(ebpf) => Some(ebpf),
            Kind::Ptrace(_) => None,
        }
    }

    /// How the command ended, if there is one and it did.
    pub fn command_status(&mut self) -> Option<ExitStatus> {
        match &mut self.kind {
            Kind::Ebpf(ebpf) => ebpf.command_status(),
            Kind::Ptrace(ptrace) => ptrace.command_status(),
        }
    }

    /// Sends a signal to the command, if it is still there.
    pub fn signal_command(&mut self, signal: i32) {
        match &mut self.kind {
            Kind::Ebpf(ebpf) => ebpf.signal_command(signal),
            Kind::Ptrace(ptrace) => ptrace.signal_command(signal),
        }
    }

    /// Watches one more process that runs already, and its descendants.
    ///
    /// # Errors
    /// When it has gone, or may not be watched.
    pub fn watch_tree(&mut self, pid: u32) -> Result<(), BackendError> {
        match &mut self.kind {
            Kind::Ebpf(ebpf) => ebpf.watch_tree(pid),
            Kind::Ptrace(ptrace) => ptrace.watch_tree(pid),
        }
    }

    fn backend(&mut self) -> &mut dyn Backend {
        match &mut self.kind {
            Kind::Ebpf(ebpf) => ebpf.as_mut(),
            Kind::Ptrace(ptrace) => ptrace.as_mut(),
        }
    }
}

const EBPF: &str = "ebpf";
const PTRACE: &str = "ptrace";

impl Backend for Live {
    fn poll(&mut self, timeout: Duration, deliver: &mut dyn FnMut(&[u8])) -> Result<Progress, BackendError> {
        self.backend().poll(timeout, deliver)
    }

    fn coverage(&self) -> Coverage {
        let mut coverage = match &self.kind {
            Kind::Ebpf(ebpf) => ebpf.coverage(),
            Kind::Ptrace(ptrace) => ptrace.coverage(),
        };
        coverage.why.clone_from(&self.why);
        coverage.hooks.extend_from_slice(&self.blind);
        coverage
    }

    fn account(&mut self) -> Account {
        self.backend().account()
    }

    fn detach(&mut self) {
        self.backend().detach();
    }
}

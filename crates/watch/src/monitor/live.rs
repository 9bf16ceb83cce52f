//! One of the back ends, set up for a monitor.

use super::{Choice, StartError};
use crate::backend::{Account, Backend, BackendError, Progress, Target};
use crate::ebpf::{self, Ebpf};
use crate::ptrace::{self, Ptrace};
use kernscope_report::{Coverage, Hook, State};
use kernscope_sieve::rules::RuleSet;
use std::time::Duration;

/// A back end, and why this one.
pub(super) struct Live {
    kind: Kind,
    why: String,
    /// What was asked for that this one does not do.
    blind: Vec<(&'static str, &'static str)>,
}

enum Kind {
    Ebpf(Box<Ebpf>),
    Ptrace(Box<Ptrace>),
}

impl Live {
    /// Sets up what is asked for, or the best that works.
    pub(super) fn open(
        target: &Target,
        choice: Choice,
        rules: Option<&RuleSet>,
        env: bool,
        tls: bool,
    ) -> Result<Self, StartError> {
        let why = if choice == Choice::Ptrace {
            "asked for".to_owned()
        } else {
            let options = ebpf::Options {
                env,
                content: rules.map(|rules| rules.conditions().content()),
                tls,
                ring_bytes: ebpf::ring_bytes(tls),
                ..ebpf::Options::default()
            };
            match Ebpf::new(target, &options) {
                Ok(ebpf) => {
                    let why =
                        if choice == Choice::Ebpf { "asked for" } else { "kernel and privileges allow it" };
                    return Ok(Self {
                        kind: Kind::Ebpf(Box::new(ebpf)),
                        why: why.to_owned(),
                        blind: Vec::new(),
                    });
                }
                // What cannot run cannot run under ptrace either, and ptrace follows one tree.
                Err(error) if choice == Choice::Ebpf || error.is_of_command() || *target == Target::All => {
                    return Err(error.into());
                }
                Err(error) => {
                    let cause = error.to_string();
                    format!("ebpf is not possible: {}", cause.lines().next().unwrap_or_default())
                }
            }
        };
        let ptrace = Ptrace::start(target, &ptrace::Options { env, ..ptrace::Options::default() })?;
        let rules = rules.map(|_| ("content", "ptrace does not stop at reads and writes: no rule is tried"));
        let tls = tls.then_some(("tls", "ptrace does not stop in libraries"));
        let blind = rules.into_iter().chain(tls).collect();
        Ok(Self { kind: Kind::Ptrace(Box::new(ptrace)), why, blind })
    }

    /// Whether it counts bytes and calls.
    pub(super) fn counts(&self) -> bool {
        matches!(self.kind, Kind::Ebpf(_))
    }

    fn backend(&mut self) -> &mut dyn Backend {
        match &mut self.kind {
            Kind::Ebpf(ebpf) => ebpf.as_mut(),
            Kind::Ptrace(ptrace) => ptrace.as_mut(),
        }
    }
}

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
        let blind = |(name, why): &(&str, &str)| {
            let (name, tier, why) = ((*name).to_owned(), "none".to_owned(), (*why).to_owned());
            Hook { name, tier, state: State::Blind, why }
        };
        coverage.hooks.extend(self.blind.iter().map(blind));
        coverage
    }

    fn account(&mut self) -> Account {
        self.backend().account()
    }

    fn detach(&mut self) {
        self.backend().detach();
    }
}

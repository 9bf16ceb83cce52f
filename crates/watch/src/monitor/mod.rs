//! A monitor for programs that embed it: records as they happen, by an asynchronous stream or by callbacks.
//!
//! A [`Monitor`] says what to watch and how. [`Monitor::run`] watches on the calling thread and calls what was set with
//! [`Monitor::on`]; [`Monitor::stream`] watches on a thread of its own and gives [`Events`], which any executor can wait for. Both tell
//! what `kernscope watch --format jsonl` writes: the records, a coverage statement, and the ledger at the very end.
//!
//! ```no_run
//! use kernscope_report::Body;
//! use kernscope_watch::monitor::Monitor;
//!
//! let ledger = Monitor::command(["curl", "-s", "https://example.org/"])
//!     .on("net_connect", |record| println!("{record:?}"))
//!     .on("alert", |record| {
//!         if let Body::Alert(alert) = &record.body {
//!             eprintln!("{}", alert.message);
//!         }
//!     })
//!     .run()?;
//! assert!(ledger.closes);
//! # Ok::<(), kernscope_watch::monitor::StartError>(())
//! ```

mod queue;

pub use crate::live::Choice;
pub use crate::ptrace::StartError;
pub use queue::{Events, QUEUE_RECORDS};

use crate::backend::{BackendError, Target};
use crate::core::{Config, Core};
use crate::detect::{Detections, Detector};
use crate::live::{Live, Setup, Wishes};
use crate::{ebpf, ptrace, session};
use kernscope_report::clock;
use kernscope_report::{Body, Entry, Ledger, Record, Sequencer};
use kernscope_sieve::matcher::Matcher;
use kernscope_sieve::rules::RuleSet;
use std::convert::Infallible;
use std::ffi::OsString;

type Callback = Box<dyn FnMut(&Record) + Send>;

/// What is watched, and how.
pub struct Monitor {
    target: Target,
    choice: Choice,
    rules: Option<RuleSet>,
    detections: Option<Detections>,
    redact: bool,
    env: bool,
    tls: bool,
    callbacks: Vec<(String, Callback)>,
}

impl std::fmt::Debug for Monitor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kinds: Vec<_> = self.callbacks.iter().map(|(kind, _)| kind).collect();
        f.debug_struct("Monitor").field("target", &self.target).field("on", &kinds).finish_non_exhaustive()
    }
}

impl Monitor {
    fn new(target: Target) -> Self {
        Self {
            target,
            choice: Choice::Auto,
            rules: None,
            detections: Some(Detections::builtin()),
            redact: true,
            env: false,
            tls: true,
            callbacks: Vec::new(),
        }
    }

    /// Watches a command that it starts, and all that descends from it.
    pub fn command<I: IntoIterator<Item: Into<OsString>>>(argv: I) -> Self {
        Self::new(Target::Command(argv.into_iter().map(Into::into).collect()))
    }

    /// Watches a process that runs already, and its descendants.
    pub fn process(pid: u32) -> Self {
        Self::new(Target::Pid(pid))
    }

    /// Watches every process but this one. By eBPF only.
    pub fn everything() -> Self {
        Self::new(Target::All)
    }

    /// Asks for a back end.
    #[must_use]
    pub fn by(self, choice: Choice) -> Self {
        Self { choice, ..self }
    }

    /// Tells where data that is moved matches these rules (`content_match`), and what becomes of secrets (`alert`).
    #[must_use]
    pub fn rules(self, rules: RuleSet) -> Self {
        Self { rules: Some(rules), ..self }
    }

    /// Raises alerts (`alert`) by these detections in place of the built-in ones.
    #[must_use]
    pub fn detections(self, detections: Detections) -> Self {
        Self { detections: Some(detections), ..self }
    }

    /// Raises no alerts by detections.
    #[must_use]
    pub fn without_detections(self) -> Self {
        Self { detections: None, ..self }
    }

    /// Shows secrets as they are.
    #[must_use]
    pub fn without_redaction(self) -> Self {
        Self { redact: false, ..self }
    }

    /// Tells the environment of programs that are executed.
    #[must_use]
    pub fn with_environment(self) -> Self {
        Self { env: true, ..self }
    }

    /// Leaves out what goes through TLS.
    #[must_use]
    pub fn without_tls(self) -> Self {
        Self { tls: false, ..self }
    }

    /// Calls `callback` with every record of a kind (docs/SCHEMA.md has them all). Several may be set for one kind.
    #[must_use]
    pub fn on(mut self, kind: &str, callback: impl FnMut(&Record) + Send + 'static) -> Self {
        self.callbacks.push((kind.to_owned(), Box::new(callback)));
        self
    }

    /// Watches on this thread until nothing that is watched is left.
    ///
    /// # Errors
    /// When the command cannot be run, or neither back end works; also when one breaks on the way.
    pub fn run(self) -> Result<Ledger, StartError> {
        let live = self.open()?;
        let (ledger, error) = self.follow(live, &mut |_| {}, &|| false);
        error.map_or(Ok(ledger), |error| Err(error.into()))
    }

    /// Watches on a thread of its own. Callbacks are called there.
    ///
    /// # Errors
    /// When neither back end works. What comes later, a command that cannot be executed among it, is in [`Events::failure`].
    pub fn stream(self) -> Result<Events, StartError> {
        Events::start(self)
    }

    fn open(&self) -> Result<Live, StartError> {
        let setup = Setup {
            wishes: Wishes { rules: self.rules.is_some(), tls: self.tls, stdio: false },
            ebpf: &|| ebpf::Options {
                env: self.env,
                content: self.rules.as_ref().map(|rules| rules.conditions().content()),
                tls: self.tls,
                ring_bytes: ebpf::ring_bytes(self.tls),
                ..ebpf::Options::default()
            },
            ptrace: &|| ptrace::Options { env: self.env, ..ptrace::Options::default() },
        };
        Live::open(&self.target, self.choice, &setup, &mut |_, _| {})
    }

    /// Watches, and tells each record.
    fn follow(
        mut self,
        mut live: Live,
        tell: &mut dyn FnMut(Record),
        stop: &dyn Fn() -> bool,
    ) -> (Ledger, Option<BackendError>) {
        let core = Core::new(Config {
            env: self.env,
            redact: self.redact,
            counts: live.counts(),
            boot_offset_ns: clock::boot_offset_ns(),
        });
        let mut core = match self.rules.take() {
            Some(rules) => core.with_rules(Matcher::new(rules)),
            None => core,
        };
        if let Some(detections) = self.detections.take() {
            core = core.with_detector(Detector::new(detections));
        }
        let mut sequencer = Sequencer::new(clock::realtime_offset_ns());
        let mut give = |entry: Entry| {
            let record = sequencer.record(entry);
            let kind = record.body.kind();
            let wanted = self.callbacks.iter_mut().filter(|(wanted, _)| wanted == kind);
            wanted.for_each(|(_, callback)| callback(&record));
            tell(record);
        };
        let mut sink = |_: &Core, entry: Entry| -> Result<(), Infallible> {
            give(entry);
            Ok(())
        };
        let outcome = session::run(&mut live, &mut core, None, &mut sink, stop);
        let ledger = outcome.ledger;
        for body in [Body::Coverage(outcome.coverage), Body::Ledger(ledger.clone())] {
            give(Entry { ts_ns: clock::monotonic_ns(), proc: None, body, escaped: Vec::new() });
        }
        (ledger, outcome.backend_error)
    }
}

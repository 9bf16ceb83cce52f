//! What the back ends have in common.
//!
//! A back end delivers raw events in the order in which they happened for each thread, keeps the account of
//! what it produced and lost, and states what it covers. Everything else - lineage, records, the ledger's
//! equation - is the pure core's, the same for all back ends and for a recorded stream.

use kernscope_abi as abi;
use kernscope_report::Coverage;
use std::collections::BTreeMap;
use std::time::Duration;

/// What is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A command started by this run, and its descendants.
    Command(Vec<std::ffi::OsString>),
    /// A process that runs already, its descendants then and later.
    Pid(u32),
    /// Processes that run already, their descendants, and others that are added while the run goes on; it ends when it is stopped.
    Trees(Vec<u32>),
    /// Every process but this one.
    All,
}

/// What a call to [`Backend::poll`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Events were delivered, or may come.
    Running,
    /// No watched process is left and every event has been delivered.
    Ended,
}

/// The back end's side of the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Events that the hooks set out to deliver, by `KIND_*`.
    pub produced: [u64; abi::KIND_MAX],
    /// Events that did not arrive, by cause.
    pub lost: BTreeMap<&'static str, u64>,
    /// Events that arrived and were not delivered, since they are not about what is watched, by reason.
    pub filtered: BTreeMap<&'static str, u64>,
}

/// A source of raw events.
pub trait Backend {
    /// Delivers the raw events that are there, waiting at most `timeout` when there are none.
    ///
    /// # Errors
    /// When the source is broken and the run cannot go on. Single events that are lost are no error; they are
    /// counted in [`Backend::account`].
    fn poll(&mut self, timeout: Duration, deliver: &mut dyn FnMut(&[u8])) -> Result<Progress, BackendError>;

    /// What is attached, partial or blind.
    fn coverage(&self) -> Coverage;

    /// What was produced and lost so far. Exact once nothing is attached any more.
    fn account(&mut self) -> Account;

    /// Detaches everything. Events already produced can still be polled.
    fn detach(&mut self);
}

/// A back end that cannot be set up, or broke.
#[derive(Debug, thiserror::Error)]
#[error("{act} {object}: {cause}{}", if fix.is_empty() { String::new() } else { format!("; {fix}") })]
pub struct BackendError {
    /// What was tried: `load`, `attach`, ...
    pub act: &'static str,
    /// On what.
    pub object: String,
    /// What came back.
    pub cause: String,
    /// What would help; may be empty.
    pub fix: String,
}

impl BackendError {
    /// Whether it is the command that does not run: then it runs by no back end.
    pub fn is_of_command(&self) -> bool {
        self.act == "run"
    }
}

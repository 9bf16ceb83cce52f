//! The core's side of the account.

use kernscope_abi as abi;
use std::collections::BTreeMap;

/// Where the events that reached the core have gone.
///
/// At every moment `received + derived = emitted + filtered + held`; [`Tally::balanced`] checks it. Bytes that were
/// no event are in [`Tally::undecodable`] alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Events decoded, by `KIND_*`.
    pub received: [u64; abi::KIND_MAX],
    /// Entries given out.
    pub emitted: u64,
    /// Events used or set aside without an entry of their own, by reason.
    pub filtered: BTreeMap<&'static str, u64>,
    /// Entries that stand for no single event (counters of descriptors whose close was never told).
    pub derived: u64,
    /// Deliveries that were no event, or one with a number this version does not know.
    pub undecodable: u64,
    /// Events whose entry waits for a later event (close-on-exec, until the exec has succeeded).
    pub held: u64,
    /// Processes that ended with more descriptors than a back end looks at.
    pub fds_unseen: u64,
}

impl Tally {
    /// All events decoded.
    pub fn received_total(&self) -> u64 {
        self.received.iter().sum()
    }

    /// All events filtered.
    pub fn filtered_total(&self) -> u64 {
        self.filtered.values().sum()
    }

    /// Whether every event is accounted for exactly once.
    pub fn balanced(&self) -> bool {
        self.received_total() + self.derived == self.emitted + self.filtered_total() + self.held
    }

    pub(super) fn filter(&mut self, reason: &'static str) {
        *self.filtered.entry(reason).or_default() += 1;
    }
}

//! What a run hands to its screen once a second, and what the screen asks of the run.
//!
//! What finds no room because the terminal is slow, or its picture is held, waits in the next [`Pulse`]: it is kept by device,
//! talk and alert, so that it is bounded by what the run itself holds.

use kernscope_lan::Mac;
use kernscope_lan::anomaly::{Tally, Volume};
use kernscope_lan::store::Said;
use kernscope_report::{Alert, Device};
use std::collections::HashMap;

/// What is new since the last one.
#[derive(Debug, Default)]
pub(in crate::lan) struct Pulse {
    /// Devices of which more is known than before.
    pub(in crate::lan) devices: HashMap<Mac, Device>,
    /// Devices that said something: when last (nanoseconds since 1970), and frames in all.
    pub(in crate::lan) seen: HashMap<Mac, (u64, u64)>,
    /// Who talked to whom, and how much.
    pub(in crate::lan) tally: Tally,
    /// Alerts that are new or were seen again, by `id`.
    pub(in crate::lan) alerts: HashMap<String, Alert>,
    /// Frames that came so far, and those of them that were lost.
    pub(in crate::lan) frames: u64,
    pub(in crate::lan) lost: u64,
    /// What is new on the network is not told yet.
    pub(in crate::lan) learning: bool,
    pub(in crate::lan) now_ns: u64,
}

impl Pulse {
    /// Takes what came later.
    pub(super) fn add(&mut self, later: Self) {
        self.devices.extend(later.devices);
        self.seen.extend(later.seen);
        self.alerts.extend(later.alerts);
        for (key, talk) in later.tally.talks {
            if !self.tally.is_large() || self.tally.talks.contains_key(&key) {
                self.tally.talks.entry(key).or_default().add(&talk);
            }
        }
        for (key, Volume { sent, received }) in later.tally.volumes {
            let sum = self.tally.volumes.entry(key).or_default();
            sum.sent += sent;
            sum.received += received;
        }
        (self.frames, self.lost) = (later.frames, later.lost);
        (self.learning, self.now_ns) = (later.learning, later.now_ns);
    }
}

/// What a user asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::lan) enum Wish {
    /// The end.
    Quit,
    /// Something is said of an alert, by its `id`.
    Say(String, Said),
}

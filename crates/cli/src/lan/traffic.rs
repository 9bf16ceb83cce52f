//! How much each device said since the run began: what a reader of talks adds up.

use kernscope_lan::Mac;
use kernscope_lan::anomaly::{Tally, Volume};
use std::collections::HashMap;

/// Devices that are added up; a flood of made-up addresses must not fill the memory.
const DEVICES_MAX: usize = 100_000;

/// Bytes by device since the run began, and what is to be written.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    sums: HashMap<Mac, Volume>,
    /// Not written yet.
    waiting: Tally,
}

impl Traffic {
    /// Takes what was said since the last time; whether it is kept until it is written.
    pub(super) fn add(&mut self, tally: Tally, keep: bool) {
        for ((_, mac), volume) in &tally.volumes {
            if self.sums.len() < DEVICES_MAX || self.sums.contains_key(mac) {
                let sum = self.sums.entry(*mac).or_default();
                sum.sent += volume.sent;
                sum.received += volume.received;
            }
        }
        if keep {
            for (key, talk) in tally.talks {
                self.waiting.talks.entry(key).or_default().add(&talk);
            }
            for (key, volume) in tally.volumes {
                let sum = self.waiting.volumes.entry(key).or_default();
                sum.sent += volume.sent;
                sum.received += volume.received;
            }
        }
    }

    /// Bytes of a device.
    pub(super) fn of(&self, mac: Mac) -> Volume {
        self.sums.get(&mac).copied().unwrap_or_default()
    }

    /// Hands what waits to `write`, which says whether it is written; what is not waits on, unless it becomes too much.
    pub(super) fn write(&mut self, write: impl FnOnce(&Tally) -> bool) {
        if write(&self.waiting) || self.waiting.is_large() {
            self.waiting = Tally::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_written_waits() {
        let mut traffic = Traffic::default();
        let said = || {
            let mut tally = Tally::default();
            tally.volumes.insert((0, Mac([2; 6])), Volume { sent: 1, received: 2 });
            tally
        };
        traffic.add(said(), true);
        traffic.write(|_| false);
        traffic.add(said(), true);
        let mut written = Volume::default();
        traffic.write(|tally| {
            written = tally.volumes[&(0, Mac([2; 6]))];
            true
        });
        traffic.write(|tally| tally.is_empty());
        assert_eq!((written, traffic.of(Mac([2; 6]))), (Volume { sent: 2, received: 4 }, written));
    }
}

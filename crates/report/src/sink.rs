//! What a run hands its entries to.
//!
//! Taking an entry never fails and never blocks: an output that is full, gone or slow must not hurt what is
//! watched. What could not be written is counted, said once ([`Sink::fault`]) and stands in the ledger.

use crate::summary::Summary;
use crate::{Coverage, Entry, Ledger};

/// Cause in [`Ledger::lost`] of records that the output did not take.
pub const LOST_OUTPUT: &str = "output";

/// The end of a run.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// When, `CLOCK_MONOTONIC` nanoseconds.
    pub ts_ns: u64,
    /// What happened.
    pub summary: &'a Summary,
    /// What was attached, partial or blind.
    pub coverage: &'a Coverage,
    /// The account before the output's own losses.
    pub ledger: &'a Ledger,
}

/// Takes entries, in order.
pub trait Sink {
    /// Takes one entry.
    fn entry(&mut self, entry: &Entry);

    /// Sends on what is held back; to be called whenever the stream is idle.
    fn flush(&mut self);

    /// What went wrong with the output, in one line; each trouble is told once.
    fn fault(&mut self) -> Option<String>;

    /// Ends the stream: waits until all is written, then writes the end. Gives the ledger with the output's
    /// losses in it.
    fn finish(&mut self, end: &End<'_>) -> Ledger;
}

/// The ledger of a run whose output did not take `unwritten` records.
pub(crate) fn settle(ledger: &Ledger, unwritten: u64) -> Ledger {
    let mut settled = ledger.clone();
    if unwritten > 0 {
        settled.emitted = settled.emitted.saturating_sub(unwritten);
        *settled.lost.entry(LOST_OUTPUT.to_owned()).or_default() += unwritten;
    }
    settled.close()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_written_moves_to_lost_and_the_equation_still_closes() {
        let ledger = Ledger { seen: 10, emitted: 7, filtered: 3, ..Default::default() }.close();
        let settled = settle(&ledger, 4);
        assert_eq!((settled.emitted, settled.lost[LOST_OUTPUT], settled.closes), (3, 4, true));
        assert_eq!(settle(&ledger, 0), ledger);
    }
}

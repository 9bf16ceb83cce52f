//! From entries to records: version, number and wall time.
//!
//! [`RecordRef`] is [`Record`] with everything borrowed: the same JSON without a copy.

use crate::clock::Clock;
use crate::{Body, Entry, Proc, Record, SCHEMA_VERSION};
use serde::Serialize;

/// A [`Record`] that borrows from its [`Entry`]; its JSON is the same.
#[derive(Debug, Serialize)]
pub struct RecordRef<'a> {
    v: u32,
    seq: u64,
    ts: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    proc: Option<&'a Proc>,
    #[serde(flatten)]
    body: &'a Body,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    escaped: &'a [&'static str],
}

/// Numbers and dates records.
#[derive(Debug)]
pub struct Sequencer {
    next_seq: u64,
    clock: Clock,
}

impl Sequencer {
    /// Starts at `seq` 0. `offset_ns`: wall clock minus `CLOCK_MONOTONIC`.
    pub fn new(offset_ns: i64) -> Self {
        Self { next_seq: 0, clock: Clock::new(offset_ns) }
    }

    /// Gives `entry` the next place in the stream.
    pub fn stamp<'a>(&'a mut self, entry: &'a Entry) -> RecordRef<'a> {
        self.stamp_parts(entry.ts_ns, entry.proc.as_ref(), &entry.body, &entry.escaped)
    }

    /// The same for the parts of an entry.
    pub fn stamp_parts<'a>(
        &'a mut self,
        ts_ns: u64,
        proc: Option<&'a Proc>,
        body: &'a Body,
        escaped: &'a [&'static str],
    ) -> RecordRef<'a> {
        let seq = self.next_seq;
        self.next_seq += 1;
        RecordRef { v: SCHEMA_VERSION, seq, ts: self.clock.rfc3339(ts_ns), proc, body, escaped }
    }

    /// The same as a record that owns what it tells.
    pub fn record(&mut self, entry: Entry) -> Record {
        let Entry { ts_ns, proc, body, escaped } = entry;
        let (seq, ts) = (self.next_seq, self.clock.rfc3339(ts_ns).to_owned());
        self.next_seq += 1;
        let escaped = escaped.into_iter().map(str::to_owned).collect();
        Record { v: SCHEMA_VERSION, seq, ts, proc, body, escaped }
    }

    /// Continues at `seq`: the records from there on did not reach the output.
    pub fn rewind(&mut self, seq: u64) {
        self.next_seq = seq;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn borrowed_and_owned_records_are_the_same_json() {
        let [mut borrowing, mut owning] = [(); 2].map(|()| Sequencer::new(1_700_000_000_000_000_000));
        for (index, entry) in samples::entries().iter().enumerate() {
            let borrowed = serde_json::to_string(&borrowing.stamp(entry)).expect("serialises");
            let owned = owning.record(entry.clone());
            assert_eq!((owned.v, owned.seq), (SCHEMA_VERSION, index as u64));
            assert_eq!(borrowed, serde_json::to_string(&owned).expect("serialises"));
            assert_eq!(serde_json::from_str::<Record>(&borrowed).expect("reads back"), owned);
        }
    }
}

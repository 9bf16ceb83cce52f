//! One JSON object a line.

use crate::output::Output;
use crate::sequence::Sequencer;
use crate::sink::{End, Sink, settle};
use crate::{Body, Entry, Ledger};
use serde::Serialize;

/// Writes records as JSON lines; the last two are `coverage` and `ledger`.
#[derive(Debug)]
pub struct Jsonl {
    output: Output,
    sequencer: Sequencer,
}

impl Jsonl {
    /// `offset_ns`: wall clock minus `CLOCK_MONOTONIC`, see [`crate::clock`].
    pub fn new(output: Output, offset_ns: i64) -> Self {
        Self { output, sequencer: Sequencer::new(offset_ns) }
    }
}

impl Sink for Jsonl {
    fn entry(&mut self, entry: &Entry) {
        self.output.line(|line| append(line, &self.sequencer.stamp(entry)));
    }

    fn flush(&mut self) {
        self.output.flush();
    }

    fn fault(&mut self) -> Option<String> {
        self.output.fault()
    }

    fn finish(&mut self, end: &End<'_>) -> Ledger {
        let sequencer = &mut self.sequencer;
        let (settled, _) = self.output.finish(&mut |settled| {
            sequencer.rewind(settled.written);
            let mut bytes = Vec::new();
            let ledger = settle(end.ledger, settled.unwritten);
            for body in [Body::Coverage(end.coverage.clone()), Body::Ledger(ledger)] {
                append(&mut bytes, &sequencer.stamp_parts(end.ts_ns, None, &body, &[]));
            }
            bytes
        });
        settle(end.ledger, settled.unwritten)
    }
}

/// Appends one line. Records have string keys and plain values, which always serialise; were one not to, the
/// output would count it.
fn append(bytes: &mut Vec<u8>, record: &impl Serialize) -> bool {
    let written = serde_json::to_writer(&mut *bytes, record).is_ok();
    bytes.push(b'\n');
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::Summary;
    use crate::{Coverage, Record, samples};
    use std::path::PathBuf;

    fn run(name: &str, ledger: Ledger) -> (Vec<Record>, Ledger) {
        let path: PathBuf =
            std::env::temp_dir().join(format!("kernscope-jsonl-{name}-{}.jsonl", std::process::id()));
        let mut sink = Jsonl::new(Output::file(&path).expect("opens"), 0);
        for entry in samples::entries() {
            sink.entry(&entry);
        }
        let (summary, coverage) = (Summary::default(), Coverage::default());
        let end = End { ts_ns: 9_000_000_000, summary: &summary, coverage: &coverage, ledger: &ledger };
        let ledger = sink.finish(&end);
        let text = std::fs::read_to_string(&path).expect("read");
        std::fs::remove_file(&path).expect("remove");
        (text.lines().map(|line| serde_json::from_str(line).expect("a record")).collect(), ledger)
    }

    #[test]
    fn numbers_have_no_gap_and_the_ledger_is_last() {
        let count = samples::entries().len() as u64;
        let ledger = Ledger { seen: count, emitted: count, ..Default::default() }.close();
        let (records, settled) = run("order", ledger.clone());
        assert!(records.iter().map(|record| record.seq).eq(0..count + 2));
        assert!(records.iter().all(|record| record.v == crate::SCHEMA_VERSION));
        let [.., coverage, last] = records.as_slice() else { panic!("two closing records") };
        assert!(matches!(coverage.body, Body::Coverage(_)));
        assert_eq!(last.body, Body::Ledger(ledger.clone()));
        assert_eq!(last.ts, "1970-01-01T00:00:09.000000000Z");
        assert_eq!(settled, ledger);
    }
}

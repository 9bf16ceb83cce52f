//! How fast records are kept: `cargo run --release -p kernscope-report --example keep_speed -- FILE [RECORDS]`.
//!
//! Tells what a record costs the thread of the run, which only hands it on, and how fast the file takes them.

mod sample;

use kernscope_report::records::{Begin, Keeper};
use kernscope_report::{Coverage, End, Ledger, Summary};
use std::path::Path;
use std::time::{Duration, Instant};

/// Handed on between two pauses, so that the queue never refuses: what is measured is the file.
const BURST: u64 = 20_000;

fn main() {
    let mut args = std::env::args().skip(1);
    let path = args.next().expect("a file to write");
    let count: u64 = args.next().map_or(1_000_000, |text| text.parse().expect("a number"));
    let begin = Begin {
        started: "2026-01-01T00:00:00Z".to_owned(),
        what: "keep_speed".to_owned(),
        version: "0".to_owned(),
        host: String::new(),
        kernel: String::new(),
        offset_ns: 0,
    };
    let mut keeper = Keeper::start(Path::new(&path), &begin).expect("a database");
    let start = Instant::now();
    let mut handing = Duration::ZERO;
    for n in 0..count {
        let entry = sample::open(n);
        let before = Instant::now();
        keeper.take(entry);
        handing += before.elapsed();
        if n % BURST == BURST - 1 {
            std::thread::sleep(Duration::from_millis(40));
        }
    }
    let (summary, coverage) = (Summary::default(), Coverage::default());
    let ledger = Ledger { seen: count, emitted: count, ..Default::default() }.close();
    let (ledger, failed) =
        keeper.finish(&End { ts_ns: 0, summary: &summary, coverage: &coverage, ledger: &ledger });
    let lasted = start.elapsed();
    assert!(failed.is_none(), "{failed:?}");
    let bytes = std::fs::metadata(&path).expect("there").len();
    println!(
        "{} kept, {:?} lost, {:.0} a second, {} bytes a record; handing one on takes {} ns",
        ledger.emitted,
        ledger.lost,
        ledger.emitted as f64 / lasted.as_secs_f64(),
        bytes / count.max(1),
        handing.as_nanos() as u64 / count.max(1)
    );
}

//! Any file as an archive: no panic, bounded work, and all that was met is accounted for.
//!
//! Seeds are small files as `tar`, `gzip`, `xz`, `zstd`, `bzip2` and `zip` make them.

#![no_main]

use kernscope_scan::{Limits, Options, scan_data};
use kernscope_sieve::matcher::Matcher;
use kernscope_sieve::rules::RuleSet;
use libfuzzer_sys::fuzz_target;
use std::io::Cursor;
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;

const RULES: &str = "[[rule]]\nid = 'acme'\nregex = 'acme_[0-9a-f]{16}'\n";
static MATCHER: LazyLock<Matcher> = LazyLock::new(|| Matcher::new(RuleSet::parse(RULES).expect("rules")));
static NEVER: AtomicBool = AtomicBool::new(false);
const EXPANDED_BYTES: u64 = 4 << 20;

fuzz_target!(|input: &[u8]| {
    let limits = Limits {
        expanded_bytes: EXPANDED_BYTES,
        free_bytes: 1 << 20,
        members: 500,
        held_bytes: 1 << 20,
        window_bytes: 8 << 20,
        ..Limits::default()
    };
    let options = Options { limits, ..Options::default() };
    let outcome = scan_data(&options, &MATCHER, &NEVER, b"input", Cursor::new(input));
    let tally = &outcome.tally;
    let sum = |map: &std::collections::BTreeMap<&str, u64>| map.values().sum::<u64>();
    assert_eq!(sum(&tally.seen_by), sum(&tally.filtered_by) + sum(&tally.lost_by), "{outcome:?}");
    // A text of UTF-16 is half as long again in UTF-8.
    assert!(tally.bytes <= 2 * (EXPANDED_BYTES + input.len() as u64) + (8 << 20), "{}", tally.bytes);
});

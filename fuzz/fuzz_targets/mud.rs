//! Any text as a MUD file, and any JSON as what a detector learnt: refused in one line, or read.

#![no_main]

use kernscope_lan::Mac;
use kernscope_lan::anomaly::{Learnt, Options, Sentry, What, summary, words};
use kernscope_lan::mud::Profile;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Err(line) = Profile::parse(text) {
        assert!(!line.is_empty());
    }
    let row = |what| Learnt {
        what,
        mac: Mac([2; 6]),
        key: "192.0.2.1".to_owned(),
        value: Some(text.to_owned()),
        last_ns: 1,
    };
    let rows: Vec<_> = What::ALL.into_iter().map(row).collect();
    rows.iter().for_each(|row| _ = words(row));
    assert!(!summary(&rows, 1).is_empty());
    let mut sentry = Sentry::new(Options::default());
    sentry.remember(&rows);
    sentry.tick(u64::MAX);
    sentry.learnt();
});

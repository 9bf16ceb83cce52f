//! Any file as a recording: it is refused, or replayed as far as it goes, and the account says how far.

#![no_main]

use kernscope_report::Entry;
use kernscope_watch::core::{Config, Core};
use kernscope_watch::session;
use kernscope_watch::stream::Replay;
use libfuzzer_sys::fuzz_target;
use std::convert::Infallible;
use std::io::Cursor;

fuzz_target!(|input: &[u8]| {
    let Ok(mut replay) = Replay::new(Cursor::new(input)) else { return };
    let header = replay.header().clone();
    let config = Config { counts: header.counts, boot_offset_ns: header.boot_offset_ns, ..Config::default() };
    let mut told = 0;
    let mut sink = |_: &Core, _: Entry| {
        told += 1;
        Ok::<(), Infallible>(())
    };
    let outcome = session::run(&mut replay, &mut Core::new(config), None, &mut sink, &|| false);
    assert!(outcome.ended && outcome.backend_error.is_none());
    assert_eq!(outcome.ledger.emitted, told);
    assert_eq!(outcome.coverage.backend, "replay");
    let cut = outcome.coverage.hooks.iter().any(|hook| hook.name == "recording" && hook.tier == "replay");
    // Without a trailer, what was delivered is all there is to account for. A trailer may claim anything.
    assert!(outcome.ledger.closes || !cut || outcome.ledger.seen == u64::MAX);
});

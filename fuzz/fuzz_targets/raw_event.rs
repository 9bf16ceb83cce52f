//! Any sequence of raw events through the core: no panic, and each is accounted for exactly once.
//!
//! The input is a byte of configuration, then events, each behind its length (u16, little-endian). With the lowest bit
//! of the configuration set, `Header::size` is corrected, so that the fuzzer need not guess it.

#![no_main]

use kernscope_watch::core::{Config, Core, MAX_ANCESTORS, MAX_LIVE};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((&flags, mut rest)) = input.split_first() else { return };
    let config = Config {
        env: flags & 2 != 0,
        redact: flags & 4 != 0,
        counts: flags & 8 == 0,
        boot_offset_ns: if flags & 16 != 0 { u64::MAX } else { 0 },
    };
    let mut core = Core::new(config);
    let mut out = Vec::new();
    let (mut sent, mut told) = (0, 0);
    while let Some((len, tail)) = rest.split_first_chunk::<2>() {
        let len = usize::from(u16::from_le_bytes(*len)).min(tail.len());
        let mut event = tail[..len].to_vec();
        rest = &tail[len..];
        if flags & 1 != 0
            && let Some(size) = event.first_chunk_mut::<4>()
        {
            *size = u32::try_from(len).expect("came from a u16").to_ne_bytes();
        }
        core.step(&event, &mut out);
        sent += 1;
        assert!(core.tally().balanced(), "{:?}", core.tally());
        for entry in out.drain(..) {
            told += 1;
            let proc = entry.proc.as_ref().expect("every entry of the core has a process");
            let id = kernscope_watch::core::ProcId { pid: proc.pid, start_ns: proc.start_ns };
            core.table().depth(id);
            serde_json::to_vec(&entry.body).expect("a record is JSON");
        }
    }
    core.finish(&mut out);
    let tally = core.tally();
    assert!(tally.balanced() && tally.held == 0, "{tally:?}");
    assert_eq!(tally.emitted, told + out.len() as u64);
    assert_eq!(tally.received_total() + tally.undecodable, sent);
    assert!(core.table().len() <= MAX_LIVE + MAX_ANCESTORS);
});

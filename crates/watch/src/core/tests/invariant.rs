//! What holds for any bytes and any sequence of events.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

fn header() -> impl Strategy<Value = abi::Header> {
    (0..3_u16, 1..5_u32, 1..4_u32, 0..5_u32, any::<u64>(), 0..3_u64, any::<[u8; 16]>()).prop_map(
        |(flags, pid, thread, ppid, ts_ns, start, comm)| abi::Header {
            flags,
            pid,
            tid: pid + thread - 1,
            ppid,
            ts_ns,
            start_ns: start * 10_000_000,
            comm,
            ..Default::default()
        },
    )
}

/// A body of any kind, its bytes small numbers for the most part, so that ids meet.
fn body() -> impl Strategy<Value = (u16, Vec<u8>)> {
    let words = vec(prop_oneof![4 => 0..6_u32, 1 => any::<u32>()], 34);
    (1..abi::KIND_MAX as u16, words)
        .prop_map(|(kind, words)| (kind, words.iter().flat_map(|word| word.to_ne_bytes()).collect()))
}

fn body_len(kind: u16) -> usize {
    match kind {
        abi::KIND_FORK | abi::KIND_URING_SUBMIT => 24,
        abi::KIND_EXEC => 32,
        abi::KIND_STRINGS | abi::KIND_EXEC_FAIL | abi::KIND_EXIT => 8,
        abi::KIND_OPEN => 48,
        abi::KIND_CLOSE | abi::KIND_PATH_OP => 64,
        abi::KIND_MMAP => 56,
        abi::KIND_NET => 136,
        _ => 16,
    }
}

fn any_event() -> impl Strategy<Value = Vec<u8>> {
    let section =
        (0..18_u8, 0..32_u8, vec(prop_oneof![Just(0_u8), Just(b'/'), Just(b'.'), any::<u8>()], 0..40));
    (header(), body(), vec(section, 0..5)).prop_map(|(mut header, (kind, words), sections)| {
        header.kind = kind;
        let mut bytes = abi::pod::bytes_of(&header).to_vec();
        bytes.extend_from_slice(&words[..body_len(kind)]);
        let builder = sections.iter().fold(Builder::extend(&bytes), |builder, (tag, flags, bytes)| {
            builder.section(*tag, *flags, bytes)
        });
        builder.finish()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn any_sequence_of_events_is_accounted_for(
        events in vec(any_event(), 0..80),
        env in any::<bool>(),
        counts in any::<bool>(),
        boot_offset_ns in any::<u64>(),
    ) {
        let mut core = Core::new(Config { env, counts, boot_offset_ns, redact: true });
        let mut out = Vec::new();
        for event in &events {
            core.step(event, &mut out);
            prop_assert!(core.tally().balanced(), "{:?}", core.tally());
        }
        core.finish(&mut out);
        let tally = core.tally();
        prop_assert!(tally.balanced() && tally.held == 0, "{tally:?}");
        prop_assert_eq!(tally.emitted, out.len() as u64);
        prop_assert_eq!(tally.received_total() + tally.undecodable, events.len() as u64);
        for entry in &out {
            prop_assert!(serde_json::to_string(&entry.body).is_ok());
        }
    }

    #[test]
    fn any_bytes_are_refused_or_taken(bytes in vec(any::<u8>(), 0..400)) {
        let mut core = Core::new(Config::default());
        let mut out = Vec::new();
        core.step(&bytes, &mut out);
        core.finish(&mut out);
        prop_assert_eq!(core.tally().received_total() + core.tally().undecodable, 1);
        prop_assert!(core.tally().balanced());
    }

    #[test]
    fn bytes_moved_are_told_exactly_once(
        moves in vec((0..3_u32, 0..4_u64, 0..5_u32, 0..100_u64), 0..200),
    ) {
        // Whatever mixture of flushes, failed and successful execs and closes: the sum is what was moved.
        let mut bench = Bench::new();
        let mut told = Vec::new();
        let mut moved = 0;
        for (pid, id, cause, read_bytes) in moves {
            bench.header.pid = 20 + pid;
            bench.header.tid = 20 + pid;
            moved += read_bytes;
            let close = abi::Close { file: file(id), fd: id as i32, cause, read_bytes, ..Default::default() };
            told.extend(bench.send(Raw::Close(close), &[]));
            match read_bytes % 7 {
                0 => told.extend(bench.send(Raw::ExecFail(abi::ExecFail::default()), &[])),
                1 => told.extend(bench.send(Raw::Exec(abi::Exec::default()), &[])),
                2 => told.extend(bench.send(Raw::Exit(abi::Exit::default()), &[])),
                _ => {}
            }
        }
        told.extend(bench.finish());
        let sum: u64 = told.iter().filter_map(|entry| json(entry)["read_bytes"].as_u64()).sum();
        prop_assert_eq!(sum, moved);
    }
}

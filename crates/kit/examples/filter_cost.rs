//! What filters cost in the running kernel: `cargo xtask bench filter` runs this.
//!
//! One line a filter and kind of data, tab-separated: what, data, nanoseconds a byte (median of test runs), verifier
//! instructions, table bytes, microseconds to compile and to load.

use kernscope_kit::compile::{ByteSet, Content, Filter, Host, LoopShape, Options, Regex, Target, compile};
use kernscope_kit::load::{Loaded, TestRun};
use kernscope_kit::probe;
use std::sync::Arc;
use std::time::Instant;

/// Bytes of a frame: the most that a test run takes on every kernel.
const FRAME_BYTES: usize = 3_500;
/// Runs in one call, of which the kernel tells the mean.
const REPEAT: u32 = 1_000;
/// Calls, of which the median counts.
const CALLS: usize = 31;

fn main() {
    let only = std::env::args().nth(1).unwrap_or_default();
    let data = [("source text", text()), ("random bytes", random()), ("zero bytes", vec![0; FRAME_BYTES])];
    println!("filter\ttarget\tloop\tdata\tns/B\tverified\ttables\tcompile_us\tload_us");
    for (name, content) in filters() {
        if !name.contains(&only) {
            continue;
        }
        for target in if std::env::args().nth(2).is_some() {
            vec![Target::Xdp]
        } else {
            vec![Target::Xdp, Target::Tc, Target::Socket]
        } {
            row(name, &content, target, Host::running(), &data);
        }
        for shape in [LoopShape::Bounded] {
            if probe::loop_shape(shape).is_yes() && shape != Host::running().shape {
                row(name, &content, Target::Xdp, Host::running_with(shape), &data);
            }
        }
    }
}

fn row(name: &str, content: &Content, target: Target, host: Host, data: &[(&str, Vec<u8>)]) {
    let filter = Filter::content(content.clone());
    let begun = Instant::now();
    let compiled = match compile(&filter, &Options::new(target, host)) {
        Ok(compiled) => compiled,
        Err(error) => return println!("{name}\t{target:?}\t{:?}\t{error}", host.shape),
    };
    let compile_us = begun.elapsed().as_micros();
    let begun = Instant::now();
    let loaded = match Loaded::load(&compiled.program) {
        Ok(loaded) => loaded,
        Err(error) => return println!("{name}\t{target:?}\t{:?}\t{error}", host.shape),
    };
    let load_us = begun.elapsed().as_micros();
    let verified = loaded.info().map_or(0, |info| info.verified_insns);
    for (kind, data) in data {
        let data = &data[..data.len().min(compiled.limit_bytes() as usize)];
        let Some(ns) = cost(&loaded, data) else { continue };
        let is_match = {
            let result = loaded.test_run(&TestRun { data, ..TestRun::default() }).map(|result| result.retval);
            result.is_ok_and(|retval| target.is_match(retval, compiled.options().on_match))
        };
        let hit = if is_match { " (match)" } else { "" };
        println!(
            "{name}\t{target:?}\t{:?}\t{kind}{hit}\t{:.3}\t{verified}\t{}\t{compile_us}\t{load_us}",
            host.shape,
            ns / data.len() as f64,
            compiled.table_bytes(),
        );
    }
}

/// Nanoseconds a run.
fn cost(loaded: &Loaded, data: &[u8]) -> Option<f64> {
    let run = TestRun { data, repeat: REPEAT, ..TestRun::default() };
    let mut calls: Vec<u32> =
        (0..CALLS).map_while(|_| Some(loaded.test_run(&run).ok()?.duration_ns)).collect();
    calls.sort_unstable();
    calls.get(calls.len() / 2).map(|&ns| f64::from(ns))
}

fn filters() -> Vec<(&'static str, Content)> {
    let words = |count: usize| {
        let mut state = 7u64;
        let mut word = |index: usize| {
            let len = 6 + index % 7;
            (0..len)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    b"abcdefghijklmnopqrstuvwxyz_-0123"[(state >> 59) as usize]
                })
                .collect::<Vec<u8>>()
        };
        (0..count).map(&mut word).collect::<Vec<_>>()
    };
    let token =
        ByteSet::EMPTY.with(b'a', b'z').with(b'A', b'Z').with(b'0', b'9').with(b'_', b'_').with(b'-', b'-');
    let regex = |pattern: &str| Content::Regex(Arc::new(Regex::new(pattern).expect("parses")));
    vec![
        ("nothing", Content::Any(vec![])),
        ("literal xQz", Content::literal("xQz")),
        ("literal password", Content::literal("passw0rd")),
        ("literal BEGIN RSA", Content::literal("BEGIN RSA PRIVATE KEY")),
        ("literal folded", Content::Literal { bytes: b"x-api-key:".to_vec(), fold: true }),
        ("literals 176", Content::literals(words(176))),
        ("literals 176 folded", Content::Literals { list: words(176), fold: true }),
        ("literals 5000", Content::literals(words(5000))),
        ("run 20", Content::ClassRun { class: token, min: 64 }),
        ("thresholds a>=3,b>=1;64", Content::Thresholds { counts: vec![(b'a', 30), (b'b', 10)], window: 64 }),
        ("thresholds q z", Content::Thresholds { counts: vec![(b'q', 3), (b'Z', 2)], window: 64 }),
        ("regex ghp", regex("ghp_[0-9a-zA-Z]{36}")),
        ("regex dots", regex("(?-u)AKIA[0-9A-Z]{16}|[a-z]+@[a-z]+\\.onion")),
    ]
}

/// The sources of the compiler, from a place without long runs of comments.
fn text() -> Vec<u8> {
    let sources =
        concat!(include_str!("../src/compile/emit/drive.rs"), include_str!("../src/compile/sieve.rs"));
    sources.as_bytes()[..FRAME_BYTES].to_vec()
}

fn random() -> Vec<u8> {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..FRAME_BYTES).map(|_| next()).collect()
}

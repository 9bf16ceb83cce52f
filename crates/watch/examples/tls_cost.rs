//! What a byte of plain text costs the thread that makes records of it: from events to lines of JSON, no kernel involved.
//!
//! `cargo run --release -p kernscope-watch --example tls_cost [CONNECTIONS [MIB]]`: prints ns of processor time a byte, for text and for random
//! bytes, with the built-in rules alone (which redact), with the same given by the user, and without redaction.

use kernscope_abi as abi;
use kernscope_report::{Jsonl, Output, Sink};
use kernscope_sieve::matcher::Matcher;
use kernscope_sieve::rules::RuleSet;
use kernscope_watch::core::{Config, Core};
use kernscope_watch::raw::{Body, Builder};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use std::fs::File;
use std::io::Read;
use std::path::Path;

const LINE: &[u8] =
    b"2026-11-22T10:00:00Z INFO served /index.html to 10.0.0.7 in 12 ms, 5120 bytes, status 200\n";
/// Bytes of a call, as many programs make them.
const CALL_BYTES: usize = 16 << 10;

fn main() {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<u64>().expect("a number"));
    let (conns, mib) = (args.next().unwrap_or(200), args.next().unwrap_or(256));
    let text: Vec<u8> = LINE.iter().copied().cycle().take(CALL_BYTES).collect();
    let mut random = vec![0; CALL_BYTES];
    File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut random)).expect("random bytes");
    for (name, data) in [("text", text), ("random", random)] {
        let rules = || Matcher::new(RuleSet::builtin());
        let core = |redact| Core::new(Config { redact, ..Config::default() });
        for (how, mut core) in [
            ("redacted", core(true)),
            ("redacted, --rules builtin", core(true).with_rules(rules())),
            ("--no-redact", core(false)),
        ] {
            let ns = cost(&mut core, &data, conns, mib);
            println!("{name}, {how}: {ns:.2} ns/B");
        }
    }
}

/// Nanoseconds a byte.
fn cost(core: &mut Core, data: &[u8], conns: u64, mib: u64) -> f64 {
    let mut sink = Jsonl::new(Output::file(Path::new("/dev/null")).expect("opens").patient(), 0);
    let calls = (mib << 20) / conns / data.len() as u64;
    let mut out = Vec::new();
    let mut event = event(data);
    // The rules are laid out, and their expressions compiled, when they are first asked.
    core.step(&event, &mut out);
    let begun = cpu_ns();
    for call in 0..calls {
        for conn in 0..conns {
            place(&mut event, conn + 1, call * data.len() as u64);
            core.step(&event, &mut out);
            out.drain(..).for_each(|entry| sink.entry(&entry));
        }
    }
    core.finish(&mut out);
    out.drain(..).for_each(|entry| sink.entry(&entry));
    (cpu_ns() - begun) as f64 / (calls * conns * data.len() as u64) as f64
}

fn event(data: &[u8]) -> Vec<u8> {
    let tls = abi::Tls { call_bytes: data.len() as u64, direction: abi::TLS_OUT, ..Default::default() };
    let header = abi::Header { pid: 7, tid: 7, ..Default::default() };
    Builder::new(header, Body::Tls(tls)).section(abi::SEC_DATA, 0, data).finish()
}

/// Writes the connection and the offset into the event.
fn place(event: &mut [u8], conn: u64, offset: u64) {
    let body = size_of::<abi::Header>();
    for (field, value) in
        [(std::mem::offset_of!(abi::Tls, handle), conn), (std::mem::offset_of!(abi::Tls, offset), offset)]
    {
        event[body + field..][..8].copy_from_slice(&value.to_ne_bytes());
    }
}

/// Processor time of this thread, nanoseconds.
fn cpu_ns() -> i64 {
    let usage = getrusage(UsageWho::RUSAGE_THREAD).expect("the system tells");
    usage.user_time().num_nanoseconds() + usage.system_time().num_nanoseconds()
}

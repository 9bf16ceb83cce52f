//! How long the core takes for an event, by kind, and for a mixture like a build's, with JSON and without.
//!
//! ```text
//! cargo run --release -p kernscope-watch --example core_rate
//! ```

use kernscope_abi as abi;
use kernscope_watch::core::{Config, Core};
use kernscope_watch::raw::{Body, Builder};
use std::hint::black_box;
use std::io::Write;
use std::time::Instant;

const ROUNDS: u32 = 400_000;

fn event(body: Body, sections: &[(u8, &[u8])]) -> Vec<u8> {
    let mut header = abi::Header { pid: 20, tid: 20, ppid: 10, start_ns: 7, ..Default::default() };
    header.comm[..5].copy_from_slice(b"rustc");
    let add = |builder: Builder, (tag, bytes): &(u8, &[u8])| builder.section(*tag, 0, bytes);
    sections.iter().fold(Builder::new(header, body), add).finish()
}

fn samples() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let file = abi::FileId { id: 0xffff_8880_1234, ino: 77, dev: 8 << 20 | 1, st_mode: 0o100_644 };
    let walk: (u8, &[u8]) =
        (abi::SEC_PATH, b"libserde-0123456789abcdef.rmeta\0deps\0debug\0target\0project\0user\0home\0");
    let raw: (u8, &[u8]) = (abi::SEC_RAW, b"target/debug/deps/libserde-0123456789abcdef.rmeta");
    let base: (u8, &[u8]) = (abi::SEC_BASE, b"project\0user\0home\0");
    let open = Body::Open(abi::Open { file, ret: 3, dirfd: -100, flags: 0o2_000_000, ..Default::default() });
    let missing = Body::Open(abi::Open { ret: -2, dirfd: -100, ..Default::default() });
    let close = Body::Close(abi::Close { file, fd: 3, read_bytes: 4096, reads: 1, ..Default::default() });
    let hint = Body::PathHint(abi::PathHint { op: abi::OP_UNLINK, ..Default::default() });
    let unlink = Body::PathOp(abi::PathOp { op: abi::OP_UNLINK, dirfd: -100, ..Default::default() });
    let mut remote = abi::Endpoint { port: 443, version: 4, ..Default::default() };
    remote.addr[..4].copy_from_slice(&[10, 1, 2, 3]);
    let net = abi::Net { family: 2, sock_type: 1, protocol: 6, remote, fd: 4, ..Default::default() };
    let chunk = [b"--crate-name\0serde\0".as_slice(); 40].concat();
    let strings = Body::Strings(abi::Strings { what: abi::STRINGS_ARGV, offset: 0 });
    let exec = abi::Exec { argc: 80, arg_bytes: 760, old_tid: 20, ..Default::default() };
    vec![
        ("open", vec![event(open, &[walk, raw])]),
        ("open, failed", vec![event(missing, &[base, raw])]),
        ("open + close", vec![event(open, &[walk, raw]), event(close, &[walk])]),
        ("hint + unlink", vec![event(hint, &[walk]), event(unlink, &[base, raw])]),
        ("connect", vec![event(Body::Net(net), &[])]),
        (
            "exec with 80 arguments",
            vec![
                event(strings, &[(abi::SEC_STRINGS, &chunk)]),
                event(
                    Body::Exec(exec),
                    &[(abi::SEC_PATH, b"rustc\0bin\0usr\0"), (abi::SEC_CWD, b"user\0home\0")],
                ),
            ],
        ),
    ]
}

fn main() {
    println!("{:<24} {:>14} {:>20}", "events", "ns each, core", "ns each, core + JSON");
    for (name, events) in samples() {
        let bare = measure(&events, false);
        let json = measure(&events, true);
        println!("{name:<24} {bare:>14.0} {json:>20.0}");
    }
}

fn measure(events: &[Vec<u8>], json: bool) -> f64 {
    let mut core = Core::new(Config::default());
    let mut out = Vec::new();
    let mut line = Vec::new();
    let start = Instant::now();
    for _ in 0..ROUNDS {
        for event in events {
            core.step(black_box(event), &mut out);
        }
        for entry in out.drain(..) {
            if json {
                line.clear();
                // Into memory: cannot fail.
                let _ = serde_json::to_writer(&mut line, &entry.body);
                let _ = serde_json::to_writer(&mut line, &entry.proc);
                let _ = line.write_all(b"\n");
            }
            black_box((&entry, &line));
        }
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(ROUNDS) / events.len() as f64
}

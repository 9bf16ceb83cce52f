//! The core, driven with raw events of every kind.

mod chain;
mod closes;
mod content;
mod dns;
mod exec;
mod files;
mod http;
mod invariant;
mod net;
mod path_calls;
mod process;
mod refused;
mod spoken;
mod tls;
mod uring;

use super::{Config, Core};
use crate::raw::{Body as Raw, Builder};
use kernscope_abi as abi;
use kernscope_report::{Body, Entry};

/// A section of an event: tag, flags, bytes.
type Sec<'a> = (u8, u8, &'a [u8]);

/// A core and what it has told.
struct Bench {
    core: Core,
    /// Of the events to come.
    header: abi::Header,
}

impl Bench {
    fn new() -> Self {
        Self::with(Config { boot_offset_ns: 500, ..Config::default() })
    }

    fn with(config: Config) -> Self {
        let mut header = abi::Header {
            ts_ns: 10_000,
            start_ns: 7_000,
            pid: 20,
            tid: 20,
            ppid: 10,
            uid: 1000,
            ..Default::default()
        };
        header.comm[..3].copy_from_slice(b"cat");
        Self { core: Core::new(config), header }
    }

    /// Sends one event; what it tells.
    fn send(&mut self, body: Raw, sections: &[Sec<'_>]) -> Vec<Entry> {
        let event = event(self.header, body, sections);
        let mut out = Vec::new();
        self.core.step(&event, &mut out);
        assert!(self.core.tally().balanced(), "{:?}", self.core.tally());
        out
    }

    /// Sends one event that tells one thing.
    fn one(&mut self, body: Raw, sections: &[Sec<'_>]) -> Entry {
        let mut out = self.send(body, sections);
        assert_eq!(out.len(), 1, "{out:?}");
        out.remove(0)
    }

    /// Sends one event that tells nothing, and is counted for `reason`.
    fn none(&mut self, body: Raw, sections: &[Sec<'_>], reason: &str) {
        let before = self.filtered(reason);
        assert_eq!(self.send(body, sections), []);
        assert_eq!(self.filtered(reason), before + 1, "{reason}");
    }

    fn filtered(&self, reason: &str) -> u64 {
        self.core.tally().filtered.get(reason).copied().unwrap_or(0)
    }

    fn finish(&mut self) -> Vec<Entry> {
        let mut out = Vec::new();
        self.core.finish(&mut out);
        assert!(self.core.tally().balanced(), "{:?}", self.core.tally());
        assert_eq!(self.core.tally().held, 0);
        out
    }
}

fn event(header: abi::Header, body: Raw, sections: &[Sec<'_>]) -> Vec<u8> {
    let add = |builder: Builder, (tag, flags, bytes): &Sec<'_>| builder.section(*tag, *flags, bytes);
    sections.iter().fold(Builder::new(header, body), add).finish()
}

/// A body as JSON, to look at its fields by the names that users see.
fn json(entry: &Entry) -> serde_json::Value {
    let serde_json::Value::Object(map) = serde_json::to_value(&entry.body).unwrap() else {
        panic!("no object")
    };
    map.into()
}

fn exe(entry: &Entry) -> Option<&str> {
    entry.proc.as_ref().and_then(|proc| proc.exe.as_deref())
}

fn kind(entry: &Entry) -> String {
    json(entry)["kind"].as_str().unwrap().to_owned()
}

fn opened(id: u64, fd: i32) -> Raw {
    Raw::Open(abi::Open { file: file(id), ret: fd, dirfd: -100, ..Default::default() })
}

fn file(id: u64) -> abi::FileId {
    abi::FileId { id, ino: 1000 + id, dev: 8 << 20 | 1, st_mode: 0o100_644 }
}

#[test]
fn numbers_that_are_not_known_are_undecodable() {
    let mut bench = Bench::new();
    let unknown = [
        Raw::Strings(abi::Strings { what: 9, offset: 0 }),
        Raw::Close(abi::Close { cause: 9, ..Default::default() }),
        Raw::PathOp(abi::PathOp { op: 99, ..Default::default() }),
        Raw::Net(abi::Net { op: 99, ..Default::default() }),
        Raw::Net(abi::Net { op: abi::NET_CLOSE, cause: 9, ..Default::default() }),
    ];
    let count = unknown.len() as u64;
    for body in unknown {
        assert_eq!(bench.send(body, &[]), []);
    }
    bench.core.step(b"no event", &mut Vec::new());
    assert_eq!(bench.core.tally().undecodable, count + 1);
    assert_eq!(bench.core.tally().received_total(), 0);
}

#[test]
fn an_entry_says_who_and_when() {
    let mut bench = Bench::new();
    bench.header.tid = 21;
    bench.header.comm = [0; 16];
    bench.header.comm[..2].copy_from_slice(b"\xffw");
    let entry = bench.one(opened(1, 3), &[(abi::SEC_PATH, 0, b"f\0tmp\0")]);
    let proc = entry.proc.unwrap();
    assert_eq!((proc.pid, proc.tid, proc.ppid, proc.uid, proc.start_ns), (20, 21, 10, 1000, 7_000));
    assert_eq!(&*proc.comm, "\\xffw");
    assert_eq!(entry.escaped, ["proc.comm"]);
    assert_eq!(entry.ts_ns, 10_000);
    assert!(matches!(entry.body, Body::FileOpen { .. }));
}

//! What one record costs a sink: `cargo run --release -p kernscope-report --example record_cost`.
//!
//! Workload: a successful `file_open`, the most frequent record, one million times. Bottleneck: the thread that
//! makes the line, and its processor time is what is told; the writing thread works beside it. The first argument names the output file (`/dev/null`).

use kernscope_report::{Body, Entry, Jsonl, OpenMode, Output, PathInfo, Pretty, Proc, Sink, Style, Summary};
use nix::time::{ClockId, clock_gettime};
use std::path::Path;
use std::time::Duration;

const RECORDS: u32 = 1_000_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).unwrap_or_else(|| "/dev/null".to_owned());
    let output = || Output::file(Path::new(&file));
    let mut summary = Summary::default();
    measure("summary", |entry| summary.entry(entry))?;
    let mut jsonl = Jsonl::new(output()?, 0);
    measure("jsonl", |entry| jsonl.entry(entry))?;
    let mut pretty = Pretty::new(output()?, Style::default());
    measure("pretty", |entry| pretty.entry(entry))?;
    Ok(())
}

fn measure(name: &str, mut take: impl FnMut(&Entry)) -> nix::Result<()> {
    let mut entry = sample();
    let now = || clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from);
    let start = now()?;
    for n in 0..RECORDS {
        entry.ts_ns += 4321;
        if let Body::FileOpen { ret, .. } = &mut entry.body {
            *ret = i64::from(n % 1000);
        }
        take(&entry);
    }
    println!("{name:8} {:>6.0} ns/record", (now()? - start).as_secs_f64() * 1e9 / f64::from(RECORDS));
    Ok(())
}

fn sample() -> Entry {
    let path = "/usr/lib/x86_64-linux-gnu/libc.so.6".to_owned();
    Entry {
        ts_ns: 5_000_000_000,
        proc: Some(Proc {
            pid: 12345,
            tid: 12345,
            ppid: 1234,
            uid: 1000,
            comm: "cat".into(),
            exe: Some("/usr/bin/cat".into()),
            start_ns: 4_000_000_000,
            agent: None,
        }),
        body: Body::FileOpen {
            path: PathInfo { path: Some(path.clone()), ..Default::default() },
            raw_path: Some(path),
            dirfd: -100,
            flags: vec!["O_RDONLY".to_owned(), "O_CLOEXEC".to_owned()],
            mode: OpenMode::Read,
            dev: Some(2049),
            inode: Some(1_234_567),
            ret: 3,
            errno: None,
            io_uring: false,
        },
        escaped: Vec::new(),
    }
}

//! What a policy costs an open, by how many paths it lists, and how long it takes to put a list in place of another.
//!
//! A shell opens one file over and over; the time from one open's event to the next is taken, and of all of them the median.
//! Rounds go over all sizes in turn, and the smallest median of each size is shown. `cargo xtask bench paths` runs it.
//!
//! # Privileges
//! Root.

use kernscope_abi as abi;
use kernscope_watch::backend::{Backend, Progress, Target};
use kernscope_watch::ebpf::{Ebpf, Options, Policy};
use kernscope_watch::policy::paths::{Class, List, Places, Table};
use kernscope_watch::raw::{Body, Event};
use std::error::Error;
use std::time::{Duration, Instant};

/// Numbers of paths; `None`: no policy.
const SIZES: [Option<usize>; 4] = [None, Some(10), Some(1_000), Some(10_000)];
const ROUNDS: usize = 5;
/// Opens of a round. All of their events fit into the ring.
const OPENS: usize = 30_000;
const PATH: &str = "/tmp/kernscope-path-cost/some/where/below/file-7.txt";

/// Files, directories with all below them, and names anywhere, a third each; none of them is the file that is opened.
fn table(size: usize) -> Result<Table, Box<dyn Error>> {
    let mut builder = Table::builder(Places { home: "/root".into(), cwd: "/".into() });
    for n in 0..size {
        let pattern = match n % 3 {
            0 => format!("/tmp/kernscope-path-cost/some/where/below/file-{}.tx", n + 8),
            1 => format!("/srv/data/{n}/**"),
            _ => format!("*-{n}.pem"),
        };
        builder.add(Class::Read, List::Deny, pattern.as_bytes())?;
    }
    Ok(builder.build()?)
}

/// Nanoseconds from one open to the next, and how long the table took to be set.
fn round(table: Option<&Table>) -> Result<(u64, Duration), Box<dyn Error>> {
    let looped = format!("i=0; while [ $i -lt {OPENS} ]; do : <{PATH}; i=$((i + 1)); done");
    let argv = ["sh", "-c", &looped].map(Into::into).to_vec();
    let policy = if table.is_some() { Policy::Judge } else { Policy::None };
    let options = Options { policy, ring_bytes: 32 << 20, ..Options::default() };
    let mut backend = Ebpf::new(&Target::Command(argv), &options)?;
    let began = Instant::now();
    if let Some(table) = table {
        backend.set_policy(table.slots(), 0)?;
    }
    let took = began.elapsed();
    let mut times = Vec::with_capacity(OPENS);
    let mut take = |bytes: &[u8]| {
        let Ok(event) = Event::decode(bytes) else { return };
        let is_ours = |path: &[u8]| path.starts_with(b"file-7.txt\0");
        let path = event.sections.get(abi::SEC_PATH).filter(|path| is_ours(path.bytes));
        if matches!(event.body, Body::Open(_)) && path.is_some() {
            times.push(event.header.ts_ns);
        }
    };
    while backend.poll(Duration::from_millis(100), &mut take)? == Progress::Running {}
    backend.detach();
    let mut steps: Vec<u64> = times.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    steps.sort_unstable();
    Ok((steps.get(steps.len() / 2).copied().unwrap_or(u64::MAX), took))
}

fn main() -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all("/tmp/kernscope-path-cost/some/where/below")?;
    std::fs::write(PATH, "")?;
    let mut tables = Vec::new();
    for size in SIZES {
        let began = Instant::now();
        let table = size.map(table).transpose()?;
        tables.push((size, table, began.elapsed(), u64::MAX, Duration::MAX));
    }
    for _ in 0..ROUNDS {
        for (_, table, _, least_ns, least_set) in &mut tables {
            let (ns, set) = round(table.as_ref())?;
            *least_ns = ns.min(*least_ns);
            *least_set = set.min(*least_set);
        }
    }
    std::fs::remove_dir_all("/tmp/kernscope-path-cost")?;
    let without = tables[0].3;
    println!("| paths listed | ns from open to open | of that, judging | compile, ms | set, ms |");
    println!("| --- | --- | --- | --- | --- |");
    for (size, _, built, ns, set) in &tables {
        let name = size.map_or("no policy".to_owned(), |size| size.to_string());
        let more = ns.saturating_sub(without);
        let ms = |took: &Duration| format!("{:.1}", took.as_secs_f64() * 1e3);
        let (built, set) = if size.is_some() { (ms(built), ms(set)) } else { <(String, String)>::default() };
        println!("| {name} | {ns} | {more} | {built} | {set} |");
    }
    Ok(())
}

//! Random filters of every kind, in the kernel, in the virtual machine and in plain Rust: the answers must be the same.
//!
//! `filters [--pairs N] [--load N] [--seed S] [--inputs N] [--place P]`
//!
//! - `--pairs N` runs pairs of filter and input until there are N that the kernel, the virtual machine and the oracle
//!   have all judged (a million where nothing is said). Exact filters must agree; those that are wider than what was
//!   asked for must match wherever the `regex` crate does, and the kernel as the virtual machine.
//! - `--load N` makes N filters, each of which must load; nothing is run.
//! - `--place P` makes one case of the series again.
//!
//! Some inputs of each filter are as long as the filter looks, or one byte longer: up to 65,536 bytes. The kernel's
//! test run takes them for XDP from 5.18 on; filters for sockets get them as datagrams; longer ones than a page for tc
//! go to the virtual machine and the oracle alone, and are no pairs.
//!
//! The same seed gives the same series. A disagreement is told with the filter, the shortest input found that still
//! shows it, and what to call to see it again. The last line counts; the status is 1 when anything disagreed.

mod case;
mod classic;
mod contents;
mod engines;
mod exprs;
mod frames;
mod patterns;
mod random;
mod reach;
mod rulesets;

use std::process::ExitCode;
use std::time::Instant;

use kernscope_kit::compile::Host;

use case::{Case, Kind};
use engines::{Came, Engine, Refused, Setting};
use random::Random;
use reach::Reach;

/// Inputs of each filter that are about as long as it looks, for each of its engines.
const LONG_INPUTS: usize = 3;
/// Longest packet, for what asks about headers alone.
const LONGEST_PACKET: usize = 65_535;
/// A page, which packets of test runs fitted once.
const PAGE_BYTES: usize = 4096;
/// Inputs longer than these are not told whole.
const TOLD_BYTES: usize = 512;
/// Runs that finding a shorter input may take.
const SHRINK_RUNS: u32 = 4000;
/// Filters whose disagreements are told; those of the rest are counted.
const TOLD: u64 = 10;

/// What was asked for.
struct Wanted {
    pairs: u64,
    loads: u64,
    seed: u64,
    inputs: usize,
    place: Option<u64>,
}

/// What has come of it.
#[derive(Default)]
struct Counts {
    filters: u64,
    loads: u64,
    inexact_matches: u64,
    pairs: u64,
    /// Of these, with inputs longer than a page.
    long_pairs: u64,
    /// Inputs longer than a page that only the virtual machine and the oracle judged.
    unseen: u64,
    refused: u64,
    failed: u64,
    disagreements: u64,
}

fn main() -> ExitCode {
    let wanted = match wanted(std::env::args().skip(1)) {
        Ok(wanted) => wanted,
        Err(error) => {
            eprintln!("filters: {error}");
            return ExitCode::from(2);
        }
    };
    let started = Instant::now();
    let (hosts, reach) = (engines::hosts(), Reach::here());
    let mut counts = Counts::default();
    let mut place = wanted.place.unwrap_or(0);
    while counts.pairs < wanted.pairs || counts.loads < wanted.loads {
        one(&wanted, place, &hosts, reach, &mut counts);
        place += 1;
        if wanted.place.is_some() || counts.failed > 100 {
            break;
        }
    }
    let mut shapes: Vec<_> = hosts.iter().map(|host| format!("{:?}", host.shape)).collect();
    shapes.truncate(hosts.len() / 2);
    println!(
        "filters: {} passed, {} failed, {} skipped; {} pairs, {} of them longer than a page, \
         {} more of such inputs that the kernel does not take, {} disagreements, {} loads, {} matches that were not \
         asked for and are allowed; loops by {}; seed {}; {:.0} s",
        counts.filters - counts.failed,
        counts.failed,
        counts.refused,
        counts.pairs,
        counts.long_pairs,
        counts.unseen,
        counts.disagreements,
        counts.loads,
        counts.inexact_matches,
        shapes.join(", "),
        wanted.seed,
        started.elapsed().as_secs_f64(),
    );
    if counts.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Reads the command line.
fn wanted(mut args: impl Iterator<Item = String>) -> Result<Wanted, String> {
    let mut wanted = Wanted { pairs: 0, loads: 0, seed: 1, inputs: 400, place: None };
    let mut asked = false;
    while let Some(arg) = args.next() {
        let value = args.next().and_then(|value| value.parse::<u64>().ok());
        let value = value.ok_or_else(|| format!("{arg} wants a number"))?;
        match arg.as_str() {
            "--pairs" => wanted.pairs = value,
            "--load" => wanted.loads = value,
            "--seed" => wanted.seed = value,
            "--inputs" => wanted.inputs = value as usize,
            "--place" => wanted.place = Some(value),
            _ => {
                return Err(format!(
                    "unknown flag {arg}; known are --pairs, --load, --seed, --inputs and --place"
                ));
            }
        }
        asked |= arg == "--pairs" || arg == "--load";
    }
    if !asked {
        wanted.pairs = 1_000_000;
    }
    Ok(wanted)
}

/// One case of the series.
fn one(wanted: &Wanted, place: u64, hosts: &[Host], reach: Reach, counts: &mut Counts) {
    let mut random = Random::nth(wanted.seed, place);
    let kind = Kind::ALL[place as usize % Kind::ALL.len()];
    let inputs = if counts.pairs < wanted.pairs || wanted.place.is_some() { wanted.inputs } else { 0 };
    let Some(mut case) = Case::new(kind, &mut random, inputs) else { return };
    let setting = Setting::random(&mut random, &case, hosts, reach);
    counts.filters += 1;
    let mut engines = match engines::engines(&case, setting) {
        Ok(engines) => engines,
        Err(Refused::Compiler(why)) => {
            println!("filters: place {place}, {kind:?}: not compiled: {why}");
            (counts.filters, counts.refused) = (counts.filters - 1, counts.refused + 1);
            return;
        }
        Err(Refused::Kernel(why)) => {
            counts.failed += 1;
            println!("filters: FAIL: place {place}, {kind:?}, {setting:?}: {}\n{why}", case.told());
            return;
        }
    };
    counts.loads += 1;
    if inputs > 0 {
        add_long(&mut case, &mut random, &engines);
    }
    judge(wanted, place, &case, &mut engines, counts);
}

/// Adds inputs of the lengths that engines look at as a whole, one byte longer, and a little or much shorter.
fn add_long(case: &mut Case, random: &mut Random, engines: &[Engine]) {
    let mut limits: Vec<_> = engines.iter().map(|engine| engine.limit().unwrap_or(LONGEST_PACKET)).collect();
    limits.sort_unstable();
    limits.dedup();
    for limit in limits {
        for at in 0..LONG_INPUTS {
            let len = match at {
                0 => limit,
                1 => limit + 1,
                _ => limit - random.pick(&[1, 2, 7, 63, 64, limit / 2]),
            };
            let input = case.long(random, len);
            case.inputs.push(input);
        }
    }
}

/// All engines on all inputs of a case.
fn judge(wanted: &Wanted, place: u64, case: &Case, engines: &mut [Engine], counts: &mut Counts) {
    let kind = case.kind;
    let before = counts.disagreements;
    // Engines of this case, a bit each, that have shown a disagreement.
    let mut told = 0u32;
    for input in &case.inputs {
        let came: Vec<_> = engines.iter_mut().map(|engine| engine.judge(case, input)).collect();
        let ran = |came: &&Came| **came != Came::NotTaken;
        let pair = came.len() > 1 && came[0] != Came::NotTaken;
        counts.pairs += u64::from(pair);
        counts.long_pairs += u64::from(pair && input.len() > PAGE_BYTES);
        counts.unseen += u64::from(!pair && input.len() > PAGE_BYTES);
        counts.inexact_matches += u64::from(came.contains(&Came::Over));
        // The same program must say the same in the kernel and in the machine, be it exact or not.
        let same_program = engines.len() == 3 && came[..2].iter().filter(ran).count() == 2;
        let apart = same_program && came[0] != came[1];
        for (at, (engine, came)) in engines.iter_mut().zip(&came).enumerate() {
            if let Came::Wrong(why) = came {
                counts.disagreements += 1;
                if told & 1 << at == 0 && counts.failed < TOLD {
                    told |= 1 << at;
                    tell(wanted, place, case, engine, input, why);
                }
            }
        }
        if apart && !came.iter().any(|came| matches!(came, Came::Wrong(_))) {
            counts.disagreements += 1;
            let why = format!("kernel {:?}, virtual machine {:?}", came[0], came[1]);
            println!("filters: FAIL: seed {}, place {place}, {kind:?}: {why}: {}", wanted.seed, hex(input));
        }
    }
    counts.failed += u64::from(counts.disagreements > before);
}

/// Says what disagreed, on the shortest input found.
fn tell(wanted: &Wanted, place: u64, case: &Case, engine: &mut Engine, input: &[u8], why: &str) {
    let shortest = shrink(input, |candidate| matches!(engine.judge(case, candidate), Came::Wrong(_)));
    println!(
        "filters: FAIL: {:?}, {}: {why}\n  {}\n  on {}\n  again: --seed {} --place {place} --pairs 1",
        case.kind,
        engine.name,
        case.told(),
        hex(&shortest),
        wanted.seed,
    );
}

/// Takes away pieces, large ones first, and makes bytes zero, as long as it still shows.
fn shrink(input: &[u8], mut shows: impl FnMut(&[u8]) -> bool) -> Vec<u8> {
    let mut runs = SHRINK_RUNS;
    let mut shows = |candidate: &[u8]| {
        runs = runs.saturating_sub(1);
        runs > 0 && shows(candidate)
    };
    let mut best = input.to_vec();
    let mut piece = best.len().next_power_of_two() / 2;
    while piece > 0 {
        let mut at = 0;
        while at < best.len() {
            let end = (at + piece).min(best.len());
            let shorter = [&best[..at], &best[end..]].concat();
            if shows(&shorter) {
                best = shorter;
            } else {
                at += piece;
            }
        }
        piece /= 2;
    }
    for at in 0..best.len() {
        let byte = std::mem::replace(&mut best[at], 0);
        if byte != 0 && !shows(&best) {
            best[at] = byte;
        }
    }
    best
}

fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().take(TOLD_BYTES).map(|byte| format!("{byte:02x}")).collect();
    if bytes.len() > TOLD_BYTES { format!("{digits}... ({} bytes)", bytes.len()) } else { digits }
}

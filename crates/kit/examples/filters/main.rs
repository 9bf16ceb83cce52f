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

use std::process::ExitCode;
use std::time::Instant;

use kernscope_kit::compile::Host;

use case::{Case, Condition, Kind};
use engines::{Came, Engine, Refused, Setting};
use random::Random;

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
    let hosts = engines::hosts();
    let mut counts = Counts::default();
    let mut place = wanted.place.unwrap_or(0);
    while counts.pairs < wanted.pairs || counts.loads < wanted.loads {
        one(&wanted, place, &hosts, &mut counts);
        place += 1;
        if wanted.place.is_some() || counts.failed > 100 {
            break;
        }
    }
    let mut shapes: Vec<_> = hosts.iter().map(|host| format!("{:?}", host.shape)).collect();
    shapes.truncate(hosts.len() / 2);
    println!(
        "filters: {} passed, {} failed, {} skipped; {} pairs, {} disagreements, {} loads, {} matches that were not \
         asked for and are allowed; loops by {}; seed {}; {:.0} s",
        counts.filters - counts.failed,
        counts.failed,
        counts.refused,
        counts.pairs,
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
fn one(wanted: &Wanted, place: u64, hosts: &[Host], counts: &mut Counts) {
    let mut random = Random::nth(wanted.seed, place);
    let kind = Kind::ALL[place as usize % Kind::ALL.len()];
    let inputs = if counts.pairs < wanted.pairs || wanted.place.is_some() { wanted.inputs } else { 0 };
    let Some(case) = Case::new(kind, &mut random, inputs) else { return };
    let setting = Setting::random(&mut random, &case, hosts);
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
            println!("filters: FAIL: place {place}, {kind:?}, {setting:?}: {}\n{why}", case.condition);
            return;
        }
    };
    counts.loads += 1;
    let before = counts.disagreements;
    // Engines of this case, a bit each, that have shown a disagreement.
    let mut told = 0u32;
    for input in &case.inputs {
        let came: Vec<_> = engines.iter_mut().map(|engine| engine.judge(&case, input)).collect();
        let ran = |came: &&Came| **came != Came::NotTaken;
        counts.pairs += u64::from(came.len() > 1 && came[0] != Came::NotTaken);
        counts.inexact_matches += u64::from(came.contains(&Came::Over));
        // The same program must say the same in the kernel and in the machine, be it exact or not.
        let same_program = engines.len() == 3 && came[..2].iter().filter(ran).count() == 2;
        let apart = same_program && came[0] != came[1];
        for (at, (engine, came)) in engines.iter_mut().zip(&came).enumerate() {
            if let Came::Wrong(why) = came {
                counts.disagreements += 1;
                if told & 1 << at == 0 && counts.failed < TOLD {
                    told |= 1 << at;
                    tell(wanted, place, &case, engine, input, why);
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
        match &case.condition {
            Condition::Filter(_) => case.condition.to_string(),
            Condition::Classic(_) => case.condition.to_string().replace('\n', "; "),
        },
        hex(&shortest),
        wanted.seed,
    );
}

/// Takes away pieces, large ones first, and makes bytes zero, as long as it still shows.
fn shrink(input: &[u8], mut shows: impl FnMut(&[u8]) -> bool) -> Vec<u8> {
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
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

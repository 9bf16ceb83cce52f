//! `cargo xtask bench lan`: how well devices are recognised, on captures left out of training, and how fast captures are read.

use anyhow::Result;
use kernscope_lan::Registry;
use kernscope_lan::fingerprint::train::{self, Example, Judged};
use kernscope_lan::fingerprint::{LABEL_MIN, labelled};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

const FOLDS: usize = 10;
const SEEDS: u64 = 5;
const ROUNDS: usize = 7;
const REPLAYED_BYTES: usize = 64 << 20;

/// Flags of `cargo xtask bench lan`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Labelled captures: a folder a class, and devices.csv.
    #[arg(long, value_name = "DIR", default_value = "../shared/data/iot-sentinel")]
    captures: PathBuf,
    /// A pcap file to replay, repeated to 64 MB in memory.
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let labelled = labelled::read(&args.captures)?;
    println!("{} examples; {} captures left out", labelled.examples.len(), labelled.notes.len());
    accuracy(&labelled.examples);
    strangers(&labelled.examples);
    args.replay.as_ref().map_or(Ok(()), speed)
}

fn accuracy(examples: &[Example]) {
    println!(
        "\n{FOLDS}-fold cross-validation, captures dealt anew each time (goals: 0.93; 0.05; 10 %; 0.985)"
    );
    println!(
        "| deal | right | calibration error | not named | right of the named |\n| --- | --- | --- | --- | --- |"
    );
    let mut wrong: BTreeMap<(String, String), usize> = BTreeMap::new();
    for seed in 0..SEEDS {
        let judged = train::cross_validate(examples, FOLDS, seed);
        let (named, open): (Vec<_>, Vec<_>) = judged.iter().partition(|one| is_named(one));
        let not_named = open.len() as f64 / judged.len().max(1) as f64 * 100.0;
        println!(
            "| {seed} | {:.4} | {:.4} | {not_named:.1} % | {:.4} |",
            right(judged.iter()),
            calibration_error(&judged),
            right(named.iter().copied())
        );
        for one in judged.iter().filter(|one| one.label != one.guess) {
            *wrong.entry((one.label.clone(), one.guess.clone())).or_default() += 1;
        }
    }
    println!("\nTaken for another, in {SEEDS} deals:");
    wrong.iter().for_each(|((is, said), count)| println!("  {is} as {said}: {count}"));
}

/// Devices of classes that the model never saw: how many it would name all the same, were the maker the same.
fn strangers(examples: &[Example]) {
    let judged = train::leave_classes_out(examples);
    let named = judged.iter().filter(|one| is_named(one)).count();
    println!("\nEach class left out of training: {named} of {} named all the same, as:", judged.len());
    let mut as_what: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for one in judged.iter().filter(|one| is_named(one)) {
        *as_what.entry((&one.label, &one.guess)).or_default() += 1;
    }
    as_what.iter().for_each(|((is, said), count)| println!("  {is} as {said}: {count}"));
}

fn is_named(one: &Judged) -> bool {
    one.confidence >= LABEL_MIN && one.nearness >= one.nearness_min
}

fn right<'a>(judged: impl Iterator<Item = &'a Judged>) -> f64 {
    let (count, right) =
        judged.fold((0u32, 0u32), |(all, right), one| (all + 1, right + u32::from(one.label == one.guess)));
    f64::from(right) / f64::from(count.max(1))
}

/// Expected calibration error over ten bins.
fn calibration_error(judged: &[Judged]) -> f64 {
    (0..10)
        .map(|bin| {
            let of_bin = |one: &&Judged| ((one.confidence * 10.0) as usize).min(9) == bin;
            let ones: Vec<&Judged> = judged.iter().filter(of_bin).collect();
            let said: f64 = ones.iter().map(|one| one.confidence).sum();
            (said - right(ones.iter().copied()) * ones.len() as f64).abs()
        })
        .sum::<f64>()
        / judged.len().max(1) as f64
}

fn speed(path: &PathBuf) -> Result<()> {
    let file = std::fs::read(path)?;
    let Some((header, frames)) = file.split_at_checked(24) else {
        anyhow::bail!("{}: no pcap", path.display())
    };
    let mut bytes = header.to_vec();
    while bytes.len() < REPLAYED_BYTES && !frames.is_empty() {
        bytes.extend_from_slice(frames);
    }
    let mut best = f64::MAX;
    let mut count = 0;
    for _ in 0..ROUNDS {
        let mut registry = Registry::default();
        let start = Instant::now();
        count = kernscope_lan::replay::replay(bytes.as_slice(), &mut registry).frames;
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!(
        "\nReplay of {}: {count} frames, {:.2} million a second (best of {ROUNDS}, one core)",
        path.display(),
        count as f64 / best / 1e6
    );
    Ok(())
}

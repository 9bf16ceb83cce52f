//! How well devices are recognised, on captures left out of training: `lan_accuracy DIR` prints tables, of labelled captures as
//! `cargo xtask train lan` takes them.

use kernscope_lan::fingerprint::train::{self, Judged};
use kernscope_lan::fingerprint::{Fingerprint, LABEL_MIN, LABEL_NEARNESS, labelled};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const FOLDS: usize = 10;
const SEEDS: u64 = 5;

fn main() -> Result<()> {
    let captures = std::env::args().nth(1).ok_or("recognise devices: of which captures? give a folder")?;
    let labelled = labelled::read(Path::new(&captures))?;
    println!("{} examples; {} captures left out.\n", labelled.examples.len(), labelled.notes.len());
    let words = Fingerprint::built_in();
    let deals: Vec<Vec<Judged>> =
        (0..SEEDS).map(|seed| train::cross_validate(&labelled.examples, FOLDS, seed)).collect();
    let unseen = train::leave_classes_out(&labelled.examples);
    println!("{}", validated(&deals, &words)?);
    println!("{}", strangers(&unseen, &words)?);
    print!("{}", nearness(&deals, &unseen)?);
    Ok(())
}

/// Cross-validation.
fn validated(deals: &[Vec<Judged>], fingerprint: &Fingerprint) -> Result<String> {
    let mut text = format!(
        "{FOLDS}-fold cross-validation, captures dealt anew each time (goals: 0.93; 0.05; 10 %; 0.985). The last columns: the named whose \
         type, in words, is right; those named right where no near-identical pair is at stake; and of the not named those whose likeliest \
         class is of the right category.\n\n\
         | deal | right | calibration error | not named | right of the named | right type | pairs apart | category of the not named |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n"
    );
    let mut wrong: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (seed, judged) in deals.iter().enumerate() {
        let (named, open): (Vec<_>, Vec<_>) = judged.iter().partition(|one| is_named(one));
        let not_named = open.len() as f64 / judged.len().max(1) as f64 * 100.0;
        writeln!(
            text,
            "| {seed} | {:.4} | {:.4} | {not_named:.1} % | {:.4} | {:.4} | {:.4} | {:.4} |",
            right(judged.iter()),
            calibration_error(judged),
            right(named.iter().copied()),
            share(named.iter().copied(), |one| is_type_right(one, fingerprint)),
            right(named.iter().copied().filter(|one| !is_of_pair(&one.label))),
            share(open.iter().copied(), |one| words(&one.label, "category") == words(&one.guess, "category"))
        )?;
        for one in judged.iter().filter(|one| one.label != one.guess) {
            *wrong.entry((one.label.clone(), one.guess.clone())).or_default() += 1;
        }
    }
    writeln!(text, "\nTaken for another, in {SEEDS} deals:\n")?;
    for ((is, said), count) in wrong {
        writeln!(text, "- {is} as {said}: {count}")?;
    }
    Ok(text)
}

/// Devices of classes that the model never saw: how many it would name all the same, were the maker the same.
fn strangers(judged: &[Judged], fingerprint: &Fingerprint) -> Result<String> {
    let named: Vec<_> = judged.iter().filter(|one| is_named(one)).collect();
    let mut as_what: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for one in &named {
        *as_what.entry((&one.label, &one.guess)).or_default() += 1;
    }
    let wrong = named.iter().filter(|one| !is_type_right(one, fingerprint)).count();
    let mut text = format!(
        "Each class left out of training: {} of {} named all the same; the type that is told, in words, is wrong for {wrong}. As:\n\n",
        named.len(),
        judged.len()
    );
    for ((is, said), count) in as_what {
        writeln!(text, "- {is} as {said}: {count}")?;
    }
    Ok(text)
}

/// What it costs to ask that a device be nearer to the examples before its class is named.
fn nearness(deals: &[Vec<Judged>], unseen: &[Judged]) -> Result<String> {
    let mut text = format!(
        "How near a device must be, in parts of what its class asks for ({LABEL_NEARNESS} is used): not named and right of the named, \
         by deal, and products that the model never saw with a label all the same, of {}.\n\n\
         | nearness | not named | right of the named | strangers with a label |\n| --- | --- | --- | --- |\n",
        unseen.len()
    );
    for parts in [1.0, 1.1, 1.2, 1.3, 1.4] {
        let (mut open, mut sure) = (Vec::new(), Vec::new());
        for judged in deals {
            let named = || judged.iter().filter(|one| is_near(one, parts));
            open.push(format!("{:.1} %", 100.0 - share(judged.iter(), |one| is_near(one, parts)) * 100.0));
            sure.push(format!("{:.4}", right(named())));
        }
        let strangers = unseen.iter().filter(|one| is_near(one, parts)).count();
        writeln!(text, "| {parts:.1} | {} | {} | {strangers} |", open.join(", "), sure.join(", "))?;
    }
    Ok(text)
}

fn is_named(one: &Judged) -> bool {
    is_near(one, LABEL_NEARNESS)
}

/// Sure enough to be named, and so many times as near as its class asks for.
fn is_near(one: &Judged, parts: f64) -> bool {
    one.confidence >= LABEL_MIN && one.nearness >= one.nearness_min * parts
}

/// Hardware that is near-identical: the same radio module, or one camera under two names.
const PAIRS: [&str; 4] = ["SmarterCoffee", "iKettle2", "EdnetCam1", "EdnetCam2"];

fn is_of_pair(label: &str) -> bool {
    PAIRS.contains(&label)
}

/// Whether the type that is told of a device that is named is that of its class, or its category.
fn is_type_right(one: &Judged, fingerprint: &Fingerprint) -> bool {
    let told = fingerprint.told_type(&one.guess, one.nearness, one.nearness_min);
    ["type", "category"].into_iter().any(|key| words(&one.label, key).is_some_and(|word| word == told))
}

/// What the built-in words for classes say of one.
fn words(class: &str, key: &str) -> Option<&'static str> {
    let of_class = include_str!("../data/classes.toml")
        .split("\n[")
        .find_map(|part| part.strip_prefix(class)?.strip_prefix(']'))?;
    of_class.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"'))
}

fn right<'a>(judged: impl Iterator<Item = &'a Judged>) -> f64 {
    share(judged, |one| one.label == one.guess)
}

fn share<'a>(judged: impl Iterator<Item = &'a Judged>, holds: impl Fn(&Judged) -> bool) -> f64 {
    let (count, right) =
        judged.fold((0u32, 0u32), |(all, right), one| (all + 1, right + u32::from(holds(one))));
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

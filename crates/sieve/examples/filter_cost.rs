//! What filters cost in the running kernel, as a Markdown table: `cargo xtask bench filter` runs this.
//!
//! `filter_cost [RULES [TREE]]`: with a file of rules, or `builtin`, what the whole set costs; with a folder, how many of the blocks of
//! its files the rules let through, and how many of the others some rule matches all the same: none may.

use kernscope_kit::compile::rules::{Pattern, Rule, Rules};
use kernscope_kit::compile::{
    ByteSet, Compiled, Content, Filter, Host, LoopShape, Options, Regex, Target, compile,
};
use kernscope_kit::load::{Loaded, TestRun};
use kernscope_kit::probe;
use kernscope_sieve::rules::RuleSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Bytes of a frame: the most that a test run takes on every kernel.
const FRAME_BYTES: usize = 3_500;
/// Runs in one call, of which the kernel tells the mean.
const REPEAT: u32 = 1_000;
/// Calls, of which the median counts, and calls before those: tables that were just written are not in the caches yet.
const CALLS: usize = 31;
const WARM_UP: usize = 15;
/// Rules that are named, those that let most through of so many blocks.
const MOST_OF_RULES: usize = 12;
const BLOCKS_OF_RULES: usize = 1_000;
/// Blocks of a tree that are judged at most.
const BLOCKS: usize = 50_000;

fn main() {
    let data = [("text", text()), ("random", random())];
    println!(
        "| filter | target, loop | text, ns/B | random, ns/B | verified | tables, B | compile, ms | load, ms |"
    );
    println!("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    let mut args = std::env::args().skip(1);
    let (rules, tree) = (args.next(), args.next());
    let mut set = None;
    let mut filters = filters();
    if let Some(path) = rules {
        let begun = Instant::now();
        let rules = match path.as_str() {
            "builtin" => RuleSet::builtin().conditions(),
            path => RuleSet::read(Path::new(path)).expect("the file of rules is read").conditions(),
        };
        let read_ms = begun.elapsed().as_secs_f64() * 1e3;
        let content = rules.content();
        let all_ms = begun.elapsed().as_secs_f64() * 1e3;
        println!("| (rules read: {read_ms:.1} ms, and planned) | | | | | | {all_ms:.1} | |");
        filters.push(("rule set", content.clone()));
        set = Some((rules, content));
    }
    for (name, content) in &filters {
        for target in [Target::Xdp, Target::Tc, Target::Socket] {
            row(name, content, target, Host::running(), &data);
        }
        for shape in LoopShape::ALL {
            if shape != Host::running().shape && probe::loop_shape(shape).is_yes() {
                row(name, content, Target::Xdp, Host::running_with(shape), &data);
            }
        }
    }
    if let (Some((rules, content)), Some(tree)) = (set, tree) {
        hits(&rules, &content, Path::new(&tree));
    }
}

/// A filter in the kernel, and the milliseconds that it took to make and to load.
fn load(content: &Content, target: Target, host: Host) -> Result<(Compiled, Loaded, [f64; 2]), String> {
    let begun = Instant::now();
    let compiled = compile(&Filter::content(content.clone()), &Options::new(target, host));
    let compiled = compiled.map_err(|error| error.to_string())?;
    let compile_ms = begun.elapsed().as_secs_f64() * 1e3;
    let begun = Instant::now();
    let loaded = Loaded::load(&compiled.program).map_err(|error| error.to_string())?;
    Ok((compiled, loaded, [compile_ms, begun.elapsed().as_secs_f64() * 1e3]))
}

fn row(name: &str, content: &Content, target: Target, host: Host, data: &[(&str, Vec<u8>)]) {
    let (compiled, loaded, [compile_ms, load_ms]) = match load(content, target, host) {
        Ok(loaded) => loaded,
        Err(error) => return println!("| {name} | {target:?}, {:?} | {error} | | | | | |", host.shape),
    };
    let costs = data.iter().map(|(_, data)| {
        let data = &data[..data.len().min(compiled.limit_bytes() as usize)];
        let said = loaded.test_run(&TestRun { data, ..TestRun::default() }).map_or(0, |result| result.retval);
        let hit = if target.is_match(said, compiled.options().on_match) { " (match)" } else { "" };
        cost(&loaded, data).map_or("-".to_owned(), |ns| format!("{:.3}{hit}", ns / data.len() as f64))
    });
    println!(
        "| {name} | {target:?}, {:?} | {} | {} | {} | {compile_ms:.1} | {load_ms:.1} |",
        host.shape,
        costs.collect::<Vec<_>>().join(" | "),
        loaded.info().map_or(0, |info| info.verified_insns),
        compiled.table_bytes(),
    );
}

/// Nanoseconds a run.
fn cost(loaded: &Loaded, data: &[u8]) -> Option<f64> {
    let run = TestRun { data, repeat: REPEAT, ..TestRun::default() };
    let mut calls: Vec<u32> = (0..WARM_UP + CALLS)
        .map_while(|_| Some(loaded.test_run(&run).ok()?.duration_ns))
        .skip(WARM_UP)
        .collect();
    calls.sort_unstable();
    calls.get(calls.len() / 2).map(|&ns| f64::from(ns))
}

/// How many blocks of the files of a tree the condition lets through, how many some rule matches, and how many of those
/// are lost.
fn hits(rules: &Rules, content: &Content, tree: &Path) {
    let mut blocks = Vec::new();
    collect(tree, &mut blocks);
    let (compiled, loaded, _) = load(content, Target::Xdp, Host::running()).expect("it was loaded before");
    let expressions: Vec<_> = rules.rules.iter().filter_map(expression).collect();
    let (mut hits, mut matches, mut lost) = (0, 0, 0);
    let mut all_ns = [0; 2];
    for block in &blocks {
        let lower = block.to_ascii_lowercase();
        let has = |word: &Vec<u8>| memchr::memmem::find(&lower, word).is_some();
        let is_match = expressions
            .iter()
            .any(|(words, regex)| (words.is_empty() || words.iter().any(has)) && regex.is_match(block));
        let (is_hit, ns) = judged(&compiled, &loaded, block);
        all_ns[usize::from(is_hit)] += u64::from(ns);
        (hits, matches) = (hits + usize::from(is_hit), matches + usize::from(is_match));
        lost += usize::from(is_match && !is_hit);
    }
    let percent = |count: usize| 100.0 * count as f64 / blocks.len().max(1) as f64;
    let name = tree.display();
    println!(
        "\n| {} rules, {} blocks of {FRAME_BYTES} bytes of `{name}` | |",
        expressions.len(),
        blocks.len()
    );
    println!("| --- | ---: |\n| let through | {:.2} % |", percent(hits));
    println!("| matched by a rule | {:.2} % |\n| lost | {lost} |", percent(matches));
    // Each block once, one after the other: the tables are in the caches as far as this data keeps them there.
    let ns = |ns: u64, count: usize| ns as f64 / (count * FRAME_BYTES).max(1) as f64;
    println!("| ns/B of a block that is not let through | {:.2} |", ns(all_ns[0], blocks.len() - hits));
    println!("| ns/B of one that is, up to what lets it through | {:.2} |", ns(all_ns[1], hits));
    let mut of_rules: Vec<(usize, &str)> = Vec::new();
    let every = blocks.len().div_ceil(BLOCKS_OF_RULES).max(1);
    let some: Vec<&Vec<u8>> = blocks.iter().step_by(every).collect();
    for (name, content) in rules.conditions() {
        let (compiled, loaded, _) = load(&content, Target::Xdp, Host::running()).expect("one of all");
        let count = some.iter().filter(|block| judged(&compiled, &loaded, block).0).count();
        of_rules.push((count, name));
    }
    of_rules.sort_unstable_by(|a, b| b.cmp(a));
    for (count, name) in of_rules.iter().take(MOST_OF_RULES) {
        println!("| let through by `{name}` | {:.2} % |", 100.0 * *count as f64 / some.len().max(1) as f64);
    }
}

/// Whether the program lets a block through, and how many nanoseconds it took.
fn judged(compiled: &Compiled, loaded: &Loaded, data: &[u8]) -> (bool, u32) {
    let Ok(said) = loaded.test_run(&TestRun { data, ..TestRun::default() }) else { return (false, 0) };
    (compiled.options().target.is_match(said.retval, compiled.options().on_match), said.duration_ns)
}

/// The keywords and the expression of a rule; none where it has no expression, or not one of the `regex` crate's.
fn expression(rule: &Rule) -> Option<(Vec<Vec<u8>>, regex::bytes::Regex)> {
    let Pattern::Regex(pattern) = &rule.pattern else { return None };
    let regex = regex::bytes::RegexBuilder::new(pattern).size_limit(200 << 20).build().ok()?;
    let keywords = rule.keywords.iter().map(|word| word.to_ascii_lowercase());
    Some((keywords.collect(), regex))
}

/// Whole blocks of the files below a folder.
fn collect(dir: &Path, blocks: &mut Vec<Vec<u8>>) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        if blocks.len() >= BLOCKS {
            return;
        }
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => collect(&entry.path(), blocks),
            Ok(kind) if kind.is_file() => {
                let data = std::fs::read(entry.path()).unwrap_or_default();
                blocks.extend(data.chunks_exact(FRAME_BYTES).map(<[u8]>::to_vec));
            }
            _ => {}
        }
    }
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
    let literals = |count, fold| Content::Literals { list: words(count), fold };
    let thresholds = |counts: &[(u8, u32)]| Content::Thresholds { counts: counts.to_vec(), window: 64 };
    vec![
        ("nothing: the copy alone", Content::Any(vec![])),
        ("literal, 3 bytes", Content::literal("xQz")),
        ("literal, 8 bytes", Content::literal("passw0rd")),
        ("literal, 21 bytes", Content::literal("BEGIN RSA PRIVATE KEY")),
        ("literal, 10 bytes, any case", Content::Literal { bytes: b"x-api-key:".to_vec(), fold: true }),
        ("176 literals", literals(176, false)),
        ("176 literals, any case", literals(176, true)),
        ("5,000 literals", literals(5000, false)),
        ("run of 64 of `[A-Za-z0-9_-]`", Content::ClassRun { class: token, min: 64 }),
        ("counts, rare: `q>=3,Z>=2;window=64`", thresholds(&[(b'q', 3), (b'Z', 2)])),
        ("counts, common: `a>=30,b>=10;window=64`", thresholds(&[(b'a', 30), (b'b', 10)])),
        ("counts, the rarest met: `e>=20,t>=4;window=64`", thresholds(&[(b'e', 20), (b't', 4)])),
        ("`ghp_[0-9a-zA-Z]{36}`", regex("ghp_[0-9a-zA-Z]{36}")),
        ("`[a-z]+@[a-z]+\\.(com\\|onion)$`, no rare literal", regex("(?-u)[a-z]+@[a-z]+\\.(com|onion)$")),
    ]
}

/// The sources of the compiler, from a place without long runs of comments.
fn text() -> Vec<u8> {
    let sources = concat!(
        include_str!("../../kit/src/compile/emit/drive.rs"),
        include_str!("../../kit/src/compile/sieve.rs")
    );
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

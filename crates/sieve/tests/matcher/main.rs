//! The matcher finds exactly what each expression alone finds, wherever it is and however the data is cut into pieces.

mod conditions;
#[path = "../support/random.rs"]
mod random;
mod sample;

use kernscope_sieve::matcher::{Located, Matcher, OVERLAP_BYTES, Place, Stream};
use kernscope_sieve::rules::{Rule, RuleSet};
use random::Random;
use regex::bytes::Regex;
use sample::sample;
use std::ops::Range;
use std::path::PathBuf;

/// gitleaks' rules, if they are here.
fn gitleaks() -> Option<RuleSet> {
    let data =
        std::env::var_os("KERNSCOPE_DATA").map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(data).join("rules/gitleaks.toml");
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(RuleSet::parse(&text).expect("gitleaks' own file is read")),
        Err(error) => {
            eprintln!("skipped: rules/gitleaks.toml: {error}");
            None
        }
    }
}

/// The rule, and nothing else; its keywords are in the data or not as chance has it, so they are left out.
fn alone(rule: &Rule) -> RuleSet {
    let rule = Rule { keywords: Vec::new(), ..rule.clone() };
    RuleSet { rules: vec![rule], ..RuleSet::default() }
}

/// What the `regex` crate makes of an expression.
fn regex(text: &str) -> Regex {
    let built = regex::bytes::RegexBuilder::new(text).size_limit(200 << 20).build();
    built.expect("the regex crate reads it")
}

/// Texts between matches: what rules look around at, the beginnings of keywords, bytes beyond ASCII.
const BETWEEN: [&[u8]; 12] = [
    b"\n",
    b" ",
    b"\"",
    b"';",
    b"x",
    b"_",
    b"=",
    "é".as_bytes(),
    b"\xff",
    b"key: ",
    b"token=",
    b"\r\n  api_key => '",
];

/// Data with matches of a rule, some of them broken.
fn around(rule: &Rule, random: &mut Random, at: usize) -> Vec<u8> {
    let hir = rule.pattern.expression().expect("it has one").hir();
    let mut data = vec![b' '; at];
    for _ in 0..random.within(1, 4) {
        (0..random.below(4)).for_each(|_| data.extend_from_slice(random.pick(&BETWEEN)));
        let from = data.len();
        sample(hir, random, &mut data);
        if random.below(4) == 0 && data.len() > from {
            let broken = from + random.below(data.len() - from);
            data[broken] = random.below(256) as u8;
        }
    }
    (0..random.below(3)).for_each(|_| data.extend_from_slice(random.pick(&BETWEEN)));
    data
}

/// Every rule at every distance from a multiple of 64; how many matches there were.
fn every_alignment(set: &RuleSet) -> usize {
    let mut random = Random(64);
    let mut matches = 0;
    // In an unoptimised build it is the `regex` crate that takes minutes: a part of the distances with a part of the rules.
    let (every, step) = if cfg!(debug_assertions) { (9, 13) } else { (1, 1) };
    for (number, rule) in set.rules.iter().enumerate().step_by(every) {
        let Some(expression) = rule.pattern.expression() else { continue };
        let regex = regex(expression.text());
        let matcher = Matcher::new(alone(rule));
        let mut scratch = matcher.scratch();
        for at in (number % step..64).step_by(step) {
            let data = around(rule, &mut random, at);
            let found: Vec<Range<usize>> =
                matcher.spans(&data, &mut scratch).into_iter().map(|(_, span)| span).collect();
            let right: Vec<Range<usize>> = regex.find_iter(&data).map(|found| found.range()).collect();
            assert_eq!(found, right, "{}: {}", rule.id, data.escape_ascii());
            matches += right.len();
        }
    }
    matches
}

#[test]
fn gitleaks_rules_find_what_their_expressions_find() {
    let Some(set) = gitleaks() else { return };
    let matches = every_alignment(&set);
    assert!(matches > 100, "{matches} matches only");
}

#[test]
fn built_in_rules_find_what_their_expressions_find() {
    let matches = every_alignment(&RuleSet::builtin());
    assert!(matches > 200, "{matches} matches only");
}

/// Feeds the data in pieces of these sizes.
fn in_pieces(matcher: &Matcher, data: &[u8], mut size: impl FnMut() -> usize) -> Vec<Located> {
    let mut scratch = matcher.scratch();
    let mut stream = Stream::new(matcher, Place::default(), &mut scratch);
    let (mut start, mut end) = (0, 0);
    let mut found = Vec::new();
    while end < data.len() {
        end = data.len().min(end + size());
        start += stream.piece(&data[start..end], end == data.len(), &mut scratch);
        found.extend(stream.settled(&scratch));
    }
    found.extend(stream.finish(&scratch));
    found.sort_by_key(|one| (one.start, one.end, one.rule));
    found
}

/// Matches of all rules lie around the places where a piece ends being decided, a few bytes apart from round to round.
fn every_boundary(set: RuleSet, rounds: usize) {
    let matcher = Matcher::new(set);
    let mut random = Random(7);
    let mut matches = 0;
    let hirs: Vec<_> =
        matcher.rules().iter().filter_map(|rule| Some(rule.pattern.expression()?.hir().clone())).collect();
    for round in 0..rounds {
        let first = 2 * OVERLAP_BYTES + random.below(512);
        let before = first - OVERLAP_BYTES - random.below(2000);
        let mut data = random.bytes(b".,; \n", before);
        for _ in 0..40 {
            data.extend_from_slice(b"\nkey = \"");
            sample(&hirs[random.below(hirs.len())], &mut random, &mut data);
            data.extend_from_slice(b"\";");
        }
        data.resize(2 * first + random.below(999), b'.');
        let whole = matcher.find(&data, &Place::default(), &mut matcher.scratch());
        let found = in_pieces(&matcher, &data, || first);
        let differs = |a: &[Located], b: &[Located]| -> Vec<String> {
            let own = a.iter().filter(|one| !b.contains(one));
            own.map(|one| format!("{} {}..{}", matcher.rules()[one.rule].id, one.start, one.end)).collect()
        };
        let (lost, made) = (differs(&whole, &found), differs(&found, &whole));
        assert!(
            lost.is_empty() && made.is_empty(),
            "round {round}, pieces of {first}: lost {lost:?}, made {made:?}"
        );
        assert_eq!(found.len(), whole.len(), "round {round}: something is told twice");
        matches += whole.len();
    }
    assert!(matches > 5 * rounds, "{matches} matches only");
}

#[test]
fn pieces_find_what_the_whole_does() {
    let rounds = if cfg!(debug_assertions) { 2 } else { 12 };
    every_boundary(RuleSet::builtin(), rounds);
    if let Some(set) = gitleaks() {
        every_boundary(set, rounds);
    }
}

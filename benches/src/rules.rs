//! A rule set: what is looked for before any expression is tried, beside other ways to look for it.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt as _;

use aho_corasick::AhoCorasick;
use kernscope_kit::compile::required_literals;
use kernscope_sieve::Level;
use kernscope_sieve::matcher::{Matcher, Place};
use kernscope_sieve::prefilter::Prefilter;
use kernscope_sieve::rules::RuleSet;
use regex_automata::meta::Regex;
use regex_automata::nfa::thompson::WhichCaptures;

use crate::corpus::Corpus;
use crate::timing::{self, Row, measure};

/// What blocks are judged by.
const BLOCK_BYTES: usize = 4096;
/// Bytes that the slow peers are given.
const PEER_BYTES: usize = 4 << 20;
/// Most memory for an automaton of everything before it is determinised.
const NFA_BYTES: usize = 1 << 30;
/// Memory for the states that are kept.
const CACHE_BYTES: usize = 256 << 20;

/// Prints the tables of a rule set.
pub(crate) fn tables(name: &str, set: RuleSet, corpus: &Corpus, rounds: usize) -> anyhow::Result<()> {
    let data = &corpus.bytes[..];
    let part = &data[..data.len().min(PEER_BYTES)];
    let literals = literals(&set);
    let all = everything(&set, part);
    let matcher = Matcher::new(set);
    let whole =
        [rejecting(&matcher, data, rounds), matched(&matcher, data), finding(&matcher, corpus, rounds), all];
    timing::print(&format!("{} rules of {name}", matcher.rules().len()), &whole);
    let mut found: Vec<Row> =
        Level::all().into_iter().map(|level| prefilter(&literals, level, data, rounds)).collect();
    found.push(aho_corasick(&literals, data, rounds)?);
    found.push(memchr(&literals, part));
    timing::print(&format!("{} literals that these rules cannot do without", literals.len()), &found);
    Ok(())
}

/// Lower-case literals of which each expression needs one, for those that have some.
fn literals(set: &RuleSet) -> BTreeSet<Vec<u8>> {
    let expressions = set.rules.iter().filter_map(|rule| rule.pattern.expression());
    let required = expressions.filter_map(|expression| required_literals(expression.hir()));
    required.flat_map(|required| required.literals).map(|literal| literal.to_ascii_lowercase()).collect()
}

fn rejecting(matcher: &Matcher, data: &[u8], rounds: usize) -> Row {
    let mut scratch = matcher.scratch();
    measure("kernscope, blocks that hold no start of a match", data, rounds, |data| {
        let blocks = data.chunks(BLOCK_BYTES);
        let (all, rejected) =
            (blocks.len(), blocks.filter(|block| matcher.rejects(block, &mut scratch)).count());
        format!("{:.2} % of blocks", 100.0 * rejected as f64 / all as f64)
    })
}

/// What no filter may reject, unless it judges as a rule's entropy and allowlists do.
fn matched(matcher: &Matcher, data: &[u8]) -> Row {
    let mut scratch = matcher.scratch();
    measure("kernscope, blocks in which an expression matches", data, 1, |data| {
        let blocks = data.chunks(BLOCK_BYTES);
        let (all, matched) =
            (blocks.len(), blocks.filter(|block| !matcher.spans(block, &mut scratch).is_empty()).count());
        format!("{:.2} % of blocks", 100.0 * matched as f64 / all as f64)
    })
}

/// What a scan does with files that it has read.
fn finding(matcher: &Matcher, corpus: &Corpus, rounds: usize) -> Row {
    let mut scratch = matcher.scratch();
    measure("kernscope, findings file by file", &corpus.bytes, rounds, |data| {
        let findings = corpus.files.iter().map(|(path, range)| {
            let place = Place { path: path.as_os_str().as_bytes(), commit: None };
            matcher.find(&data[range.clone()], &place, &mut scratch).len()
        });
        format!("{} findings", findings.sum::<usize>())
    })
}

/// One automaton of everything, determinised as it goes. The expressions are arms of one alternation: told apart, each
/// state would carry two places for each of them, which is gigabytes for repetitions of long classes.
fn everything(set: &RuleSet, data: &[u8]) -> Row {
    let name = "regex-automata, one automaton of all";
    let expressions = set.rules.iter().filter_map(|rule| rule.pattern.expression());
    let arms: Vec<String> = expressions.map(|expression| format!("(?:{})", expression.text())).collect();
    let config = Regex::config()
        .which_captures(WhichCaptures::Implicit)
        .nfa_size_limit(Some(NFA_BYTES))
        .hybrid_cache_capacity(CACHE_BYTES);
    let syntax = regex_automata::util::syntax::Config::new().unicode(false).utf8(false);
    match Regex::builder().configure(config).syntax(syntax).build(&arms.join("|")) {
        Ok(regex) => measure(name, data, 1, |data| {
            format!("{} matches, some rules' hidden by others", regex.find_iter(data).count())
        }),
        Err(error) => {
            Row { name: name.to_owned(), speed: f64::NAN, found: format!("not to be had: {error}") }
        }
    }
}

fn prefilter(literals: &BTreeSet<Vec<u8>>, level: Level, data: &[u8], rounds: usize) -> Row {
    let prefilter = Prefilter::new(literals).with_level(level);
    measure(format!("kernscope, {}", level.name()), data, rounds, |data| {
        let mut places = 0;
        prefilter.find(data, &mut |_, _| places += 1);
        format!("{places} places")
    })
}

fn aho_corasick(literals: &BTreeSet<Vec<u8>>, data: &[u8], rounds: usize) -> anyhow::Result<Row> {
    let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(literals)?;
    Ok(measure("aho-corasick", data, rounds, |data| {
        format!("{} places", automaton.find_overlapping_iter(data).count())
    }))
}

/// One literal after the other, in lower case only.
fn memchr(literals: &BTreeSet<Vec<u8>>, data: &[u8]) -> Row {
    let finders: Vec<_> = literals.iter().map(memchr::memmem::Finder::new).collect();
    measure("memchr, a literal after the other", data, 1, |data| {
        let places: usize = finders.iter().map(|finder| finder.find_iter(data).count()).sum();
        format!("{places} places, in lower case")
    })
}

//! Finds what rules match: exactly what each expression alone would find, without trying it on most of the data.
//!
//! One pass looks for literals that matches cannot do without (`heads`). Where one is, an automaton says whether what must
//! follow does (`tail`); where it does, the expression is tried at the few places before it where the match may begin
//! (`engine`). What matches is then judged as gitleaks does: keywords, secret, entropy, allowlists.
//!
//! ```
//! use kernscope_sieve::matcher::{Matcher, Place};
//! use kernscope_sieve::rules::RuleSet;
//!
//! let rules = RuleSet::parse("[[rule]]\nid = 'acme'\nregex = 'acme_([0-9a-f]{8})'")?;
//! let matcher = Matcher::new(rules);
//! let data = b"token = acme_01234567";
//! let found = matcher.find(data, &Place::default(), &mut matcher.scratch());
//! assert_eq!((found[0].start, &found[0].secret[..]), (8, &b"01234567"[..]));
//! # Ok::<(), kernscope_sieve::rules::RulesError>(())
//! ```

mod ascii;
mod engine;
mod entropy;
mod heads;
mod judge;
mod lines;
mod paths;
mod plan;
mod prefer;
mod stream;
mod tail;
mod walk;
mod windows;

pub use entropy::entropy;
pub use stream::{Located, OVERLAP_BYTES, Stream};

use crate::prefilter::Prefilter;
use crate::rules::{Pattern, Rule, RuleSet};
use engine::{Engine, EngineCache, Match};
use lines::Lines;
use plan::Plan;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::OnceLock;
use windows::Windows;

/// A rule set, ready to look at data. Shared between threads; each has a [`Scratch`] of its own.
#[derive(Debug)]
pub struct Matcher {
    set: RuleSet,
    /// By rule; `None` where there is no expression.
    engines: Vec<Option<Engine>>,
    /// Finds what rules begin with, and keywords without which some are not tried.
    finder: Prefilter,
    uses: Vec<Vec<Use>>,
    /// Finds the keywords of all rules that ask for them apart.
    gates: OnceLock<Gates>,
}

/// What it means that a literal is there.
#[derive(Clone, Copy, Debug)]
enum Use {
    /// A match of the rule may be around it; the number of the rule's head.
    Head(usize, usize),
    /// The rule is to be tried.
    Gate(usize),
}

/// A finder of keywords, and whose they are.
#[derive(Debug)]
struct Gates {
    finder: Prefilter,
    uses: Vec<Vec<Use>>,
}

/// Where data is from, as far as rules ask.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place<'a> {
    /// The path, with `/` between names.
    pub path: &'a [u8],
    /// The whole hash of the commit it is in.
    pub commit: Option<&'a str>,
}

/// What a rule found, in a piece of data.
#[derive(Clone, Debug, PartialEq)]
struct Finding {
    rule: usize,
    /// The whole match.
    span: Range<usize>,
    /// The secret in it.
    secret: Range<usize>,
    entropy: f64,
}

/// Memory that is used again from data to data; one a thread.
#[derive(Debug)]
pub struct Scratch {
    windows: Vec<Windows>,
    /// By rule: a keyword has been seen.
    open: Vec<bool>,
    /// By rule: where the next match may begin, in the whole.
    resume: Vec<u64>,
    caches: Vec<EngineCache>,
}

impl Scratch {
    /// Forgets the data that was.
    fn restart(&mut self) {
        self.open.fill(false);
        self.resume.fill(0);
    }
}

/// A part of the data.
#[derive(Clone, Debug)]
struct Piece<'a> {
    data: &'a [u8],
    /// Where in the whole it begins.
    base: u64,
    /// Where in it matches begin that are looked for.
    among: Range<usize>,
    /// Nothing is before it or behind it.
    is_whole: bool,
}

impl Matcher {
    /// Lays out what is looked for. Expressions are compiled later, each when data first asks for it.
    /// Rules of byte counts are not tried; [`RuleSet::for_matching`] refuses them.
    pub fn new(set: RuleSet) -> Self {
        let engines: Vec<Option<Engine>> = set.rules.iter().map(engine).collect();
        let mut literals = Literals::default();
        for (rule, engine) in engines.iter().enumerate() {
            let Some(Plan { heads, gates }) = engine.as_ref().map(|engine| &engine.plan) else { continue };
            for (number, head) in heads.iter().flatten().enumerate() {
                head.cut.literals.iter().for_each(|bytes| literals.add(bytes, Use::Head(rule, number)));
            }
            if heads.is_none() {
                gates.iter().for_each(|gate| literals.add(gate, Use::Gate(rule)));
            }
        }
        let (finder, uses) = literals.finder();
        Self { set, engines, finder, uses, gates: OnceLock::new() }
    }

    /// The rules.
    pub fn rules(&self) -> &[Rule] {
        &self.set.rules
    }

    /// Memory for a thread.
    pub fn scratch(&self) -> Scratch {
        let count = self.engines.len();
        Scratch {
            windows: vec![Windows::default(); count],
            open: vec![false; count],
            resume: vec![0; count],
            caches: (0..count).map(|_| EngineCache::default()).collect(),
        }
    }

    /// Whether everything at this place is excused, whatever the rule: it need not be read.
    pub fn is_excused(&self, place: &Place<'_>) -> bool {
        self.set.allow.iter().any(|list| list.only.is_empty() && list.excuses_place(place.path, place.commit))
    }

    /// What is found in `data`, by start, end and rule. [`Matcher::is_excused`] is for the caller to ask.
    pub fn find(&self, data: &[u8], place: &Place<'_>, scratch: &mut Scratch) -> Vec<Located> {
        let mut stream = Stream::new(self, *place, scratch);
        stream.piece(data, true, scratch);
        stream.finish(scratch)
    }

    /// Rules that ask for a path alone and get it.
    pub fn find_path<'a>(&'a self, place: &'a Place<'_>) -> impl Iterator<Item = usize> + 'a {
        let alone = |(_, rule): &(usize, &Rule)| matches!(rule.pattern, Pattern::Path);
        let rules = self.set.rules.iter().enumerate().filter(alone).map(|(number, _)| number);
        rules.filter(|rule| self.concerns(*rule, place))
    }

    /// What each expression matches in `data`, as `regex::bytes::Regex::find_iter` has it: rule and span, nothing
    /// judged. Rules without any of their keywords in `data` are left out.
    pub fn spans(&self, data: &[u8], scratch: &mut Scratch) -> Vec<(usize, Range<usize>)> {
        let mut spans = Vec::new();
        scratch.restart();
        let piece = Piece { data, base: 0, among: 0..data.len(), is_whole: true };
        let found = &mut |rule, matched: Match| spans.push((rule, matched.span));
        self.matches(&piece, scratch, &mut |_| true, found);
        spans.retain(|(rule, _)| !self.is_shut(*rule, scratch));
        spans
    }

    /// Keywords of a rule of which one must be in the data.
    fn gates(&self, rule: usize) -> &[Vec<u8>] {
        self.engines[rule].as_ref().map_or(&[], |engine| &engine.plan.gates)
    }

    /// Whether none of the rule's keywords has been seen, though it has some.
    fn is_shut(&self, rule: usize, scratch: &Scratch) -> bool {
        !self.gates(rule).is_empty() && !scratch.open[rule]
    }

    /// Whether the rule is to be tried at this place.
    fn concerns(&self, rule: usize, place: &Place<'_>) -> bool {
        let rule = &self.set.rules[rule];
        let global = self.set.allow.iter().filter(|list| !list.only.is_empty() && list.concerns(&rule.id));
        (rule.paths.is_empty() || rule.paths.is_match(place.path))
            && !rule.allow.iter().chain(global).any(|list| list.excuses_place(place.path, place.commit))
    }

    /// Calls `found` with the matches of a piece.
    fn matches(
        &self,
        piece: &Piece<'_>,
        scratch: &mut Scratch,
        wanted: &mut dyn FnMut(usize) -> bool,
        found: &mut dyn FnMut(usize, Match),
    ) {
        scratch.caches.iter_mut().for_each(EngineCache::restart);
        self.find_windows(piece.data, scratch);
        if !piece.is_whole {
            self.open_gates(piece.data, scratch);
        }
        for (rule, engine) in self.engines.iter().enumerate() {
            let Some(engine) = engine else { continue };
            let all = engine.plan.heads.is_none() && !(piece.is_whole && self.is_shut(rule, scratch));
            if !all && scratch.windows[rule].is_empty() {
                continue;
            }
            if wanted(rule) {
                self.search(rule, engine, piece, scratch, found);
            }
            scratch.windows[rule].clear();
        }
    }

    /// Tries one rule.
    fn search(
        &self,
        rule: usize,
        engine: &Engine,
        piece: &Piece<'_>,
        scratch: &mut Scratch,
        found: &mut dyn FnMut(usize, Match),
    ) {
        let decided = scratch.resume[rule].saturating_sub(piece.base) as usize;
        let among = decided.max(piece.among.start)..piece.among.end;
        let (windows, cache) = (&scratch.windows[rule], &mut scratch.caches[rule]);
        let mut any = false;
        let found = &mut |matched| {
            any = true;
            found(rule, matched);
        };
        let resume = match engine.plan.heads {
            Some(_) => engine.search(piece.data, windows, &among, cache, found),
            None => engine.search_all(piece.data, &among, cache, found),
        };
        scratch.resume[rule] = piece.base + resume as u64;
        // Of data that is here as a whole, keywords need be sought only where something was found.
        if any && piece.is_whole && self.is_shut(rule, scratch) {
            scratch.open[rule] = ascii::contains_any(piece.data, self.gates(rule));
        }
    }

    /// Where each rule is to be tried.
    fn find_windows(&self, data: &[u8], scratch: &mut Scratch) {
        self.finder.find(data, &mut |number, at| {
            for used in &self.uses[number] {
                match *used {
                    Use::Gate(rule) => scratch.open[rule] = true,
                    Use::Head(rule, head) => {
                        let Some(engine) = &self.engines[rule] else { continue };
                        if let Some(window) = engine.starts(data, head, at, &mut scratch.caches[rule]) {
                            scratch.windows[rule].add(window);
                        }
                    }
                }
            }
        });
    }

    /// Notes which keywords are in a part of the data.
    fn open_gates(&self, data: &[u8], scratch: &mut Scratch) {
        let gates = self.gates.get_or_init(|| {
            let mut literals = Literals::default();
            for rule in 0..self.engines.len() {
                self.gates(rule).iter().for_each(|gate| literals.add(gate, Use::Gate(rule)));
            }
            let (finder, uses) = literals.finder();
            Gates { finder, uses }
        });
        gates.finder.find(data, &mut |number, _| {
            for used in &gates.uses[number] {
                if let Use::Gate(rule) = *used {
                    scratch.open[rule] = true;
                }
            }
        });
    }
}

/// Literals, each once, and what they mean.
#[derive(Default)]
struct Literals {
    numbers: HashMap<Vec<u8>, usize>,
    uses: Vec<Vec<Use>>,
}

impl Literals {
    fn add(&mut self, bytes: &[u8], used: Use) {
        let next = self.numbers.len();
        let number = *self.numbers.entry(bytes.to_ascii_lowercase()).or_insert(next);
        self.uses.resize(self.uses.len().max(number + 1), Vec::new());
        self.uses[number].push(used);
    }

    fn finder(self) -> (Prefilter, Vec<Vec<Use>>) {
        let mut list = vec![Vec::new(); self.numbers.len()];
        self.numbers.into_iter().for_each(|(bytes, number)| list[number] = bytes);
        (Prefilter::new(list), self.uses)
    }
}

/// A rule with an expression, planned.
fn engine(rule: &Rule) -> Option<Engine> {
    let expression = rule.pattern.expression()?;
    Some(Engine::new(expression.clone(), Plan::of(rule, expression)))
}

#[cfg(test)]
mod tests;

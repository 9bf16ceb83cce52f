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

mod engine;
mod entropy;
mod finder;
mod heads;
mod judge;
mod known;
mod lines;
mod paths;
mod plan;
mod prefer;
mod stream;
mod tail;
mod walk;
mod windows;
mod words;

pub use entropy::entropy;
pub use stream::{Located, OVERLAP_BYTES, Stream};

use crate::parallel;
use crate::rules::{AnyOf, Pattern, Rule, RuleSet};
use engine::{Engine, EngineCache, Match};
use finder::{Finder, Use};
use lines::Lines;
use plan::Plan;
use std::ops::Range;
use std::sync::OnceLock;
use windows::Windows;

/// A rule set, ready to look at data. Shared between threads; each has a [`Scratch`] of its own.
#[derive(Debug)]
pub struct Matcher {
    set: RuleSet,
    /// By rule; `None` where there is no expression.
    engines: Vec<Option<Engine>>,
    /// Finds what the rules begin with that are for any file.
    anywhere: Finder,
    /// The same for those that ask for a path, which few files have; and the paths of all of them.
    placed: Finder,
    paths: AnyOf,
    /// Finds the keywords of all rules that ask for them apart.
    gates: OnceLock<Finder>,
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
    /// Rules that ask for a path may have got it.
    is_placed: bool,
}

impl Matcher {
    /// Lays out what is looked for. Expressions are compiled later, each when data first asks for it.
    /// Rules of byte counts are not tried; [`RuleSet::for_matching`] refuses them.
    pub fn new(set: RuleSet) -> Self {
        let engines = parallel::map(set.rules.len(), |rule| engine(&set.rules[rule]));
        let is_placed = |rule: usize| !set.rules[rule].paths.is_empty();
        let anywhere = Finder::of_starts(planned(&engines).filter(|(rule, _)| !is_placed(*rule)));
        let placed = Finder::of_starts(planned(&engines).filter(|(rule, _)| is_placed(*rule)));
        let paths = planned(&engines).flat_map(|(rule, _)| set.rules[rule].paths.list()).cloned().collect();
        Self { set, engines, anywhere, placed, paths: AnyOf::new(paths), gates: OnceLock::new() }
    }

    /// The rule set.
    pub fn set(&self) -> &RuleSet {
        &self.set
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
        let piece = Piece { data, base: 0, among: 0..data.len(), is_whole: true, is_placed: true };
        let found = &mut |rule, matched: Match| spans.push((rule, matched.span));
        self.matches(&piece, scratch, &mut |_| true, found);
        spans.retain(|(rule, _)| !self.is_shut(*rule, scratch));
        spans
    }

    /// Whether there is nothing in `data`, taken as a whole, wherever it is from: no rule has a place at which to try it,
    /// and those that are tried everywhere match nothing. What is not rejected is for [`Matcher::find`] to say; mostly
    /// nothing matches there either.
    pub fn rejects(&self, data: &[u8], scratch: &mut Scratch) -> bool {
        scratch.restart();
        scratch.caches.iter_mut().for_each(EngineCache::restart);
        self.find_windows(data, true, scratch);
        let mut all = true;
        for (rule, engine) in self.engines.iter().enumerate() {
            all &= scratch.windows[rule].is_empty();
            scratch.windows[rule].clear();
            if let Some(engine) = engine
                && engine.plan.heads.is_none()
                && all
                && !self.is_shut(rule, scratch)
            {
                engine.search_all(data, &(0..data.len()), &mut scratch.caches[rule], &mut |_| all = false);
            }
        }
        all
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
        self.find_windows(piece.data, piece.is_placed, scratch);
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
            scratch.open[rule] = words::contains_any(piece.data, self.gates(rule));
        }
    }

    /// Where each rule is to be tried.
    fn find_windows(&self, data: &[u8], is_placed: bool, scratch: &mut Scratch) {
        let met = &mut |used, at| match used {
            Use::Gate(rule) => scratch.open[rule] = true,
            Use::Head(rule, head) => {
                let Some(engine) = &self.engines[rule] else { return };
                if let Some(window) = engine.starts(data, head, at, &mut scratch.caches[rule]) {
                    scratch.windows[rule].add(window);
                }
            }
        };
        self.anywhere.find(data, met);
        if is_placed {
            self.placed.find(data, met);
        }
    }

    /// Notes which keywords are in a part of the data.
    fn open_gates(&self, data: &[u8], scratch: &mut Scratch) {
        let gates = self.gates.get_or_init(|| Finder::of_gates(planned(&self.engines)));
        gates.find(data, &mut |used, _| {
            if let Use::Gate(rule) = used {
                scratch.open[rule] = true;
            }
        });
    }
}

/// A rule with an expression, planned.
fn engine(rule: &Rule) -> Option<Engine> {
    let expression = rule.pattern.expression()?;
    let plan = known::plan(rule, expression).unwrap_or_else(|| Plan::of(rule, expression));
    Some(Engine::new(expression.clone(), plan))
}

/// The rules that have an expression.
fn planned(engines: &[Option<Engine>]) -> impl Iterator<Item = (usize, &Engine)> {
    engines.iter().enumerate().filter_map(|(rule, engine)| Some((rule, engine.as_ref()?)))
}

#[cfg(test)]
mod tests;

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
mod scratch;
mod stream;
mod tail;
mod walk;
mod windows;
mod words;

pub use entropy::entropy;
pub use scratch::Scratch;
pub use stream::{Located, OVERLAP_BYTES, Stream};

use crate::parallel;
use crate::rules::{AnyOf, Pattern, Rule, RuleSet};
use engine::{Engine, Match};
use finder::{Finder, Use};
use lines::Lines;
use plan::Plan;
use std::ops::Range;
use std::sync::OnceLock;

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
    /// Rules that begin with nothing, and so are tried everywhere; rules that ask for a path alone. Short lists: to go through
    /// all rules takes as long as to search a short file.
    everywhere: Vec<usize>,
    by_path: Vec<usize>,
    /// Finds the keywords of those that are tried everywhere, and how long the longest is.
    ahead: OnceLock<(Finder, usize)>,
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
    /// It is known of all the data which keywords are in it, as far as rules are tried everywhere.
    is_looked_ahead: bool,
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
        let has_no_head = |(_, engine): &(usize, &Engine)| engine.plan.heads.is_none();
        let everywhere = planned(&engines).filter(has_no_head).map(|(rule, _)| rule).collect();
        let alone = |rule: &usize| matches!(set.rules[*rule].pattern, Pattern::Path);
        let by_path = (0..set.rules.len()).filter(alone).collect();
        let (paths, gates) = (AnyOf::new(paths), OnceLock::new());
        Self { set, engines, anywhere, placed, paths, gates, everywhere, by_path, ahead: OnceLock::new() }
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
        Scratch::new(self.engines.len())
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
        self.by_path.iter().copied().filter(|rule| self.concerns(*rule, place))
    }

    /// What each expression matches in `data`, as `regex::bytes::Regex::find_iter` has it: rule and span, nothing
    /// judged. Rules without any of their keywords in `data` are left out.
    pub fn spans(&self, data: &[u8], scratch: &mut Scratch) -> Vec<(usize, Range<usize>)> {
        let mut spans = Vec::new();
        scratch.restart();
        let piece = Piece {
            data,
            base: 0,
            among: 0..data.len(),
            is_whole: true,
            is_looked_ahead: false,
            is_placed: true,
        };
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
        self.find_windows(data, true, scratch);
        let met = scratch.take_met(&self.everywhere);
        let mut all = met.iter().all(|rule| scratch.windows[*rule].is_empty());
        for rule in &self.everywhere {
            if let Some(engine) = &self.engines[*rule]
                && all
                && !self.is_shut(*rule, scratch)
            {
                engine.search_all(data, &(0..data.len()), &mut scratch.caches[*rule], &mut |_| all = false);
            }
        }
        scratch.leave(met);
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
        self.find_windows(piece.data, piece.is_placed, scratch);
        if !piece.is_whole {
            self.open_gates(piece.data, scratch);
        }
        let met = scratch.take_met(&self.everywhere);
        for &rule in &met {
            let Some(engine) = &self.engines[rule] else { continue };
            let is_known = piece.is_whole || piece.is_looked_ahead;
            let all = engine.plan.heads.is_none() && !(is_known && self.is_shut(rule, scratch));
            if !all && scratch.windows[rule].is_empty() {
                continue;
            }
            if wanted(rule) {
                self.search(rule, engine, piece, scratch, found);
            }
        }
        scratch.leave(met);
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
                scratch.meet(rule);
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

    /// Finds the keywords of rules that are tried everywhere, and has the length of the longest.
    fn ahead(&self) -> &(Finder, usize) {
        self.ahead.get_or_init(|| {
            let rules =
                || self.everywhere.iter().filter_map(|&rule| Some((rule, self.engines[rule].as_ref()?)));
            let longest = rules().flat_map(|(_, engine)| &engine.plan.gates).map(Vec::len).max();
            (Finder::of_gates(rules()), longest.unwrap_or(0))
        })
    }

    /// Notes which keywords are in a part of the data.
    fn open_gates(&self, data: &[u8], scratch: &mut Scratch) {
        let gates = self.gates.get_or_init(|| Finder::of_gates(planned(&self.engines)));
        gates.find(data, &mut |used, _| scratch.note(used));
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

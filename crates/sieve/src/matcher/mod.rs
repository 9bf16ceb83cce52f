//! Finds what rules match: exactly what each expression alone would find, without trying it on most of the data.
//!
//! One pass looks for the literals that matches cannot do without. Around each, an expression is tried on as many bytes as a
//! match of it can have (`windows`); rules whose matches may be of any length are tried from there on. What matches is
//! then judged as gitleaks does: keywords, secret, entropy, allowlists.
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
mod finder;
mod judge;
mod lines;
mod plan;
mod stream;
mod windows;

pub use entropy::entropy;
pub use stream::{Located, OVERLAP_BYTES, Stream};

use crate::rules::{Pattern, Rule, RuleSet};
use engine::{Engine, EngineCache, Match};
use finder::{Automaton, Finder};
use lines::Lines;
use plan::Plan;
use std::collections::HashMap;
use std::ops::Range;
use windows::Windows;

/// A rule set, ready to look at data. Shared between threads; each has a [`Scratch`] of its own.
#[derive(Debug)]
pub struct Matcher {
    set: RuleSet,
    slots: Vec<Option<Slot>>,
    finder: Box<dyn Finder>,
    /// By number of a literal: where it is used.
    uses: Vec<Vec<Use>>,
}

/// A rule with an expression.
#[derive(Debug)]
struct Slot {
    engine: Engine,
    plan: Plan,
}

/// What it means that a literal is there.
#[derive(Clone, Debug)]
struct Use {
    rule: usize,
    role: Role,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Role {
    /// A match may be around it.
    Anchor,
    /// The same, where it is written exactly so.
    Exact(Vec<u8>),
    /// The rule is to be tried at all.
    Gate,
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

impl Matcher {
    /// Lays out what is looked for. Expressions are compiled later, each when data first asks for it.
    /// Rules of byte counts are not tried; [`RuleSet::for_matching`] refuses them.
    pub fn new(set: RuleSet) -> Self {
        let slots: Vec<Option<Slot>> = set.rules.iter().map(slot).collect();
        let mut numbers = HashMap::<Vec<u8>, usize>::new();
        let mut uses = Vec::<Vec<Use>>::new();
        let mut add = |bytes: &[u8], used: Use| {
            let next = numbers.len();
            let number = *numbers.entry(bytes.to_ascii_lowercase()).or_insert(next);
            uses.resize(uses.len().max(number + 1), Vec::new());
            uses[number].push(used);
        };
        for (rule, slot) in slots.iter().enumerate() {
            let Some(Slot { plan, .. }) = slot else { continue };
            for anchor in plan.anchors.iter().flatten() {
                let role = if anchor.fold { Role::Anchor } else { Role::Exact(anchor.bytes.clone()) };
                add(&anchor.bytes, Use { rule, role });
            }
            plan.gates.iter().for_each(|gate| add(gate, Use { rule, role: Role::Gate }));
        }
        let mut literals = vec![Vec::new(); numbers.len()];
        numbers.into_iter().for_each(|(bytes, number)| literals[number] = bytes);
        let finder = Box::new(Automaton::new(&literals));
        Self { set, slots, finder, uses }
    }

    /// The rules.
    pub fn rules(&self) -> &[Rule] {
        &self.set.rules
    }

    /// Memory for a thread.
    pub fn scratch(&self) -> Scratch {
        let count = self.slots.len();
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
        let found = &mut |rule, matched: Match| spans.push((rule, matched.span));
        self.matches(data, 0, 0..data.len(), scratch, &mut |_| true, found);
        spans.retain(|(rule, _)| !self.is_shut(*rule, scratch));
        spans
    }

    /// Whether none of the rule's keywords has been seen, though it has some.
    fn is_shut(&self, rule: usize, scratch: &Scratch) -> bool {
        let gated = self.slots[rule].as_ref().is_some_and(|slot| !slot.plan.gates.is_empty());
        gated && !scratch.open[rule]
    }

    /// Whether the rule is to be tried at this place.
    fn concerns(&self, rule: usize, place: &Place<'_>) -> bool {
        let rule = &self.set.rules[rule];
        let global = self.set.allow.iter().filter(|list| !list.only.is_empty() && list.concerns(&rule.id));
        (rule.paths.is_empty() || rule.paths.is_match(place.path))
            && !rule.allow.iter().chain(global).any(|list| list.excuses_place(place.path, place.commit))
    }

    /// Calls `found` with the matches that begin in `among`; `data` begins `base` bytes into the whole.
    fn matches(
        &self,
        data: &[u8],
        base: u64,
        among: Range<usize>,
        scratch: &mut Scratch,
        wanted: &mut dyn FnMut(usize) -> bool,
        found: &mut dyn FnMut(usize, Match),
    ) {
        self.find_windows(data, scratch);
        for (rule, slot) in self.slots.iter().enumerate() {
            let windows = &mut scratch.windows[rule];
            let Some(slot) = slot else { continue };
            if slot.plan.anchors.is_none() && !data.is_empty() {
                windows.add(0..data.len());
            }
            if windows.is_empty() {
                continue;
            }
            if wanted(rule) {
                let decided = scratch.resume[rule].saturating_sub(base) as usize;
                let mut span = decided.max(among.start)..among.end;
                let cache = &mut scratch.caches[rule];
                for window in windows.iter() {
                    span.start =
                        slot.engine.search(data, window, &span, cache, &mut |matched| found(rule, matched));
                }
                scratch.resume[rule] = base + span.start as u64;
            }
            windows.clear();
        }
    }

    /// Where each rule is to be tried.
    fn find_windows(&self, data: &[u8], scratch: &mut Scratch) {
        self.finder.find(data, &mut |number, at| {
            for used in &self.uses[number] {
                let fits = match &used.role {
                    Role::Gate => {
                        scratch.open[used.rule] = true;
                        continue;
                    }
                    Role::Anchor => true,
                    Role::Exact(bytes) => data[at.clone()] == bytes[..],
                };
                if let (true, Some(slot)) = (fits, &self.slots[used.rule]) {
                    scratch.windows[used.rule].add(slot.plan.reach.around(at.start, at.end, data.len()));
                }
            }
        });
    }
}

/// A rule with an expression, planned.
fn slot(rule: &Rule) -> Option<Slot> {
    let expression = rule.pattern.expression()?;
    Some(Slot { engine: Engine::new(expression.clone()), plan: Plan::of(rule, expression) })
}

#[cfg(test)]
mod tests;

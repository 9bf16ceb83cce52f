//! One expression, compiled when the first data asks for it.
//!
//! Where a match may begin is known to a few bytes, from a literal that was found and what follows it. There, an automaton
//! for ASCII is tried byte by byte: the first place where it matches is where a search would find the match. Where it
//! meets other bytes, or the way was long for nothing, the library's own engines search on.

use super::heads::Before;
use super::plan::{self, Plan};
use super::tail::{self, Tail};
use super::walk::{Here, Walk};
use super::windows::Windows;
use crate::rules::{Expression, ascii, compile};
use regex_automata::hybrid::dfa;
use regex_automata::meta::{Cache, Regex};
use regex_automata::{Anchored, Input};
use std::ops::Range;
use std::sync::OnceLock;

/// Bytes at either end of a stretch that look-around may read: one character.
const CONTEXT_BYTES: usize = 4;
/// Steps for each byte of data after which trying places is given up for searching: time stays in proportion to data.
const STEPS_PER_BYTE: usize = 8;
/// Steps that are always free.
const FREE_STEPS: usize = 1 << 16;

/// An expression, and the automata that were made of it.
#[derive(Debug)]
pub(super) struct Engine {
    expression: Expression,
    pub(super) plan: Plan,
    tails: Vec<OnceLock<Option<Tail>>>,
    walk: OnceLock<Option<Walk>>,
    ascii: OnceLock<Regex>,
    full: OnceLock<Regex>,
    /// Finds at least what the expression does, at the same speed in any data.
    loose: OnceLock<Regex>,
}

/// What searching needs beside the automata; one a thread.
#[derive(Debug, Default)]
pub(super) struct EngineCache {
    tails: Vec<Option<dfa::Cache>>,
    walk: Option<dfa::Cache>,
    ascii: Option<Cache>,
    full: Option<Cache>,
    loose: Option<Cache>,
    /// Bytes that were looked at in this data.
    steps: usize,
}

/// A match, and which groups took part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) span: Range<usize>,
    pub(super) groups: Vec<Option<Range<usize>>>,
}

impl EngineCache {
    /// For other data.
    pub(super) fn restart(&mut self) {
        self.steps = 0;
    }

    fn is_tired(&self, data: &[u8]) -> bool {
        self.steps > FREE_STEPS + STEPS_PER_BYTE * data.len()
    }
}

impl Engine {
    pub(super) fn new(expression: Expression, plan: Plan) -> Self {
        let heads = plan.heads.as_ref().map_or(0, Vec::len);
        Self {
            expression,
            plan,
            tails: (0..heads).map(|_| OnceLock::new()).collect(),
            walk: OnceLock::new(),
            ascii: OnceLock::new(),
            full: OnceLock::new(),
            loose: OnceLock::new(),
        }
    }

    /// Where a match may begin because a literal of this head is at `at`, if what follows it fits.
    pub(super) fn starts(
        &self,
        data: &[u8],
        head: usize,
        at: usize,
        cache: &mut EngineCache,
    ) -> Option<Range<usize>> {
        let heads = self.plan.heads.as_ref()?;
        let cut = &heads[head].cut;
        let last = at.checked_sub(cut.before.min)?;
        if !cache.is_tired(data) {
            let tail = self.tails[head].get_or_init(|| {
                Tail::after(plan::branches(self.expression.hir())[heads[head].branch], cut.parts)
            });
            cache.tails.resize_with(heads.len(), || None);
            if let Some(tail) = tail {
                let own = cache.tails[head].get_or_insert_with(|| tail.cache());
                if !tail.may_follow(own, data, at, &mut cache.steps) {
                    return None;
                }
            }
        }
        Some(first_start(data, at, &cut.before)..last + 1)
    }

    /// Calls `found` with the matches that begin in `windows` and in `among`, one behind the other, as `find_iter` would.
    /// Where the next search must begin.
    pub(super) fn search(
        &self,
        data: &[u8],
        windows: &Windows,
        among: &Range<usize>,
        cache: &mut EngineCache,
        found: &mut dyn FnMut(Match),
    ) -> usize {
        let mut resume = among.start;
        for window in windows.iter() {
            let mut at = window.start.max(resume);
            let end = window.end.min(among.end);
            while at < end {
                if cache.is_tired(data) {
                    return self.search_all(data, &(at..among.end), cache, found).max(resume);
                }
                let Some(span) = self.first(data, at..end, cache) else { break };
                // Nothing is empty: expressions that match the empty text are not taken.
                (at, resume) = (span.end, span.end);
                found(Match { groups: self.groups(data, &span, cache), span });
            }
        }
        resume
    }

    /// The same wherever a match begins in `among`.
    pub(super) fn search_all(
        &self,
        data: &[u8],
        among: &Range<usize>,
        cache: &mut EngineCache,
        found: &mut dyn FnMut(Match),
    ) -> usize {
        let mut resume = among.start;
        while resume < among.end {
            let Some(span) = self.next(data, resume, cache) else { break };
            if span.start >= among.end {
                break;
            }
            resume = span.end;
            found(Match { groups: self.groups(data, &span, cache), span });
        }
        resume
    }

    /// The first match from `from` on. Beyond ASCII, look-around sends the library to an engine that is fifty times slower:
    /// there, a looser expression says where it is worth being asked.
    fn next(&self, data: &[u8], mut from: usize, cache: &mut EngineCache) -> Option<Range<usize>> {
        let hir = self.expression.hir();
        if !hir.properties().look_set().contains_word_unicode() || data[from..].is_ascii() {
            return self.find(data, from..data.len(), Anchored::No, cache);
        }
        let loose = self.loose.get_or_init(|| compile(std::iter::once(tail::wider(hir))));
        while !cache.is_tired(data) {
            let own = cache.loose.get_or_insert_with(|| loose.create_cache());
            let maybe = loose.search_with(own, &Input::new(data).range(from..))?;
            if let Some(span) = self.find(data, maybe.start()..data.len(), Anchored::Yes, cache) {
                return Some(span);
            }
            let longest = hir.properties().maximum_len().unwrap_or(data.len());
            cache.steps += maybe.len() + longest.min(data.len() - maybe.start());
            from = maybe.start() + 1;
        }
        self.find(data, from..data.len(), Anchored::No, cache)
    }

    /// The first match that begins in `starts`.
    fn first(&self, data: &[u8], starts: Range<usize>, cache: &mut EngineCache) -> Option<Range<usize>> {
        let walk = self.walk.get_or_init(|| Walk::exact(&ascii::only(self.expression.hir()), true)).as_ref();
        let longest = self.expression.hir().properties().maximum_len();
        for at in starts.clone() {
            let here = walk.map_or(Here::Unknown, |walk| {
                walk.at(cache.walk.get_or_insert_with(|| walk.cache()), data, at, false, &mut cache.steps)
            });
            match (here, longest) {
                (Here::Match(end), _) => return Some(at..end),
                (Here::Nothing, _) => {}
                (Here::Unknown, Some(longest)) => {
                    let end = (starts.end + longest).min(data.len());
                    let span = self.find(data, at..end, Anchored::No, cache)?;
                    return (span.start < starts.end).then_some(span);
                }
                (Here::Unknown, None) => {
                    if let Some(span) = self.find(data, at..data.len(), Anchored::Yes, cache) {
                        return Some(span);
                    }
                }
            }
        }
        None
    }

    /// One search by the library.
    fn find(
        &self,
        data: &[u8],
        within: Range<usize>,
        anchored: Anchored,
        cache: &mut EngineCache,
    ) -> Option<Range<usize>> {
        let (regex, cache) = self.regex(data, &within, cache);
        let input = Input::new(data).span(within).anchored(anchored);
        regex.search_with(cache, &input).map(|matched| matched.range())
    }

    /// The groups of a match that is known.
    fn groups(&self, data: &[u8], span: &Range<usize>, cache: &mut EngineCache) -> Vec<Option<Range<usize>>> {
        if self.expression.groups() == 0 {
            return Vec::new();
        }
        // What follows is seen by look-around, and nothing more of it than that.
        let (regex, cache) = self.regex(data, span, cache);
        let mut captures = regex.create_captures();
        let input = Input::new(data).span(span.clone()).anchored(Anchored::Yes);
        regex.search_captures_with(cache, &input, &mut captures);
        (1..=self.expression.groups())
            .map(|group| captures.get_group(group).map(|span| span.range()))
            .collect()
    }

    /// The version for a stretch of the data.
    fn regex<'a>(
        &self,
        data: &[u8],
        within: &Range<usize>,
        cache: &'a mut EngineCache,
    ) -> (&Regex, &'a mut Cache) {
        let from = within.start.saturating_sub(CONTEXT_BYTES);
        let to = within.end.saturating_add(CONTEXT_BYTES).min(data.len());
        let (regex, cache) = match data[from..to].is_ascii() {
            true => (self.ascii(), &mut cache.ascii),
            false => (self.full(), &mut cache.full),
        };
        (regex, cache.get_or_insert_with(|| regex.create_cache()))
    }

    fn ascii(&self) -> &Regex {
        self.ascii.get_or_init(|| compile(std::iter::once(ascii::only(self.expression.hir()))))
    }

    fn full(&self) -> &Regex {
        self.full.get_or_init(|| compile(std::iter::once(self.expression.hir().clone())))
    }
}

/// The first place from which a match may reach `at`.
fn first_start(data: &[u8], at: usize, before: &Before) -> usize {
    let near = at.saturating_sub(before.max_ascii);
    let far = at.saturating_sub(before.max);
    if data[far..at].is_ascii() { near } else { far }
}

//! One expression, compiled when the first data asks for it.

use super::ascii;
use crate::rules::{Expression, compile};
use regex_automata::meta::{Cache, Regex};
use regex_automata::util::captures::Captures;
use regex_automata::{Anchored, Input};
use std::ops::Range;
use std::sync::OnceLock;

/// Bytes at either end of a stretch that look-around may read: one character.
const CONTEXT_BYTES: usize = 4;

/// An expression in two versions: for stretches that are ASCII, and for all.
#[derive(Debug)]
pub(super) struct Engine {
    expression: Expression,
    ascii: OnceLock<Regex>,
    full: OnceLock<Regex>,
}

/// What searching needs beside the automata; one a thread.
#[derive(Debug, Default)]
pub(super) struct EngineCache {
    ascii: Option<Cache>,
    full: Option<Cache>,
}

/// A match, and which groups took part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) span: Range<usize>,
    pub(super) groups: Vec<Option<Range<usize>>>,
}

impl Engine {
    pub(super) fn new(expression: Expression) -> Self {
        Self { expression, ascii: OnceLock::new(), full: OnceLock::new() }
    }

    /// Calls `found` with the matches in `window` that begin in `among`, one behind the other, as `find_iter` would;
    /// look-around sees all of `data`. Where the next search must begin.
    pub(super) fn search(
        &self,
        data: &[u8],
        window: Range<usize>,
        among: &Range<usize>,
        cache: &mut EngineCache,
        found: &mut dyn FnMut(Match),
    ) -> usize {
        let mut at = window.start.max(among.start);
        if at >= window.end.min(among.end) {
            return among.start;
        }
        let (from, to) = (at.saturating_sub(CONTEXT_BYTES), window.end.saturating_add(CONTEXT_BYTES));
        let (regex, cache) = match data[from..to.min(data.len())].is_ascii() {
            true => (self.ascii(), &mut cache.ascii),
            false => (self.full(), &mut cache.full),
        };
        let cache = cache.get_or_insert_with(|| regex.create_cache());
        let mut resume = among.start;
        while at < window.end.min(among.end) {
            let input = Input::new(data).span(at..window.end);
            let Some(span) = regex.search_with(cache, &input).map(|matched| matched.range()) else { break };
            if span.start >= among.end {
                break;
            }
            // Nothing is empty: expressions that match the empty text are not taken.
            at = span.end;
            resume = span.end;
            found(Match { groups: self.groups(regex, cache, data, &span, window.end), span });
        }
        resume
    }

    /// The groups of a match that is known.
    fn groups(
        &self,
        regex: &Regex,
        cache: &mut Cache,
        data: &[u8],
        span: &Range<usize>,
        end: usize,
    ) -> Vec<Option<Range<usize>>> {
        if self.expression.groups() == 0 {
            return Vec::new();
        }
        let mut captures: Captures = regex.create_captures();
        let input = Input::new(data).span(span.start..end).anchored(Anchored::Yes);
        regex.search_captures_with(cache, &input, &mut captures);
        (1..=self.expression.groups())
            .map(|group| captures.get_group(group).map(|span| span.range()))
            .collect()
    }

    fn ascii(&self) -> &Regex {
        self.ascii.get_or_init(|| compile(std::iter::once(&ascii::only(self.expression.hir()))))
    }

    fn full(&self) -> &Regex {
        self.full.get_or_init(|| compile(std::iter::once(self.expression.hir())))
    }
}

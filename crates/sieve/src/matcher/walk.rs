//! An automaton that is tried at one place: does a match begin here, and where does it end?
//!
//! States are made as data asks for them, in memory of the thread. What it cannot tell (a byte that it was told to stop at)
//! is for a slower engine.

use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind, nfa::thompson};
use regex_syntax::hir::Hir;

/// Bytes of states that a thread keeps for one automaton; beyond them it begins anew.
const CACHE_BYTES: usize = 1 << 20;

/// What a place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Here {
    /// The start of a match that ends there.
    Match(usize),
    /// Nothing.
    Nothing,
    /// Who knows.
    Unknown,
}

/// An anchored automaton.
#[derive(Debug)]
pub(super) struct Walk(DFA);

impl Walk {
    /// For the match that a search would choose. It stops at bytes beyond ASCII if told so.
    pub(super) fn exact(hir: &Hir, ascii_only: bool) -> Option<Self> {
        Self::build(hir, MatchKind::LeftmostFirst, ascii_only)
    }

    /// For any match.
    pub(super) fn any(hir: &Hir) -> Option<Self> {
        Self::build(hir, MatchKind::All, false)
    }

    fn build(hir: &Hir, kind: MatchKind, ascii_only: bool) -> Option<Self> {
        let config =
            thompson::Config::new().utf8(false).which_captures(thompson::WhichCaptures::None).shrink(false);
        let nfa = thompson::Compiler::new().configure(config).build_from_hir(hir).ok()?;
        let mut config = DFA::config()
            .match_kind(kind)
            .cache_capacity(CACHE_BYTES)
            .skip_cache_capacity_check(true)
            .minimum_cache_clear_count(None);
        if ascii_only {
            config = (0x80..=0xff).fold(config, |config, byte| config.quit(byte, true));
        }
        DFA::builder().configure(config).build_from_nfa(nfa).ok().map(Self)
    }

    /// Memory for a thread.
    pub(super) fn cache(&self) -> Cache {
        self.0.create_cache()
    }

    /// What is at `at`. Adds to `steps` how many bytes were looked at; with `any`, the first end will do.
    pub(super) fn at(&self, cache: &mut Cache, data: &[u8], at: usize, any: bool, steps: &mut usize) -> Here {
        let behind = at.checked_sub(1).map(|before| data[before]);
        let config = start::Config::new().look_behind(behind).anchored(Anchored::Yes);
        let Ok(mut state) = self.0.start_state(cache, &config) else { return Here::Unknown };
        let mut found = Here::Nothing;
        for (place, &byte) in data[at..].iter().enumerate() {
            let Ok(next) = self.0.next_state(cache, state, byte) else { return Here::Unknown };
            state = next;
            if !state.is_tagged() {
                continue;
            }
            if state.is_match() {
                // An automaton tells a match a byte late.
                found = Here::Match(at + place);
            }
            if state.is_dead() || any && state.is_match() {
                *steps += place + 1;
                return found;
            }
            if state.is_quit() {
                *steps += place + 1;
                return Here::Unknown;
            }
        }
        *steps += data.len() - at;
        match self.0.next_eoi_state(cache, state) {
            Ok(state) if state.is_match() => Here::Match(data.len()),
            Ok(_) => found,
            Err(_) => Here::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Expression, ascii};

    #[test]
    fn it_tells_the_match_that_begins_here() {
        let expression = Expression::new(r"\bab+?(c|b*)d?$?").expect("parses");
        let walk = Walk::exact(&ascii::only(expression.hir()), true).expect("builds");
        let at = |data: &[u8], at: usize| walk.at(&mut walk.cache(), data, at, false, &mut 0);
        assert_eq!(at(b"-abcx", 1), Here::Match(4));
        assert_eq!(at(b"-abbb", 1), Here::Match(5));
        assert_eq!(at(b"xabcx", 1), Here::Nothing);
        assert_eq!(at(b"abd", 1), Here::Nothing);
        assert_eq!(at(b"ab\xc3\xa9", 0), Here::Unknown);
        assert_eq!(at(b"\xc3\xa9abd", 2), Here::Unknown);
    }
}

//! What follows a text in its expression: simpler, and cut off where enough is known.

use super::shape::{Shape, first_sets};
use super::simpler::{is_counted, open};
use crate::compile::automaton::Dfa;
use crate::compile::byteset::ByteSet;
use crate::compile::regex;
use regex_automata::nfa::thompson::pikevm::PikeVM;
use regex_automata::{Anchored, Input};
use regex_syntax::hir::{Hir, HirKind, Repetition};
use std::sync::OnceLock;

/// Most bytes behind a text that are looked at: what goes on for longer counts as there. A multiple of the bytes of a
/// round of a walk.
pub(in crate::compile) const TAIL_BYTES: u32 = 252;
/// Repetitions from which on a part is what is sought, and not what leads to it.
const MANY: u32 = 8;
/// ASCII characters of a class of which no number tells anything.
const NEARLY_ALL: usize = 120;
/// Most bytes of the table of one tail.
const TABLE_BYTES: usize = 1 << 20;

/// What follows a text.
#[derive(Clone, Debug)]
pub(super) struct Tail {
    hir: Hir,
    dfa: Dfa,
    /// What says what is right, made when it is asked.
    vm: OnceLock<Option<PikeVM>>,
}

/// The expression of a tail: of these parts as many as tell something; if `brief`, those before the first that is long,
/// which many expressions have in common. None where that is nothing.
pub(super) fn cut(parts: &[Hir], brief: bool) -> Option<Hir> {
    let ends =
        |part: &Hir| matches!(part.kind(), HirKind::Repetition(repetition) if tells_nothing(repetition));
    let known = parts.iter().take_while(|part| !(ends(part) || brief && is_long(part)));
    let tail = Hir::concat(known.map(open).collect());
    (tail.properties().minimum_len() > Some(0)).then_some(tail)
}

/// Whether nearly anything may be there, and much of it.
fn tells_nothing(repetition: &Repetition) -> bool {
    let ascii = Shape::of(&repetition.sub).first().iter().filter(u8::is_ascii).count();
    !is_counted(repetition) && ascii >= NEARLY_ALL
}

/// Whether a part surely holds many of something.
fn is_long(part: &Hir) -> bool {
    match part.kind() {
        HirKind::Repetition(repetition) => repetition.min >= MANY,
        HirKind::Alternation(parts) | HirKind::Concat(parts) => parts.iter().any(is_long),
        _ => false,
    }
}

impl Tail {
    /// For an expression that was [`cut`]; none if its automaton is too large.
    pub(super) fn new(hir: Hir) -> Option<Tail> {
        Some(Tail { dfa: regex::anchored(&hir, TABLE_BYTES)?.minimal(), hir, vm: OnceLock::new() })
    }

    pub(super) fn hir(&self) -> &Hir {
        &self.hir
    }

    pub(super) fn dfa(&self) -> &Dfa {
        &self.dfa
    }

    /// Whether the data begins with it, by simulating an automaton that is not deterministic.
    pub(super) fn follows(&self, data: &[u8]) -> bool {
        let vm = || regex::small_nfa(&self.hir, TABLE_BYTES).and_then(|nfa| PikeVM::new_from_nfa(nfa).ok());
        let Some(vm) = self.vm.get_or_init(vm) else { return true };
        vm.is_match(&mut vm.create_cache(), Input::new(data).anchored(Anchored::Yes))
    }

    /// What the first bytes are made of.
    pub(super) fn first_sets(&self) -> Vec<ByteSet> {
        first_sets(std::slice::from_ref(&self.hir))
    }
}

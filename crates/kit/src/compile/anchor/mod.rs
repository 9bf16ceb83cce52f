//! Expressions that hold a literal, sought together: the literals of all of them in one pass, and behind each what its
//! expression wants there.
//!
//! An expression is turned into anchors. An anchor is a short text, the rarest that every match holds, and a tail: what
//! follows the text in the expression, made simpler. One of the anchors of an expression occurs in all that it matches.
//! So thousands of places where `key` occurs are told from the few where it is followed by an assignment of something
//! long, and both cost one pass over the data.
//!
//! `literal` multiplies texts out, `find` finds the best, `tail` makes tails, `heads` the automaton of all texts, and this
//! what they are together.

mod find;
mod heads;
mod literal;
mod shape;
mod simpler;
mod tail;

use super::automaton::Dfa;
use super::byteset::ByteSet;
use super::text::Text;
use regex_syntax::hir::Hir;
use tail::Tail;

pub(super) use find::anchors;
pub(super) use tail::TAIL_BYTES;

/// A text, and expressions of what follows it, of which the first counts that is small enough; none where anything may.
#[derive(Clone, Debug)]
pub(super) struct Anchor {
    pub(super) text: Text,
    pub(super) tails: Vec<Hir>,
}

/// Anchors of which one must occur.
#[derive(Clone, Debug)]
pub struct Anchors {
    anchors: Vec<(Text, Option<usize>)>,
    tails: Vec<Tail>,
}

/// What accepting means in the automaton of [`Anchors`]: a match.
pub(super) const MATCH: u32 = 1;
/// The tail cannot follow any more.
pub(super) const DEAD: u32 = 2;
/// The text is complete; this plus the number of the state from which its tail is walked.
pub(super) const TAIL: u32 = 3;

impl Anchors {
    /// All of these. If the case of some letters does not matter, that of none does: so the automaton stays small.
    pub(super) fn new(list: Vec<Anchor>) -> Anchors {
        let fold = list.iter().flat_map(|anchor| &anchor.text).any(ByteSet::has_both_cases);
        let mut tails: Vec<Tail> = Vec::new();
        let mut known: Vec<(Hir, Option<usize>)> = Vec::new();
        let mut number = |hir: &Hir| {
            if let Some((_, number)) = known.iter().find(|(known, _)| known == hir) {
                return *number;
            }
            let number = Tail::new(if fold { simpler::folded(hir) } else { hir.clone() }).map(|tail| {
                tails.push(tail);
                tails.len() - 1
            });
            known.push((hir.clone(), number));
            number
        };
        let text = |text: Text| {
            if fold { text.iter().map(ByteSet::in_both_cases).collect() } else { text }
        };
        let mut anchors: Vec<(Text, Option<usize>)> = Vec::new();
        for anchor in list {
            anchors.push((text(anchor.text), anchor.tails.iter().find_map(&mut number)));
        }
        anchors.sort();
        anchors.dedup();
        Anchors { anchors, tails }
    }

    /// The texts, each with as much of what follows it as is known.
    pub(super) fn texts(&self) -> impl Iterator<Item = Text> {
        self.anchors.iter().map(|(text, tail)| {
            let next = tail.map(|tail| self.tails[tail].first_sets());
            text.iter().copied().chain(next.unwrap_or_default()).collect()
        })
    }

    /// Whether one occurs, with its tail: found by trying each at each place.
    pub(super) fn is_match(&self, data: &[u8]) -> bool {
        (0..=data.len()).any(|start| {
            self.anchors.iter().any(|(text, tail)| {
                let here = &data[start..];
                let begins =
                    here.len() >= text.len() && here.iter().zip(text).all(|(byte, set)| set.contains(*byte));
                begins && {
                    let behind = &here[text.len()..];
                    tail.is_none_or(|tail| self.tails[tail].follows(behind))
                }
            })
        })
    }

    /// The automaton: from state 0 it follows all texts; what it accepts is told by [`MATCH`], [`DEAD`] and [`TAIL`].
    /// If its rows do not fit `most_bytes`, large tails are left out, and what they follow is enough.
    pub(super) fn automaton(&self, most_bytes: usize) -> Dfa {
        heads::automaton(&self.anchors, &self.tails, most_bytes)
    }
}

//! From what is sought to how: scans, and how their outcomes combine.

use super::automaton::Dfa;
use super::byteset::ByteSet;
use super::sieve::Sieve;
use super::text::Text;
use std::sync::Arc;

/// A condition as it is compiled.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// Always.
    True,
    /// Never.
    False,
    /// A pass over the data.
    Scan(Scan),
    /// A pass that notes which patterns occur; ends early as met once one of `enough` does. Then, the condition on
    /// what was noted.
    Noting { walk: Walk, enough: u32, then: Box<Node> },
    /// One of these patterns was noted.
    Noted(u32),
    /// Every one.
    All(Vec<Node>),
    /// At least one.
    Any(Vec<Node>),
}

/// A pass over the data.
#[derive(Clone, Debug)]
pub(super) enum Scan {
    /// An automaton.
    Walk(Walk),
    /// A run of a class.
    Run(Run),
    /// Counts in a window that slides.
    Count(Count),
}

/// An automaton, behind a sieve where that pays.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    pub(super) dfa: Arc<Dfa>,
    /// Whether what is accepted is noted; else the first match ends the walk.
    pub(super) notes: bool,
    /// Whether what is accepted is a tail to walk first, see [`Anchors`](super::anchor::Anchors).
    pub(super) tails: bool,
    pub(super) sieve: Option<Sieved>,
    /// Bytes of the rows in the tables, a power of two.
    pub(super) capacity_bytes: u32,
    /// Where its tables are.
    pub(super) place: Place,
}

/// A sieve and what it is for.
#[derive(Clone, Debug)]
pub(super) struct Sieved {
    pub(super) sieve: Sieve,
    pub(super) texts: Vec<Text>,
}

/// One of several runs: at least so many bytes of a class, 1 to 66,560, in a row.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) runs: Vec<(ByteSet, u32)>,
    pub(super) place: Place,
}

/// Bytes that must be in some window that often, each at least once and at most `window` times.
#[derive(Clone, Debug)]
pub(super) struct Count {
    pub(super) counts: Vec<(u8, u32)>,
    pub(super) window: u32,
    pub(super) place: Place,
}

/// Offsets in the tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Of the parameters, [`PARAMS_BYTES`](super::tables::PARAMS_BYTES).
    pub(super) params: i16,
    /// Of what maps bytes to something.
    pub(super) bytes: u32,
    /// Of the grams.
    pub(super) grams: u32,
    /// Of the rows of an automaton.
    pub(super) rows: u32,
}

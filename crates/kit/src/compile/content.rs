//! What a filter looks for, before anything is decided about how.

use super::anchor::Anchors;
use super::automaton::Dfa;
use super::byteset::ByteSet;
use super::regex::Regex;
use std::sync::Arc;

/// A condition on a sequence of bytes: a packet, a buffer that a program wrote, a block of a file.
///
/// What each one means exactly is what [`oracle::matches`](super::oracle::matches) answers.
#[derive(Clone, Debug)]
pub enum Content {
    /// These bytes occur. No bytes occur everywhere, even in nothing.
    Literal {
        /// What to find.
        bytes: Vec<u8>,
        /// Whether the case of ASCII letters does not matter.
        fold: bool,
    },
    /// One of these literals occurs.
    Literals {
        /// What to find; thousands are fine.
        list: Vec<Vec<u8>>,
        /// Whether the case of ASCII letters does not matter.
        fold: bool,
    },
    /// At least `min` bytes of a class one after the other: `[A-Za-z0-9_]{20,}`.
    ClassRun {
        /// The class.
        class: ByteSet,
        /// Bytes; 0 is met by anything.
        min: u32,
    },
    /// Some `window` bytes one after the other, or all there are if fewer, hold each byte at least that often.
    Thresholds {
        /// Bytes and how often each; a byte named twice must meet the larger count.
        counts: Vec<(u8, u32)>,
        /// Bytes; at least 1.
        window: u32,
    },
    /// A regular expression matches somewhere. Where its automaton is too large, a wider condition is compiled, and
    /// [`Compiled::exact`](super::Compiled) says so.
    Regex(Arc<Regex>),
    /// One of these texts occurs with what must follow it: what the expressions of a set of rules cannot match without.
    Anchored(Arc<Anchors>),
    /// An automaton accepts.
    Dfa(Arc<Dfa>),
    /// Every one of these holds; none is met by anything.
    All(Vec<Content>),
    /// One of these holds; none is met by nothing.
    Any(Vec<Content>),
}

impl Content {
    /// These bytes, as they are.
    pub fn literal(bytes: impl Into<Vec<u8>>) -> Content {
        Content::Literal { bytes: bytes.into(), fold: false }
    }

    /// One of these, as they are.
    pub fn literals<L: Into<Vec<u8>>>(list: impl IntoIterator<Item = L>) -> Content {
        Content::Literals { list: list.into_iter().map(Into::into).collect(), fold: false }
    }
}

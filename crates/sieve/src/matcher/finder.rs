//! Where the literals of a rule set are.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

/// Finds literals, whatever the case of their ASCII letters.
///
/// [`crate::matcher`] hands it all that its rules ask for; whoever finds them faster takes its place.
pub(super) trait Finder: std::fmt::Debug + Send + Sync {
    /// Calls `hit` with the number of a literal and where it begins, for every place where one is. More calls do no harm, in
    /// any order.
    fn find(&self, data: &[u8], hit: &mut dyn FnMut(usize, usize));
}

/// An Aho-Corasick automaton.
#[derive(Debug)]
pub(super) struct Automaton(AhoCorasick);

impl Automaton {
    /// For these literals, none of them empty.
    pub(super) fn new(literals: &[Vec<u8>]) -> Self {
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(literals)
            .expect("fewer literals than an automaton can number");
        Self(automaton)
    }
}

impl Finder for Automaton {
    fn find(&self, data: &[u8], hit: &mut dyn FnMut(usize, usize)) {
        for found in self.0.find_overlapping_iter(data) {
            hit(found.pattern().as_usize(), found.start());
        }
    }
}

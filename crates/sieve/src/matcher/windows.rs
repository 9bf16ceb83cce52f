//! Stretches of data in which a rule is tried.
//!
//! Every match of a rule contains one of its literals, with so many bytes before and behind it at most. The stretch around
//! each literal thus holds the whole match; stretches that overlap become one. Within one stretch the engine sees all that
//! could begin there, so that its leftmost match is that of a search through everything: a match that began in the
//! stretch and ended outside would have a literal of its own, whose stretch would be part of this one.

use std::ops::Range;

/// How far a match may reach around the literal that it contains; `None`: any distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reach {
    pub(super) before: Option<usize>,
    pub(super) after: Option<usize>,
}

impl Reach {
    /// Around the literal at `start..end` of `len` bytes of data.
    pub(super) fn around(&self, start: usize, end: usize, len: usize) -> Range<usize> {
        let from = self.before.map_or(0, |before| start.saturating_sub(before));
        let to = self.after.map_or(len, |after| end.saturating_add(after).min(len));
        from..to
    }
}

/// Stretches, ascending and apart.
#[derive(Clone, Debug, Default)]
pub(super) struct Windows(Vec<Range<usize>>);

impl Windows {
    /// Adds a stretch. Those that come in nearly ascending order, as literals are found, cost least.
    pub(super) fn add(&mut self, mut window: Range<usize>) {
        let mut at = self.0.len();
        while at > 0 && self.0[at - 1].start > window.end {
            at -= 1;
        }
        let behind = at;
        while at > 0 && self.0[at - 1].end >= window.start {
            at -= 1;
            window.start = window.start.min(self.0[at].start);
            window.end = window.end.max(self.0[at].end);
        }
        self.0.splice(at..behind, [window]);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.0.iter().cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn they_are_the_union(ranges in prop::collection::vec((0usize..200, 1usize..20), 0..40)) {
            let mut windows = Windows::default();
            let mut covered = [false; 256];
            for (start, len) in ranges {
                windows.add(start..start + len);
                covered[start..start + len].fill(true);
            }
            let list: Vec<_> = windows.iter().collect();
            prop_assert!(list.windows(2).all(|pair| pair[0].end < pair[1].start));
            for (at, covered) in covered.iter().enumerate() {
                prop_assert_eq!(list.iter().any(|window| window.contains(&at)), *covered, "{}", at);
            }
        }
    }
}

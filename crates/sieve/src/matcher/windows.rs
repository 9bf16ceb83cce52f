//! Stretches of data in which matches of a rule may begin, joined where they overlap.

use std::ops::Range;

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

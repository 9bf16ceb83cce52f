//! Twins: two classes that a model takes for each other, and what parts them, if anything does.
//!
//! A regression over all classes learns little of a pair that shares nearly all of its features, and what chance put into a few
//! examples it learns by heart. So for a pair that cross-validation mixed up only features are asked that one of the two has clearly
//! more often, absence counted as well as presence (naive Bayes with one example of each added). Where there are none the answer
//! is that it may be either.

use super::model::logistic;
use std::collections::BTreeSet;

/// A pair is one of twins if this share of its examples, or more, was taken for the other class.
pub(super) const MISTAKEN_MIN: f64 = 0.1;
/// How many standard deviations the shares of two classes that have a feature must be apart.
const APART_MIN: f32 = 2.0;

/// Two classes and their marks.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Twins {
    /// Numbers of the classes.
    pub(super) classes: [u32; 2],
    /// Features that part them.
    pub(super) marks: Vec<Mark>,
}

/// A feature that one of two classes has more often.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Mark {
    /// Its number.
    pub(super) feature: u32,
    /// Logarithm of the odds for the first class where it is there.
    pub(super) there: f32,
    /// The same where it is missing.
    pub(super) missing: f32,
}

impl Twins {
    /// What parts two classes, by examples (class, and features in ascending order).
    pub(super) fn of(classes: [u32; 2], examples: &[(u32, Vec<u32>)]) -> Self {
        let own = classes.map(|class| -> Vec<&Vec<u32>> {
            examples.iter().filter(|(of, _)| *of == class).map(|(_, features)| features).collect()
        });
        let features: BTreeSet<u32> =
            own.iter().flatten().flat_map(|features| features.iter().copied()).collect();
        let mark = |feature| {
            let have =
                own.each_ref().map(|all| all.iter().filter(|f| f.binary_search(&feature).is_ok()).count());
            mark(feature, have, own.each_ref().map(Vec::len))
        };
        Self { classes, marks: features.into_iter().filter_map(mark).collect() }
    }

    /// Whether these are the two, in whichever order.
    pub(super) fn are(&self, one: u32, other: u32) -> bool {
        self.classes == [one, other] || self.classes == [other, one]
    }

    /// How likely it is the first class, 0 to 1, if it is one of the two. `known`: features in ascending order.
    pub(super) fn first(&self, known: &[u32]) -> f32 {
        let odds = |mark: &Mark| match known.binary_search(&mark.feature) {
            Ok(_) => mark.there,
            Err(_) => mark.missing,
        };
        logistic(self.marks.iter().map(odds).sum())
    }
}

/// A feature that so many of so many examples of either class have, if that parts them.
fn mark(feature: u32, have: [usize; 2], of: [usize; 2]) -> Option<Mark> {
    let [have, of] = [have, of].map(|counts| counts.map(|count| count as f32));
    let share = |at: usize| have[at] / of[at].max(1.0);
    let all = (have[0] + have[1]) / (of[0] + of[1]).max(1.0);
    let deviation = (all * (1.0 - all) * (1.0 / of[0].max(1.0) + 1.0 / of[1].max(1.0))).sqrt();
    let apart = (share(0) - share(1)).abs() / deviation.max(f32::MIN_POSITIVE);
    let likely = |at: usize| (have[at] + 1.0) / (of[at] + 2.0);
    (apart >= APART_MIN).then(|| Mark {
        feature,
        there: (likely(0) / likely(1)).ln(),
        missing: ((1.0 - likely(0)) / (1.0 - likely(1))).ln(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten examples of each class: 0 is had by all, 1 by eight of the one and two of the other, 2 by five and four.
    fn examples() -> Vec<(u32, Vec<u32>)> {
        let one = |class, n, marked, common| {
            let features = [(0, true), (1, n < marked), (2, n % 10 < common)];
            (class, features.into_iter().filter(|(_, has)| *has).map(|(feature, _)| feature).collect())
        };
        (0..10).flat_map(|n| [one(4, n, 8, 5), one(9, n, 2, 4)]).collect()
    }

    #[test]
    fn what_one_has_more_often_parts_them_and_what_both_have_does_not() {
        let twins = Twins::of([4, 9], &examples());
        assert_eq!(twins.marks.iter().map(|mark| mark.feature).collect::<Vec<_>>(), [1]);
        let likely = [twins.first(&[0, 1, 2]), twins.first(&[0])].map(|share| (share * 100.0).round());
        assert_eq!(likely, [75.0, 25.0]);
        assert!(twins.are(9, 4) && !twins.are(4, 4));
    }

    #[test]
    fn where_nothing_parts_them_it_may_be_either() {
        let alike: Vec<_> = examples().into_iter().map(|(class, _)| (class, vec![0])).collect();
        let twins = Twins::of([4, 9], &alike);
        assert_eq!((twins.marks.len(), twins.first(&[0])), (0, 0.5));
    }
}

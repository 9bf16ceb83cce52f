//! Which bytes may be at the first places of an expression: the grams of a text reach there.

use crate::compile::byteset::ByteSet;
use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

/// Places that are looked at.
const KNOWN_PLACES: usize = 6;

/// Bytes that may be at the first places of these parts in a row, as far as there surely are some.
pub(super) fn first_sets(parts: &[Hir]) -> Vec<ByteSet> {
    let shape = parts.iter().fold(Shape::default(), |shape, part| shape.then(&Shape::of(part)));
    shape.sets[..shape.min].to_vec()
}

/// What is known of the first places of an expression.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    sets: [ByteSet; KNOWN_PLACES],
    min: usize,
    max: usize,
}

impl Shape {
    pub(super) fn of(hir: &Hir) -> Shape {
        let one = |set: ByteSet| {
            let mut shape = Shape { min: 1, max: 1, ..Shape::default() };
            shape.sets[0] = set;
            shape
        };
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => Shape::default(),
            HirKind::Literal(literal) => literal
                .0
                .iter()
                .take(KNOWN_PLACES)
                .fold(Shape::default(), |shape, &byte| shape.then(&one(ByteSet::of(byte, false)))),
            HirKind::Class(Class::Bytes(class)) => one(class
                .ranges()
                .iter()
                .fold(ByteSet::EMPTY, |set, range| set.with(range.start(), range.end()))),
            HirKind::Class(Class::Unicode(_)) => Shape { max: KNOWN_PLACES, ..one(ByteSet::FULL) }.blurred(),
            HirKind::Capture(capture) => Shape::of(&capture.sub),
            HirKind::Repetition(repetition) => Shape::of(&repetition.sub).times(repetition),
            HirKind::Concat(parts) => {
                parts.iter().fold(Shape::default(), |shape, part| shape.then(&Shape::of(part)))
            }
            HirKind::Alternation(parts) => {
                parts.iter().map(Shape::of).reduce(|a, b| a.or(&b)).unwrap_or_default()
            }
        }
    }

    /// What may be at the first place.
    pub(super) fn first(&self) -> ByteSet {
        self.sets[0]
    }

    /// With any byte at every place.
    fn blurred(self) -> Shape {
        Shape { sets: [ByteSet::FULL; KNOWN_PLACES], ..self }
    }

    fn then(&self, next: &Shape) -> Shape {
        let mut sets = self.sets;
        for start in self.min..=self.max.min(KNOWN_PLACES - 1) {
            for (set, more) in sets[start..].iter_mut().zip(&next.sets) {
                *set = set.union(more);
            }
        }
        let sum = |a: usize, b: usize| (a + b).min(KNOWN_PLACES);
        Shape { sets, min: sum(self.min, next.min), max: sum(self.max, next.max) }
    }

    fn or(&self, other: &Shape) -> Shape {
        let sets = std::array::from_fn(|place| self.sets[place].union(&other.sets[place]));
        Shape { sets, min: self.min.min(other.min), max: self.max.max(other.max) }
    }

    fn times(&self, repetition: &Repetition) -> Shape {
        let least = (repetition.min as usize).min(KNOWN_PLACES);
        let most = repetition.max.map_or(KNOWN_PLACES, |max| (max as usize).min(KNOWN_PLACES));
        let sure = (0..least).fold(Shape::default(), |shape, _| shape.then(self));
        let perhaps = self.or(&Shape::default());
        (least..most).fold(sure, |shape, _| shape.then(&perhaps))
    }
}

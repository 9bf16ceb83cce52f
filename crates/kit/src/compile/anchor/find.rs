//! Which texts an expression cannot match without, and what follows them in it.

use super::literal::{self, Texts};
use super::{Anchor, shape, tail};
use crate::compile::common;
use crate::compile::text::{Grams, Text};
use regex_syntax::hir::{Hir, HirKind};

/// How deep alternatives and repetitions are taken apart.
const MOST_DEPTH: u32 = 3;
/// How texts are weighed: as if they were looked for like this.
const WEIGHED: Grams = Grams { gram: 3, stride: 2, fold: true, reach: 16, skips_zeros: false };
/// How much worse than a look a text is, and one that nothing is known to follow.
const WITH_TAIL: f64 = 8.0;
const WITHOUT_TAIL: f64 = 256.0;
/// Share of positions above which texts are no help.
const MOST_SHARE: f64 = 1.0 / 64.0;
/// Share of positions below which only what leads to a value is looked at behind a text, and not the value.
const RARE_SHARE: f64 = 1.0 / (1 << 22) as f64;

/// The anchors of an expression over bytes: all that it matches holds one of them. None where no text is rare enough.
/// `words`: texts of which it needs one anywhere, if that is known; they are taken where nothing better is found.
pub(in crate::compile) fn anchors(hir: &Hir, words: Vec<Text>) -> Option<Vec<Anchor>> {
    let parts = parts_of(hir);
    let words = Some(words).filter(|words| !words.is_empty()).and_then(|words| Found::new(words, Vec::new()));
    let found = best(&parts, parts.len(), 0).into_iter().chain(words);
    let found =
        found.min_by(|a, b| a.badness.total_cmp(&b.badness)).filter(|found| found.looks <= MOST_SHARE)?;
    let anchors = found.groups.into_iter().flat_map(|(texts, share, rest)| {
        let tails: Vec<Hir> = match share < RARE_SHARE {
            true => tail::cut(&rest, true).or_else(|| tail::cut(&rest, false)).into_iter().collect(),
            false => [false, true].iter().filter_map(|&brief| tail::cut(&rest, brief)).collect(),
        };
        texts.into_iter().map(move |text| Anchor { text, tails: tails.clone() })
    });
    Some(anchors.collect())
}

/// Texts with the same parts behind them, and the share of positions at which they make one look. They are worse where
/// nothing is known behind them.
struct Found {
    /// Share of positions.
    looks: f64,
    /// How bad they are.
    badness: f64,
    groups: Vec<(Vec<Text>, f64, Vec<Hir>)>,
}

impl Found {
    fn new(texts: Vec<Text>, rest: Vec<Hir>) -> Option<Found> {
        let next = shape::first_sets(&rest);
        let fate = if tail::cut(&rest, false).is_some() { WITH_TAIL } else { WITHOUT_TAIL };
        let (mut looks, mut share) = (0.0, 0.0);
        for text in &texts {
            let known: Text = text.iter().chain(&next).copied().collect();
            looks += WEIGHED.window(&known)?.share;
            share += common::share_of(text);
        }
        Some(Found { looks, badness: looks + fate * share, groups: vec![(texts, share, rest)] })
    }

    fn and(mut self, other: Found) -> Found {
        self.looks += other.looks;
        self.badness += other.badness;
        self.groups.extend(other.groups);
        self
    }
}

/// The parts of an expression one after the other.
pub(super) fn parts_of(hir: &Hir) -> Vec<Hir> {
    match hir.kind() {
        HirKind::Empty => Vec::new(),
        HirKind::Concat(parts) => parts.iter().flat_map(parts_of).collect(),
        _ => vec![hir.clone()],
    }
}

/// The rarest texts that begin in the first `starts` of these parts and of which each match of them all holds one.
fn best(parts: &[Hir], starts: usize, depth: u32) -> Option<Found> {
    let found = (0..starts).flat_map(|at| {
        let (here, rest) = (&parts[at], &parts[at + 1..]);
        [texts_from(&parts[at..]), taken_apart(here, rest, depth)]
    });
    found.flatten().min_by(|a, b| a.badness.total_cmp(&b.badness))
}

/// The best of each alternative, or of what is repeated.
fn taken_apart(part: &Hir, rest: &[Hir], depth: u32) -> Option<Found> {
    let within = |first: &Hir, then: &[Hir]| {
        let first = parts_of(first);
        let starts = first.len();
        best(&[first, then.to_vec()].concat(), starts, depth + 1)
    };
    if depth == MOST_DEPTH {
        return None;
    }
    match part.kind() {
        HirKind::Alternation(parts) => {
            let mut all = parts.iter().map(|part| within(part, rest));
            let first = all.next()??;
            all.try_fold(first, |so_far, next| Some(so_far.and(next?)))
        }
        HirKind::Repetition(repetition) if repetition.min > 0 && !is_class(&repetition.sub) => {
            within(&repetition.sub, &[literal::again(repetition, 1), rest.to_vec()].concat())
        }
        _ => None,
    }
}

fn is_class(hir: &Hir) -> bool {
    matches!(hir.kind(), HirKind::Class(_))
}

/// Texts that begin at the first of these parts.
fn texts_from(parts: &[Hir]) -> Option<Found> {
    let Texts { texts, spelled, rest } = literal::texts_from(parts)?;
    match (texts.is_empty(), spelled.is_empty()) {
        (true, _) => Found::new(spelled, Vec::new()),
        (false, true) => Found::new(texts, rest),
        (false, false) => Some(Found::new(texts, rest)?.and(Found::new(spelled, Vec::new())?)),
    }
}

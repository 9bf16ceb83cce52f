//! What must occur wherever an expression matches: one literal of a set, and a run of a class.
//!
//! Both are read off the syntax tree and are necessary, not sufficient. Whoever finds neither need not try the
//! expression.

use super::byteset::ByteSet;
use super::common;
use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind};

/// Most strings in a set that is multiplied out.
const MOST_STRINGS: usize = 64;
/// Most strings in a set of alternatives.
const MOST_ALTERNATIVES: usize = 256;
/// Longest string that is multiplied out.
const LONGEST: usize = 32;
/// Most characters of a class that are told apart.
const MOST_CHARACTERS: usize = 8;
/// Shortest run worth looking for.
const SHORTEST_RUN: u32 = 12;

/// One place of a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// This byte.
    Byte(u8),
    /// This lower-case letter or its upper-case one.
    Letter(u8),
}

type Text = Vec<Place>;

/// What is known of a part of an expression.
#[derive(Clone, Debug, Default)]
struct Known {
    /// All that it can match, if that is little.
    exact: Option<Vec<Text>>,
    /// Strings of which each match contains one.
    some: Option<Vec<Text>>,
}

/// Literals of which every match contains one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Required {
    /// The literals, none of them empty.
    pub literals: Vec<Vec<u8>>,
    /// The case of their ASCII letters does not matter.
    pub fold: bool,
}

impl Required {
    /// Share of positions at which one is expected.
    pub(super) fn share(&self) -> f64 {
        self.literals.iter().map(|literal| common::share(literal, self.fold)).sum()
    }
}

/// Literals of which every match of an expression contains one: the rarest set found, `None` where there is none without
/// the empty string.
pub fn literals(hir: &Hir) -> Option<Required> {
    let known = known(hir);
    let texts = rarer(known.some, known.exact.filter(|texts| useful(texts)))?;
    let fold = texts.iter().flatten().any(|place| matches!(place, Place::Letter(_)));
    let byte = |place: &Place| match *place {
        Place::Byte(byte) | Place::Letter(byte) => byte,
    };
    Some(Required { literals: texts.iter().map(|text| text.iter().map(byte).collect()).collect(), fold })
}

fn useful(texts: &[Text]) -> bool {
    !texts.is_empty() && texts.len() <= MOST_ALTERNATIVES && texts.iter().all(|text| !text.is_empty())
}

/// Share of positions at which one of the strings is expected.
fn share(texts: &[Text]) -> f64 {
    let one = |text: &Text| {
        text.iter().fold(1.0, |share, place| match *place {
            Place::Byte(byte) => share * common::share(&[byte], false),
            Place::Letter(byte) => share * common::share(&[byte], true),
        })
    };
    texts.iter().map(one).sum()
}

fn rarer(a: Option<Vec<Text>>, b: Option<Vec<Text>>) -> Option<Vec<Text>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if share(&a) <= share(&b) { a } else { b }),
        (a, b) => a.or(b),
    }
}

fn known(hir: &Hir) -> Known {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Known { exact: Some(vec![Text::new()]), some: None },
        HirKind::Literal(literal) => {
            Known { exact: Some(vec![literal.0.iter().copied().map(Place::Byte).collect()]), some: None }
        }
        HirKind::Class(class) => Known { exact: characters(class), some: None },
        HirKind::Capture(capture) => known(&capture.sub),
        HirKind::Repetition(repetition) => repeated(known(&repetition.sub), repetition.min, repetition.max),
        HirKind::Concat(parts) => concat(parts),
        HirKind::Alternation(parts) => alternate(parts),
    }
}

/// The characters of a small class, letters of both cases as one.
fn characters(class: &Class) -> Option<Vec<Text>> {
    let mut texts: Vec<Text> = match class {
        Class::Bytes(class) => {
            let count: usize = class.ranges().iter().map(|range| range.len()).sum();
            let bytes = class.ranges().iter().flat_map(|range| range.start()..=range.end());
            (count <= MOST_CHARACTERS).then(|| bytes.map(|byte| vec![Place::Byte(byte)]).collect())?
        }
        Class::Unicode(class) => {
            let count: usize = class.ranges().iter().map(|range| range.len()).sum();
            (count <= MOST_CHARACTERS).then(|| encoded(class))?
        }
    };
    for lower in b'a'..=b'z' {
        let pair = [lower, lower.to_ascii_uppercase()].map(|byte| vec![Place::Byte(byte)]);
        if pair.iter().all(|text| texts.contains(text)) {
            texts.retain(|text| !pair.contains(text));
            texts.push(vec![Place::Letter(lower)]);
        }
    }
    Some(texts)
}

fn encoded(class: &ClassUnicode) -> Vec<Text> {
    let characters = class.ranges().iter().flat_map(|range| range.start()..=range.end());
    characters.map(|c| c.encode_utf8(&mut [0; 4]).bytes().map(Place::Byte).collect()).collect()
}

fn repeated(sub: Known, min: u32, max: Option<u32>) -> Known {
    if min == 0 {
        let optional = |mut texts: Vec<Text>| {
            texts.push(Text::new());
            texts
        };
        return Known { exact: sub.exact.filter(|_| max == Some(1)).map(optional), some: None };
    }
    let some = rarer(sub.some.clone(), sub.exact.clone().filter(|texts| useful(texts)));
    if (min, max) == (1, Some(1)) {
        return Known { exact: sub.exact, some };
    }
    let times = (0..min).try_fold(vec![Text::new()], |so_far, _| product(&so_far, sub.exact.as_deref()?));
    match times {
        Some(texts) if max == Some(min) => Known { exact: Some(texts), some },
        texts => Known { exact: None, some: rarer(texts.filter(|texts| useful(texts)), some) },
    }
}

/// Every string of one set before every one of another, if that is not too much.
fn product(before: &[Text], after: &[Text]) -> Option<Vec<Text>> {
    let longest = |texts: &[Text]| texts.iter().map(Vec::len).max().unwrap_or(0);
    if before.len() * after.len() > MOST_STRINGS || longest(before) + longest(after) > LONGEST {
        return None;
    }
    Some(
        before
            .iter()
            .flat_map(|start| after.iter().map(move |end| [&start[..], &end[..]].concat()))
            .collect(),
    )
}

fn concat(parts: &[Hir]) -> Known {
    let mut best = None;
    let mut exact = true;
    let mut current = vec![Text::new()];
    for part in parts.iter().map(known) {
        let longer = part.exact.as_deref().and_then(|texts| product(&current, texts));
        match longer {
            Some(texts) => current = texts,
            None => {
                exact = false;
                best = rarer(best, Some(current).filter(|texts| useful(texts)));
                best = rarer(best, part.some.filter(|texts| useful(texts)));
                current = part.exact.filter(|texts| texts.len() <= MOST_STRINGS).unwrap_or(vec![Text::new()]);
            }
        }
    }
    best = rarer(best, Some(current.clone()).filter(|texts| useful(texts)));
    Known { exact: exact.then_some(current), some: best }
}

fn alternate(parts: &[Hir]) -> Known {
    let known: Vec<Known> = parts.iter().map(known).collect();
    let exact: Option<Vec<Vec<Text>>> = known.iter().map(|part| part.exact.clone()).collect();
    let some: Option<Vec<Vec<Text>>> =
        known.into_iter().map(|part| rarer(part.some, part.exact.filter(|texts| useful(texts)))).collect();
    Known {
        exact: exact.map(|texts| texts.concat()).filter(|texts| texts.len() <= MOST_STRINGS),
        some: some.map(|texts| texts.concat()).filter(|texts| useful(texts)),
    }
}

/// Most bytes of a class of which a run tells anything: ASCII letters, digits, some punctuation, all beyond ASCII.
const MOST_IN_CLASS: usize = 208;

/// A run that every match contains: at least `min` bytes of `class`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RequiredRun {
    pub(super) class: ByteSet,
    pub(super) min: u32,
}

impl RequiredRun {
    /// This and then another, as one run.
    fn then(&self, next: &RequiredRun) -> RequiredRun {
        RequiredRun { class: self.class.union(&next.class), min: self.min.saturating_add(next.min) }
    }

    /// How much a run tells, in sixteenths of a bit.
    fn weight(&self) -> u32 {
        let share: f64 = self.class.iter().map(common::share_in_text).sum();
        (-16.0 * f64::from(self.min) * share.min(1.0).log2()) as u32
    }
}

/// The run that tells most, if one is long enough.
pub(super) fn run(hir: &Hir) -> Option<RequiredRun> {
    inner(hir).filter(|run| run.min >= SHORTEST_RUN && run.class.len() <= MOST_IN_CLASS)
}

/// Everything that a part consists of, and how long it is at least.
fn whole(hir: &Hir) -> RequiredRun {
    let none = RequiredRun { class: ByteSet::EMPTY, min: 0 };
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => none,
        HirKind::Literal(literal) => {
            RequiredRun { class: literal.0.iter().copied().collect(), min: literal.0.len() as u32 }
        }
        HirKind::Class(class) => RequiredRun { class: bytes(class), min: 1 },
        HirKind::Capture(capture) => whole(&capture.sub),
        HirKind::Repetition(repetition) => {
            let sub = whole(&repetition.sub);
            RequiredRun { class: sub.class, min: sub.min.saturating_mul(repetition.min) }
        }
        HirKind::Concat(parts) => parts.iter().map(whole).fold(none, |run, part| run.then(&part)),
        HirKind::Alternation(parts) => {
            let parts: Vec<RequiredRun> = parts.iter().map(whole).collect();
            let class = parts.iter().fold(ByteSet::EMPTY, |class, part| class.union(&part.class));
            RequiredRun { class, min: parts.iter().map(|part| part.min).min().unwrap_or(0) }
        }
    }
}

/// The best run within a part: of neighbours, or within one of them.
fn inner(hir: &Hir) -> Option<RequiredRun> {
    let better = |a: RequiredRun, b: RequiredRun| if b.weight() > a.weight() { b } else { a };
    let all = whole(hir);
    let within = match hir.kind() {
        HirKind::Capture(capture) => inner(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => inner(&repetition.sub),
        HirKind::Concat(parts) => {
            let wholes: Vec<RequiredRun> = parts.iter().map(whole).collect();
            let runs = (0..wholes.len()).flat_map(|from| {
                wholes[from..].iter().scan(RequiredRun { class: ByteSet::EMPTY, min: 0 }, |run, part| {
                    *run = run.then(part);
                    Some(*run)
                })
            });
            runs.chain(parts.iter().filter_map(inner)).reduce(better)
        }
        HirKind::Alternation(parts) => parts.iter().map(inner).try_fold(None, |so_far, part| {
            let part = part?;
            Some(Some(so_far.map_or(part, |known: RequiredRun| RequiredRun {
                class: known.class.union(&part.class),
                min: known.min.min(part.min),
            })))
        })?,
        _ => None,
    };
    Some(within.map_or(all, |within| better(all, within))).filter(|run| run.min > 0)
}

/// The bytes that characters of a class are made of.
fn bytes(class: &Class) -> ByteSet {
    match class {
        Class::Bytes(class) => {
            class.ranges().iter().fold(ByteSet::EMPTY, |set, range| set.with(range.start(), range.end()))
        }
        Class::Unicode(class) => {
            let ascii = class.ranges().iter().take_while(|range| range.start() <= '\x7f');
            let set = ascii.fold(ByteSet::EMPTY, |set, range| {
                set.with(range.start() as u8, (range.end() as u32).min(0x7f) as u8)
            });
            let beyond = class.ranges().last().is_some_and(|range| range.end() > '\x7f');
            if beyond { set.with(0x80, 0xff) } else { set }
        }
    }
}

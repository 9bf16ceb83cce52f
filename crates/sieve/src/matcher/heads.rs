//! Where in an expression it is best to begin: literals that every match has, and how far into it they are.
//!
//! Of `[\w.-]{0,50}key[ =]{1,3}[a-z]{20,}` a search tries every byte; who begins at `key` looks at few places, goes on
//! from there with what must follow (`tail`), and only where that is there looks back for where the match begins. So an
//! expression is cut between two of its parts: what is before the cut has a known length, what is behind it begins with
//! one of a few literals.

use crate::rules::ascii;
use regex_syntax::hir::literal::{ExtractKind, Extractor, Seq};
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir, HirKind, Repetition};

/// Most literals behind a cut.
const MOST_LITERALS: usize = 128;
/// Bytes of a literal that are looked at.
const LONGEST: usize = 24;
/// Most characters of a class that are told apart, at first.
pub(super) const FEW_CHARACTERS: usize = 8;
/// The same where no other literals are to be had: hexadecimal digits.
pub(super) const SOME_CHARACTERS: usize = 16;
/// Farthest that a cut may be from the start of a match, bytes.
const FARTHEST: usize = 1024;

/// A cut through an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// Parts before it.
    pub(super) parts: usize,
    /// Bytes of a match that are before it, at least and at most.
    pub(super) before: Before,
    /// Lower-case literals of which one begins behind it, in any case of ASCII letters.
    pub(super) literals: Vec<Vec<u8>>,
}

/// How far from the start of a match something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Before {
    pub(super) min: usize,
    pub(super) max: usize,
    /// At most, where all these bytes are ASCII.
    pub(super) max_ascii: usize,
}

/// The parts of an expression, one behind the other.
pub(super) fn parts(hir: &Hir) -> Vec<&Hir> {
    match hir.kind() {
        HirKind::Capture(capture) => parts(&capture.sub),
        HirKind::Concat(list) => list.iter().flat_map(parts).collect(),
        _ => vec![hir],
    }
}

/// All cuts that have literals behind them, the first one first. Classes of up to `characters` are told apart.
pub(super) fn cuts(hir: &Hir, characters: usize) -> Vec<Cut> {
    let parts = parts(hir);
    let folded: Vec<Hir> = parts.iter().map(|part| fold(part, characters)).collect();
    // What is behind a part that may be anything adds nothing to the literals before it.
    let open: Vec<bool> =
        folded.iter().map(|part| beginnings(part, characters).literals().is_none()).collect();
    let mut before = Before { min: 0, max: 0, max_ascii: 0 };
    let mut cuts = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let known = open[at..].iter().position(|is_open| *is_open).unwrap_or(open.len() - at);
        if let Some(literals) = literals(&folded[at..at + known], characters) {
            cuts.push(Cut { parts: at, before, literals });
        }
        let properties = part.properties();
        let (Some(min), Some(max)) = (properties.minimum_len(), properties.maximum_len()) else { break };
        let max_ascii = ascii::only(part).properties().maximum_len().unwrap_or(max);
        before.min += min;
        before.max += max;
        before.max_ascii += max_ascii;
        if before.max > FARTHEST {
            break;
        }
    }
    cuts
}

/// The literals that these parts begin with, if they are few and none is empty; none is the beginning of another.
fn literals(folded: &[Hir], characters: usize) -> Option<Vec<Vec<u8>>> {
    if let [first, ..] = folded
        && matches!(first.kind(), HirKind::Empty | HirKind::Look(_))
    {
        return None;
    }
    let found = beginnings(&Hir::concat(folded.to_vec()), characters);
    let mut list: Vec<Vec<u8>> =
        found.literals()?.iter().map(|literal| literal.as_bytes().to_vec()).collect();
    list.sort_unstable();
    list.dedup_by(|longer, shorter| longer.starts_with(shorter));
    let useful = !list.is_empty() && list.iter().all(|literal| !literal.is_empty());
    useful.then_some(list)
}

/// What it begins with.
fn beginnings(hir: &Hir, characters: usize) -> Seq {
    Extractor::new()
        .kind(ExtractKind::Prefix)
        .limit_class(characters)
        .limit_literal_len(LONGEST)
        .limit_total(MOST_LITERALS)
        .extract(hir)
}

/// An expression for data whose ASCII letters are lower-case. Of a class with many characters nothing is kept.
fn fold(hir: &Hir, characters: usize) -> Hir {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0.to_ascii_lowercase()),
        HirKind::Class(class) => small(class, characters).unwrap_or_else(any),
        HirKind::Capture(capture) => fold(&capture.sub, characters),
        HirKind::Repetition(repetition) => Hir::repetition(Repetition {
            min: repetition.min,
            max: repetition.max,
            greedy: true,
            sub: Box::new(fold(&repetition.sub, characters)),
        }),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(|part| fold(part, characters)).collect()),
        HirKind::Alternation(parts) => {
            Hir::alternation(parts.iter().map(|part| fold(part, characters)).collect())
        }
    }
}

/// A class of so many bytes that no literal comes of it.
fn any() -> Hir {
    Hir::class(Class::Bytes(ClassBytes::new([ClassBytesRange::new(0, 255)])))
}

/// The characters of a class that are few, in lower case.
fn small(class: &Class, characters: usize) -> Option<Hir> {
    let few = 2 * characters;
    let mut texts: Vec<Vec<u8>> = match class {
        Class::Bytes(class) => {
            let count: usize = class.ranges().iter().map(|range| range.len()).sum();
            let bytes = class.ranges().iter().flat_map(|range| range.start()..=range.end());
            (count <= few).then(|| bytes.map(|byte| vec![byte.to_ascii_lowercase()]).collect())?
        }
        Class::Unicode(class) => {
            let count: usize = class.ranges().iter().map(|range| range.len()).sum();
            let characters = class.ranges().iter().flat_map(|range| range.start()..=range.end());
            let lower = |c: char| c.to_ascii_lowercase().encode_utf8(&mut [0; 4]).as_bytes().to_vec();
            (count <= few).then(|| characters.map(lower).collect())?
        }
    };
    texts.sort_unstable();
    texts.dedup();
    (texts.len() <= characters).then(|| Hir::alternation(texts.into_iter().map(Hir::literal).collect()))
}

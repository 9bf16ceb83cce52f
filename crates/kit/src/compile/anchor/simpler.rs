//! Expressions made simpler, so that their automata are small: each step only lets more through.

use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir, HirKind, Repetition};

/// Most repetitions that are asked for.
const MOST_REPEATED: u32 = 16;
/// Counts that differ by more are left open.
const MOST_COUNTED: u32 = 24;

/// Whether the upper bound of a repetition is kept.
pub(super) fn is_counted(repetition: &Repetition) -> bool {
    repetition.max.is_some_and(|max| max - repetition.min <= MOST_COUNTED)
}

/// The expression without high bounds of counts.
pub(super) fn open(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Repetition(repetition) => {
            let min = repetition.min.min(MOST_REPEATED);
            let max = repetition.max.filter(|_| min == repetition.min && is_counted(repetition));
            repeat(open(&repetition.sub), min, max)
        }
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(open).collect()),
        HirKind::Alternation(parts) => match with_spellings(parts) {
            Some(class) => class,
            None => Hir::alternation(parts.iter().map(open).collect()),
        },
        _ => hir.clone(),
    }
}

/// For a class and spellings of characters beyond ASCII that go with it, any of their bytes: spelled out, each would
/// multiply the states.
fn with_spellings(parts: &[Hir]) -> Option<Hir> {
    let mut class = ClassBytes::empty();
    let mut beyond = ClassBytes::empty();
    for part in parts {
        match part.kind() {
            HirKind::Class(Class::Bytes(part)) => class.union(part),
            HirKind::Literal(literal) if !literal.0[0].is_ascii() => {
                literal.0.iter().for_each(|&byte| beyond.push(ClassBytesRange::new(byte, byte)));
            }
            _ => return None,
        }
    }
    class.union(&beyond);
    let more = repeat(Hir::class(Class::Bytes(beyond)), 0, None);
    Some(Hir::concat(vec![Hir::class(Class::Bytes(class)), more]))
}

/// The expression for letters of either case.
pub(super) fn folded(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Literal(literal) => {
            Hir::concat(literal.0.iter().map(|&byte| folded_class(&[byte])).collect())
        }
        HirKind::Class(Class::Bytes(class)) => {
            let mut class = class.clone();
            class.case_fold_simple();
            Hir::class(Class::Bytes(class))
        }
        HirKind::Repetition(repetition) => repeat(folded(&repetition.sub), repetition.min, repetition.max),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(folded).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(folded).collect()),
        _ => hir.clone(),
    }
}

fn folded_class(bytes: &[u8]) -> Hir {
    let mut class = ClassBytes::new(bytes.iter().map(|&byte| ClassBytesRange::new(byte, byte)));
    class.case_fold_simple();
    Hir::class(Class::Bytes(class))
}

fn repeat(sub: Hir, min: u32, max: Option<u32>) -> Hir {
    Hir::repetition(Repetition { min, max, greedy: true, sub: Box::new(sub) })
}

//! Conditions that an expression cannot match without, for expressions whose automaton is too large.
//!
//! Either the automaton of a wider expression, which only lets more through: look-around is dropped, counts above a bound
//! become "that many or more", and a class with characters beyond ASCII takes any byte beyond ASCII. Or, where none of
//! those fits, what must occur in every match: some literal of a set, a run of a class.

use super::automaton::Dfa;
use super::content::Content;
use super::regex::automaton;
use super::require;
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir, HirKind, Repetition};

/// What every match holds: one of some literals, and a run. Met by everything where neither is known.
pub(super) fn necessary(hir: &Hir) -> Content {
    let run = require::run(hir).map(|run| Content::ClassRun { class: run.class, min: run.min });
    let literals = require::literals(hir).map(|set| Content::Literals { list: set.literals, fold: set.fold });
    Content::All(literals.into_iter().chain(run).collect())
}

/// The automaton of the wider expression with the largest of these bounds of counts that fits `table_bytes`. Bounds come
/// smallest first: one that fits costs what it is worth, and only the last that is tried is for nothing.
pub(super) fn wider_automaton(hir: &Hir, table_bytes: usize, bounds: &[u32]) -> Option<Dfa> {
    let mut found = (Hir::fail(), None);
    for &bound in bounds {
        let wider = wider(hir, bound);
        if wider == found.0 {
            break;
        }
        let Some(dfa) = automaton(&wider, table_bytes) else { break };
        found = (wider, Some(dfa));
    }
    found.1
}

/// The expression with every count above `bound` open, no look-around, and bytes for characters beyond ASCII.
fn wider(hir: &Hir, bound: u32) -> Hir {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0.clone()),
        HirKind::Class(Class::Bytes(class)) => Hir::class(Class::Bytes(class.clone())),
        HirKind::Class(Class::Unicode(class)) => {
            let beyond = class.ranges().iter().any(|range| range.end() > '\x7f');
            let ranges =
                class.ranges().iter().filter(|range| range.start() <= '\x7f').map(|range| {
                    ClassBytesRange::new(range.start() as u8, (range.end() as u32).min(0x7f) as u8)
                });
            let ascii = Hir::class(Class::Bytes(ClassBytes::new(ranges)));
            if !beyond {
                return ascii;
            }
            let high = Class::Bytes(ClassBytes::new([ClassBytesRange::new(0x80, 0xff)]));
            Hir::alternation(vec![ascii, repeat(Hir::class(high), 1, Some(4))])
        }
        HirKind::Repetition(repetition) => {
            let (min, max) = (repetition.min.min(bound), repetition.max.filter(|&max| max <= bound));
            repeat(wider(&repetition.sub, bound), min, max)
        }
        HirKind::Capture(capture) => wider(&capture.sub, bound),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(|part| wider(part, bound)).collect()),
        HirKind::Alternation(parts) => {
            Hir::alternation(parts.iter().map(|part| wider(part, bound)).collect())
        }
    }
}

fn repeat(sub: Hir, min: u32, max: Option<u32>) -> Hir {
    Hir::repetition(Repetition { min, max, greedy: true, sub: Box::new(sub) })
}

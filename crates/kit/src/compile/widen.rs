//! Conditions that an expression cannot match without, for expressions whose automaton is too large.
//!
//! Either the automaton of a wider expression, which only lets more through: look-around is dropped, counts above a bound
//! become "that many or more", and a class with characters beyond ASCII takes any byte beyond ASCII. Or, where none of
//! those fits, what must occur in every match: some literal of a set, a run of a class.

use super::automaton::Dfa;
use super::content::Content;
use super::regex::automaton;
use super::require;
use regex_syntax::hir::{
    Class, ClassBytes, ClassBytesRange, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look, Repetition,
};

/// Most characters beyond ASCII of a class that are spelled out.
const MOST_SPELLED: usize = 4;

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
    bounded(&bytewise(hir), bound)
}

fn bounded(hir: &Hir, bound: u32) -> Hir {
    match hir.kind() {
        HirKind::Repetition(repetition) => {
            let (min, max) = (repetition.min.min(bound), repetition.max.filter(|&max| max <= bound));
            repeat(bounded(&repetition.sub, bound), min, max)
        }
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(|part| bounded(part, bound)).collect()),
        HirKind::Alternation(parts) => {
            Hir::alternation(parts.iter().map(|part| bounded(part, bound)).collect())
        }
        HirKind::Look(_) => Hir::empty(),
        _ => hir.clone(),
    }
}

/// The expression over bytes, without captures, and without look-around but for the end of the data. Of a class with a
/// few characters beyond ASCII each is spelled out, as in `(?i)s`, which also means `\u{17f}`; of others any bytes beyond
/// ASCII are one.
pub(super) fn bytewise(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Look(Look::End) => Hir::look(Look::End),
        HirKind::Empty | HirKind::Look(_) => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0.clone()),
        HirKind::Class(Class::Bytes(class)) => Hir::class(Class::Bytes(class.clone())),
        HirKind::Class(Class::Unicode(class)) => characters(class),
        HirKind::Repetition(repetition) => match repetition.sub.kind() {
            HirKind::Class(Class::Unicode(class)) => many_characters(class, repetition),
            _ => repeat(bytewise(&repetition.sub), repetition.min, repetition.max),
        },
        HirKind::Capture(capture) => bytewise(&capture.sub),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(bytewise).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(bytewise).collect()),
    }
}

/// Characters of a class again and again. Where some are beyond ASCII, bytes are counted instead of characters, and
/// those beyond ASCII only if some must be there: so there is one way to count, and an automaton stays small.
fn many_characters(class: &ClassUnicode, repetition: &Repetition) -> Hir {
    let (min, max) = (repetition.min, repetition.max);
    let (ascii, beyond) = split(class);
    if beyond.is_empty() {
        return repeat(characters(class), min, max);
    }
    let (ascii, beyond) = (ascii_bytes(&ascii), high_bytes(&beyond));
    match max {
        Some(max) if min == 0 => {
            let free = repeat(Hir::class(Class::Bytes(beyond)), 0, None);
            let one = Hir::concat(vec![Hir::class(Class::Bytes(ascii)), free.clone()]);
            Hir::concat(vec![free, repeat(one, 0, Some(max))])
        }
        _ => {
            let mut any = ascii;
            any.union(&beyond);
            repeat(Hir::class(Class::Bytes(any)), min, None)
        }
    }
}

/// One character of a class.
fn characters(class: &ClassUnicode) -> Hir {
    let (ascii, beyond) = split(class);
    let mut parts = vec![Hir::class(Class::Bytes(ascii_bytes(&ascii)))];
    if is_spelled(&beyond) {
        let spelled = beyond.iter().flat_map(|range| range.start()..=range.end());
        parts.extend(spelled.map(|c| Hir::literal(c.encode_utf8(&mut [0; 4]).as_bytes())));
    } else {
        parts.push(repeat(Hir::class(Class::Bytes(high_bytes(&beyond))), 1, Some(4)));
    }
    Hir::alternation(parts)
}

fn ascii_bytes(ranges: &[ClassUnicodeRange]) -> ClassBytes {
    ClassBytes::new(ranges.iter().map(|range| ClassBytesRange::new(range.start() as u8, range.end() as u8)))
}

/// Whether characters beyond ASCII are few enough to be told apart.
fn is_spelled(beyond: &[ClassUnicodeRange]) -> bool {
    beyond.iter().map(ClassUnicodeRange::len).sum::<usize>() <= MOST_SPELLED
}

/// The bytes of characters beyond ASCII.
fn high_bytes(beyond: &[ClassUnicodeRange]) -> ClassBytes {
    if !is_spelled(beyond) {
        return ClassBytes::new([ClassBytesRange::new(0x80, 0xff)]);
    }
    let spelled: String = beyond.iter().flat_map(|range| range.start()..=range.end()).collect();
    ClassBytes::new(spelled.bytes().map(|byte| ClassBytesRange::new(byte, byte)))
}

/// The ranges of a class within ASCII and beyond.
fn split(class: &ClassUnicode) -> (Vec<ClassUnicodeRange>, Vec<ClassUnicodeRange>) {
    let part = |from: char, to: char| (from <= to).then(|| ClassUnicodeRange::new(from, to));
    let ranges = class.ranges();
    let ascii = ranges.iter().filter_map(|range| part(range.start(), range.end().min('\x7f')));
    let beyond = ranges.iter().filter_map(|range| part(range.start().max('\u{80}'), range.end()));
    (ascii.collect(), beyond.collect())
}

fn repeat(sub: Hir, min: u32, max: Option<u32>) -> Hir {
    Hir::repetition(Repetition { min, max, greedy: true, sub: Box::new(sub) })
}

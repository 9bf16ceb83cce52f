//! An expression for data that is ASCII.
//!
//! On such data `\w`, `\b` and `(?i)k` mean little, but with all of Unicode in them an automaton is ten times the size,
//! and `\b` sends the engine to a slower one. So what is ASCII, as most text and most paths are, is searched with this
//! expression, which finds the same in it, and the original is for the rest.

use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir, HirKind, Look, Repetition};

/// The same as `hir` on ASCII, and nothing else.
pub(crate) fn only(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) if literal.0.is_ascii() => Hir::literal(literal.0.clone()),
        HirKind::Literal(_) => Hir::fail(),
        HirKind::Class(class) => Hir::class(Class::Bytes(self::class(class))),
        HirKind::Look(look) => Hir::look(ascii_look(*look)),
        HirKind::Repetition(repetition) => Hir::repetition(Repetition {
            min: repetition.min,
            max: repetition.max,
            greedy: repetition.greedy,
            sub: Box::new(only(&repetition.sub)),
        }),
        HirKind::Capture(capture) => {
            let mut capture = capture.clone();
            *capture.sub = only(&capture.sub);
            Hir::capture(capture)
        }
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(only).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(only).collect()),
    }
}

pub(crate) fn class(class: &Class) -> ClassBytes {
    let below =
        |start: u32, end: u32| (start < 0x80).then(|| ClassBytesRange::new(start as u8, end.min(0x7f) as u8));
    match class {
        Class::Bytes(class) => ClassBytes::new(
            class.iter().filter_map(|range| below(u32::from(range.start()), u32::from(range.end()))),
        ),
        Class::Unicode(class) => {
            ClassBytes::new(class.iter().filter_map(|range| below(range.start() as u32, range.end() as u32)))
        }
    }
}

fn ascii_look(look: Look) -> Look {
    match look {
        Look::WordUnicode => Look::WordAscii,
        Look::WordUnicodeNegate => Look::WordAsciiNegate,
        Look::WordStartUnicode => Look::WordStartAscii,
        Look::WordEndUnicode => Look::WordEndAscii,
        Look::WordStartHalfUnicode => Look::WordStartHalfAscii,
        Look::WordEndHalfUnicode => Look::WordEndHalfAscii,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::{Expression, compile};
    use regex_automata::meta::Regex;

    #[test]
    fn it_finds_the_same_in_ascii() {
        for text in
            [r"(?i)\bk\w{2,5}\b", r"[^a]+é?", r"(a|é)b|\Bc", r"é", r"(?-u:[\x00-\xff])x", r"\d+(?:ſ|s)"]
        {
            let expression = Expression::new(text).expect("parses");
            let full = compile(std::iter::once(expression.hir().clone()));
            let ascii = compile(std::iter::once(super::only(expression.hir())));
            for data in ["a key, kkk Keyring", "ab cb acb", "12s 5 \u{7f}x \0x", "", "aaa b"] {
                let spans = |regex: &Regex| regex.find_iter(data).map(|m| m.range()).collect::<Vec<_>>();
                assert_eq!(spans(&ascii), spans(&full), "{text} in {data:?}");
            }
        }
    }
}

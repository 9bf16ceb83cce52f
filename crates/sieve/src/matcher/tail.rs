//! What must follow a literal: a quick no for most places where one is.
//!
//! It says yes to more than the expression does: look-around is dropped, a character beyond ASCII is any such bytes, and
//! a count above [`BOUND`] is that many or more. So it never stops halfway, and needs no more states than are worth it.

use super::heads;
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir, HirKind, Repetition};

/// Largest count that is counted.
const BOUND: u32 = 40;

/// What follows the first `cut` parts.
pub(super) fn after(hir: &Hir, cut: usize) -> Hir {
    Hir::concat(heads::parts(hir).into_iter().skip(cut).map(wider).collect())
}

fn wider(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0.clone()),
        HirKind::Class(Class::Bytes(class)) => Hir::class(Class::Bytes(class.clone())),
        HirKind::Class(class) => {
            let ascii = super::ascii::class(class);
            let beyond = matches!(class, Class::Unicode(class)
                if class.ranges().last().is_some_and(|range| range.end() > '\x7f'));
            let one = Hir::class(Class::Bytes(ascii));
            if !beyond {
                return one;
            }
            let high = Hir::class(Class::Bytes(ClassBytes::new([ClassBytesRange::new(0x80, 0xff)])));
            Hir::alternation(vec![one, repeat(high, 2, Some(4))])
        }
        HirKind::Repetition(repetition) => {
            let (min, max) = (repetition.min.min(BOUND), repetition.max.filter(|&max| max <= BOUND));
            repeat(wider(&repetition.sub), min, max)
        }
        HirKind::Capture(capture) => wider(&capture.sub),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(wider).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(wider).collect()),
    }
}

fn repeat(sub: Hir, min: u32, max: Option<u32>) -> Hir {
    Hir::repetition(Repetition { min, max, greedy: true, sub: Box::new(sub) })
}

#[cfg(test)]
mod tests {
    use super::super::walk::{Here, Walk};
    use crate::rules::Expression;

    #[test]
    fn it_says_yes_wherever_the_rest_follows() {
        let expression = Expression::new(r"\w{0,9}key\b ?= ?(\w{50,60})é?$").expect("parses");
        let walk = Walk::any(&super::after(expression.hir(), 1)).expect("builds");
        let follows = |data: &[u8]| walk.at(&mut walk.cache(), data, 0, true, &mut 0) != Here::Nothing;
        let long = "x".repeat(55);
        for (text, right) in
            [("key = ", true), ("key=", true), ("key= é", true), ("key  =", false), ("kex=", false)]
        {
            assert_eq!(follows(format!("{text}{long}").as_bytes()), right, "{text}");
        }
        assert!(!follows(b"key=xxxxxxxxxxxxxxxxxxxx "));
    }
}

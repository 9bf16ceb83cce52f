//! What must follow a literal: a quick no for most places where one is.
//!
//! It says yes to more than the expression does: look-around is dropped but for ends, a character beyond ASCII is any such bytes, and
//! a count above [`BOUND`] is that many or more. So it never stops halfway, and needs no more states than are worth it.

use super::heads;
use super::walk::{Here, Walk};
use crate::rules::ascii;
use regex_automata::hybrid::dfa::Cache;
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir, HirKind, Look, Repetition};

/// Largest count that is counted.
const BOUND: u32 = 40;

/// What must follow a cut.
#[derive(Debug)]
pub(super) struct Tail {
    walk: Walk,
    /// Bytes that it has at most; with the same for data that is ASCII.
    longest: Option<usize>,
    longest_ascii: Option<usize>,
}

impl Tail {
    /// What follows the first `cut` parts. `None` where no automaton can be had.
    pub(super) fn after(hir: &Hir, cut: usize) -> Option<Self> {
        let parts: Vec<&Hir> = heads::parts(hir).into_iter().skip(cut).collect();
        let whole = |of: fn(&Hir) -> Hir| Hir::concat(parts.iter().map(|part| of(part)).collect());
        Some(Self {
            walk: Walk::any(&whole(wider))?,
            longest: whole(Hir::clone).properties().maximum_len(),
            longest_ascii: whole(ascii::only).properties().maximum_len(),
        })
    }

    /// Memory for a thread.
    pub(super) fn cache(&self) -> Cache {
        self.walk.cache()
    }

    /// Whether it may be at `at`. Adds to `steps` how many bytes were looked at.
    pub(super) fn may_follow(&self, cache: &mut Cache, data: &[u8], at: usize, steps: &mut usize) -> bool {
        let far = reach(self.longest, data, at);
        let near = far.min(reach(self.longest_ascii, data, at));
        let before = *steps;
        if self.walk.at(cache, &data[..near], at, true, steps) != Here::Nothing {
            return true;
        }
        // Nearly always that is told by the first few bytes. Else it matters whether characters may be longer than a byte.
        let may_go_on = *steps - before == near - at && near < far && !data[at..far].is_ascii();
        may_go_on && self.walk.at(cache, &data[..far], at, true, steps) != Here::Nothing
    }
}

/// The byte behind all that can be of it, if it has at most so many: counts that are not counted lead no farther.
fn reach(longest: Option<usize>, data: &[u8], at: usize) -> usize {
    longest.map_or(data.len(), |longest| data.len().min(at.saturating_add(longest)))
}

/// An expression without look-around that matches wherever this one does, over bytes. Ends are kept: data that is cut off
/// seems to end there, which says yes once too often.
pub(super) fn wider(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Look(end @ (Look::End | Look::EndLF | Look::EndCRLF)) => Hir::look(*end),
        HirKind::Empty | HirKind::Look(_) => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0.clone()),
        HirKind::Class(Class::Bytes(class)) => Hir::class(Class::Bytes(class.clone())),
        HirKind::Class(class) => {
            let ascii = ascii::class(class);
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
    use super::Tail;
    use crate::rules::Expression;

    /// Whether the rest may follow, and how many bytes that took.
    fn follows(text: &str, cut: usize, data: &[u8]) -> (bool, usize) {
        let tail = Tail::after(Expression::new(text).expect("parses").hir(), cut).expect("builds");
        let mut steps = 0;
        (tail.may_follow(&mut tail.cache(), data, 0, &mut steps), steps)
    }

    #[test]
    fn it_says_yes_wherever_the_rest_follows() {
        let text = r"\w{0,9}key\b ?= ?(\w{50,60})é?(?:;|$)";
        let long = "x".repeat(55);
        for (start, right) in
            [("key = ", true), ("key=", true), ("key= é", true), ("key  =", false), ("kex=", false)]
        {
            assert_eq!(follows(text, 1, format!("{start}{long}").as_bytes()).0, right, "{start}");
        }
        for (end, right) in [(";", true), ("é;", true), (" ;", false), (" ", false)] {
            assert_eq!(follows(text, 1, format!("key={long}{end}").as_bytes()).0, right, "{end}");
        }
        assert!(!follows(text, 1, b"key=xxxxxxxxxxxxxxxxxxxx ").0);
    }

    #[test]
    fn it_looks_no_farther_than_the_rest_can_reach() {
        let text = r"a(?s:.){0,100}b";
        let data = "a".to_owned() + &"x".repeat(10_000) + "b";
        assert_eq!(follows(text, 0, data.as_bytes()), (false, 102));
        let data = "a".to_owned() + &"é".repeat(10_000) + "b";
        // As far as ASCII could reach, and then as far as any characters can.
        assert_eq!(follows(text, 0, data.as_bytes()), (false, 102 + 402));
        for (between, right) in [("x".repeat(100), true), ("é".repeat(100), true), ("x".repeat(101), false)]
        {
            assert_eq!(follows(text, 0, format!("a{between}b").as_bytes()).0, right, "{}", between.len());
        }
    }
}

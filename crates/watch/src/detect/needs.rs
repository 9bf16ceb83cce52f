//! What a text must hold for an expression to match somewhere in it: of each branch, how it begins and a literal of a few.
//!
//! `^(nc|ncat)\s.*-e` needs a text that begins with `nc` or `ncat`, and has `-e` in it. To look for these costs next to nothing,
//! while an expression must be compiled before it can be asked.
//!
//! `kit::compile` also says what an expression requires, for the kernel: the strings that are rarest in what programs read and write,
//! multiplied out. Of `^(nc|ncat)\s.*-e` these are the names, which are asked for at the beginning anyway; here the longest one counts,
//! wherever it stands. With the kit's more expressions are compiled, and `kernscope watch -- true` took a tenth longer.

use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// Literals of one place that are kept; more tell too little.
const MAX_LITERALS: usize = 160;
/// Length from which on a longer literal is no better.
const LONG_ENOUGH: usize = 4;

/// What one of the branches of an expression must find.
#[derive(Debug, Default)]
pub(super) struct Needs {
    branches: Vec<Branch>,
}

#[derive(Debug, Default)]
struct Branch {
    /// The text begins with one of these.
    begins: Option<Vec<Literal>>,
    /// One of these is in it.
    holds: Option<Vec<Literal>>,
}

/// Bytes, and whether their case is of no matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Literal {
    bytes: Vec<u8>,
    folded: bool,
}

impl Needs {
    /// For what may match anything.
    pub(super) fn nothing() -> Self {
        Self { branches: vec![Branch::default()] }
    }

    pub(super) fn of(hir: &Hir) -> Self {
        let mut needs = Self::default();
        needs.add(hir, false);
        needs
    }

    /// Whether a text has what one of the branches needs.
    pub(super) fn are_in(&self, text: &[u8]) -> bool {
        self.branches.iter().any(|branch| {
            let begins = branch.begins.as_ref().is_none_or(|all| all.iter().any(|one| one.begins(text)));
            begins && branch.holds.as_ref().is_none_or(|all| all.iter().any(|one| one.is_in(text)))
        })
    }

    fn add(&mut self, hir: &Hir, anchored: bool) {
        match hir.kind() {
            HirKind::Capture(capture) => self.add(&capture.sub, anchored),
            HirKind::Alternation(all) => all.iter().for_each(|one| self.add(one, anchored)),
            HirKind::Concat(all) => match &all[..] {
                [start, rest] if *start.kind() == HirKind::Look(Look::Start) => self.add(rest, true),
                [start, rest @ ..] if *start.kind() == HirKind::Look(Look::Start) => {
                    self.branches.push(Branch { begins: first(rest), holds: held(all) });
                }
                _ => {
                    let begins = if anchored { first(all) } else { None };
                    self.branches.push(Branch { begins, holds: held(all) });
                }
            },
            _ => {
                let one = std::slice::from_ref(hir);
                let begins = if anchored { first(one) } else { None };
                self.branches.push(Branch { begins, holds: held(one) });
            }
        }
    }
}

impl Literal {
    fn is(&self, text: &[u8]) -> bool {
        if self.folded { text.eq_ignore_ascii_case(&self.bytes) } else { text == self.bytes }
    }

    fn begins(&self, text: &[u8]) -> bool {
        text.get(..self.bytes.len()).is_some_and(|start| self.is(start))
    }

    fn is_in(&self, text: &[u8]) -> bool {
        if self.folded {
            return text.windows(self.bytes.len()).any(|window| self.is(window));
        }
        memchr::memmem::find(text, &self.bytes).is_some()
    }

    fn push(&mut self, other: &Self) {
        self.bytes.extend_from_slice(&other.bytes);
        self.folded |= other.folded;
    }
}

/// A literal, or a letter of either case.
fn literal(hir: &Hir) -> Option<Literal> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(Literal { bytes: literal.0.to_vec(), folded: false }),
        HirKind::Class(Class::Bytes(class)) => {
            let bytes: Vec<u8> =
                class.ranges().iter().flat_map(|range| range.start()..=range.end()).take(3).collect();
            let folded =
                matches!(bytes[..], [upper, lower] if upper.is_ascii_uppercase() && upper | 0x20 == lower);
            folded.then(|| Literal { bytes: vec![bytes[1]], folded })
        }
        _ => None,
    }
}

/// What one of begins a text that these match one behind the other.
fn first(all: &[Hir]) -> Option<Vec<Literal>> {
    let mut begins = Vec::new();
    for (at, hir) in all.iter().enumerate() {
        if let Some(mut run) = literal(hir) {
            all[at + 1..].iter().map_while(literal).for_each(|next| run.push(&next));
            begins.push(run);
            return bounded(begins);
        }
        match hir.kind() {
            HirKind::Look(_) | HirKind::Empty => {}
            HirKind::Repetition(some) => {
                begins.extend(first(std::slice::from_ref(&some.sub))?);
                if some.min > 0 {
                    return bounded(begins);
                }
            }
            HirKind::Capture(capture) => {
                begins.extend(first(std::slice::from_ref(&capture.sub))?);
                return bounded(begins);
            }
            HirKind::Concat(inner) => {
                begins.extend(first(inner)?);
                return bounded(begins);
            }
            HirKind::Alternation(branches) => {
                for branch in branches {
                    begins.extend(first(std::slice::from_ref(branch))?);
                }
                return bounded(begins);
            }
            _ => return None,
        }
    }
    // All of it may be empty.
    None
}

/// Literals of which one stands in whatever these match one behind the other: the best that there are.
fn held(all: &[Hir]) -> Option<Vec<Literal>> {
    let mut best: Option<Vec<Literal>> = None;
    let mut offer = |found: Vec<Literal>| {
        if best.as_ref().is_none_or(|best| worth(&found) > worth(best)) {
            best = Some(found);
        }
    };
    let mut at = 0;
    while let Some(hir) = all.get(at) {
        at += 1;
        if let Some(mut run) = literal(hir) {
            for next in all[at..].iter().map_while(literal) {
                run.push(&next);
                at += 1;
            }
            offer(vec![run]);
        } else if let Some(found) = held_by(hir) {
            offer(found);
        }
    }
    best
}

fn held_by(hir: &Hir) -> Option<Vec<Literal>> {
    match hir.kind() {
        HirKind::Capture(capture) => held(std::slice::from_ref(&capture.sub)),
        HirKind::Repetition(some) if some.min > 0 => held(std::slice::from_ref(&some.sub)),
        HirKind::Concat(inner) => held(inner),
        HirKind::Alternation(branches) => {
            let mut all = Vec::new();
            for branch in branches {
                all.extend(held(std::slice::from_ref(branch))?);
            }
            bounded(all)
        }
        _ => None,
    }
}

/// Longer literals are rarer, and fewer are sought faster.
fn worth(all: &[Literal]) -> (usize, std::cmp::Reverse<usize>) {
    let shortest = all.iter().map(|one| one.bytes.len()).min().unwrap_or(0);
    (shortest.min(LONG_ENOUGH), std::cmp::Reverse(all.len()))
}

fn bounded(all: Vec<Literal>) -> Option<Vec<Literal>> {
    (all.len() <= MAX_LITERALS && all.iter().all(|one| !one.bytes.is_empty())).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(text: &str) -> Needs {
        let hir = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(text);
        Needs::of(&hir.expect("an expression"))
    }

    #[test]
    fn what_must_be_there_is_asked_for() {
        let are_in = |pattern: &str, text: &str| needs(pattern).are_in(text.as_bytes());
        for (pattern, text, wanted) in [
            ("^(nc|ncat)\\s.*-e", "ncat -e sh", true),
            ("^(nc|ncat)\\s.*-e", "ncat -l", false),
            ("^(nc|ncat)\\s.*-e", "a nc -e sh", false),
            ("^(busybox )?nc x", "nc x", true),
            ("^(busybox )?nc x", "busybox nc x", true),
            ("^(busybox )?nc x", "env nc x", false),
            ("(?i)union select", "a UNION Select b", true),
            ("(?i)union select", "a onion", false),
            ("^a.*foo|^b.*bar", "b foo", false),
            ("^a.*foo|^b.*bar", "b bar", true),
            ("(?x) ^ssh \\s | \\bcurl\\b", "x curl y", true),
            ("\\w+", "", true),
            ("^(-\\w+ )*x$", "y", false),
            ("^(-\\w+ )*x$", "-a x", true),
            ("(/tmp/|/dev/shm/)\\S+", "/var/tmp/x", true),
            ("(/tmp/|/dev/shm/)\\S+", "/var/lib/x", false),
            ("a{0,3}", "", true),
        ] {
            assert_eq!(are_in(pattern, text), wanted, "{pattern} in {text}");
        }
    }
}

//! Plans of the built-in rules, made ahead.
//!
//! To plan a rule takes its expression apart, which is most of what a short scan would do. So the plans stand in
//! `plans.txt`, by a hash of what they were made of: a rule that is not there, or was changed, is planned as any other. That they
//! are what would be made is tested; `KERNSCOPE_BLESS=1 cargo test -p kernscope-sieve plans` writes them anew.
//!
//! A plan is a line with the hash, the rule's name and `gates` where keywords are asked for apart, and below it a line for each head:
//! branch, parts before the cut, bytes before it (`min`, `max`, `max_ascii`), literals.

use super::heads::{Before, Cut};
use super::plan::{Head, Plan};
use crate::rules::{Expression, Rule};
use std::collections::HashMap;
use std::sync::LazyLock;

const TEXT: &str = include_str!("plans.txt");

static PLANS: LazyLock<HashMap<u64, Known>> = LazyLock::new(|| read(TEXT));

/// A plan whose keywords are the rule's.
#[derive(Debug, Default)]
struct Known {
    has_gates: bool,
    heads: Vec<Head>,
}

/// The plan of a built-in rule, if it was made ahead.
pub(super) fn plan(rule: &Rule, expression: &Expression) -> Option<Plan> {
    let known = PLANS.get(&hash(rule, expression)).filter(|_| expression.is_built_in())?;
    Some(Plan {
        heads: (!known.heads.is_empty()).then(|| known.heads.clone()),
        gates: if known.has_gates { rule.keywords.clone() } else { Vec::new() },
    })
}

/// FNV-1a, 64 bits, of all that a plan is made of.
fn hash(rule: &Rule, expression: &Expression) -> u64 {
    let keywords = rule.keywords.iter().flat_map(|keyword| [&[0], keyword.as_slice()]);
    let bytes = std::iter::once(expression.text().as_bytes()).chain(keywords).flatten();
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// # Panics
/// Where the text is not what is written here, which is tested.
fn read(text: &str) -> HashMap<u64, Known> {
    let mut plans = HashMap::new();
    let mut last = 0;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        match line.strip_prefix(' ') {
            Some(line) => plans.entry(last).or_insert_with(Known::default).heads.push(head(line)),
            None => {
                let (hash, rest) = line.split_at(16);
                last = u64::from_str_radix(hash, 16).expect("a hash in hexadecimal");
                let known = Known { has_gates: rest.ends_with(" gates"), heads: Vec::new() };
                assert!(plans.insert(last, known).is_none(), "two plans of {line}");
            }
        }
    }
    plans
}

fn head(line: &str) -> Head {
    let mut words = line.split(' ');
    let mut number = || words.next().and_then(|word| word.parse().ok()).expect("five numbers");
    let (branch, parts) = (number(), number());
    let before = Before { min: number(), max: number(), max_ascii: number() };
    Head { branch, cut: Cut { parts, before, literals: words.map(bytes).collect() } }
}

/// What stands for itself, and what is written `\xNN`.
fn bytes(word: &str) -> Vec<u8> {
    let mut pieces = word.split("\\x");
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        bytes.push(u8::from_str_radix(&piece[..2], 16).expect("two digits"));
        bytes.extend(&piece.as_bytes()[2..]);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RuleSet;
    use std::fmt::Write;

    const HEADER: &str = "# How to look for each built-in rule: crates/sieve/src/matcher/known.rs says what the lines are and writes them.\n";

    fn write(set: &RuleSet) -> String {
        let mut text = HEADER.to_owned();
        for rule in &set.rules {
            let Some(expression) = rule.pattern.expression().filter(|one| one.is_built_in()) else {
                continue;
            };
            let Plan { heads, gates } = Plan::of(rule, expression);
            let gates = if gates.is_empty() { "" } else { " gates" };
            let _ = writeln!(text, "{:016x} {}{gates}", hash(rule, expression), rule.id);
            for Head { branch, cut: Cut { parts, before, literals } } in heads.iter().flatten() {
                let Before { min, max, max_ascii } = before;
                let _ = write!(text, " {branch} {parts} {min} {max} {max_ascii}");
                literals.iter().for_each(|literal| text.push_str(&word(literal)));
                text.push('\n');
            }
        }
        text
    }

    fn word(literal: &[u8]) -> String {
        let one = |byte: &u8| match byte {
            b'\\' => "\\x5c".to_owned(),
            byte if byte.is_ascii_graphic() => char::from(*byte).to_string(),
            byte => format!("\\x{byte:02x}"),
        };
        std::iter::once(" ".to_owned()).chain(literal.iter().map(one)).collect()
    }

    #[test]
    fn plans_are_those_that_would_be_made() {
        let set = RuleSet::builtin();
        let made = write(&set);
        if std::env::var_os("KERNSCOPE_BLESS").is_some() {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/matcher/plans.txt");
            std::fs::write(path, &made).expect("writes");
            return;
        }
        assert_eq!(TEXT, made, "plans.txt differs; KERNSCOPE_BLESS=1 writes it anew");
        for rule in &set.rules {
            let Some(expression) = rule.pattern.expression().filter(|one| one.is_built_in()) else {
                continue;
            };
            assert_eq!(plan(rule, expression), Some(Plan::of(rule, expression)), "{}", rule.id);
        }
    }

    #[test]
    fn a_rule_that_was_changed_is_planned_anew() {
        let mut set = RuleSet::builtin();
        let rule = set.rules.iter_mut().find(|rule| !rule.keywords.is_empty()).expect("has keywords");
        rule.keywords.push(b"else".to_vec());
        let expression = rule.pattern.expression().expect("has an expression");
        assert_eq!(plan(rule, expression), None);
        let other = Expression::new(expression.text()).expect("parses");
        rule.keywords.pop();
        assert_eq!(plan(rule, &other), None);
    }
}

//! Examples: a rule is what it finds, and what it leaves alone.

use super::{Pattern, Rule, RuleSet};
use crate::matcher::{Matcher, Place};
use std::fmt;

/// An example that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExampleFault {
    /// The rule's name.
    pub rule: String,
    /// Its line in the file.
    pub line: usize,
    /// The example, by its place in its list, counted from 1.
    pub number: usize,
    /// Something was to be found in it.
    pub wanted: bool,
}

impl fmt::Display for ExampleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, line, number, wanted } = self;
        match wanted {
            true => write!(f, "line {line}: rule {rule:?}: finds nothing in its example {number} (match)"),
            false => {
                write!(f, "line {line}: rule {rule:?}: finds something in its example {number} (no_match)")
            }
        }
    }
}

/// What became of the examples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Examples that were tried.
    pub examples: usize,
    /// Rules that have any.
    pub rules: usize,
    /// Those that do not hold.
    pub faults: Vec<ExampleFault>,
}

impl RuleSet {
    /// Tries every example of every rule, each rule by itself.
    pub fn verify(&self) -> Verified {
        let mut verified = Verified::default();
        for rule in self.rules.iter().filter(|rule| rule.examples.len() + rule.counter_examples.len() > 0) {
            verified.rules += 1;
            let finds = self.finder(rule);
            let wanted = rule.examples.iter().enumerate().map(|example| (true, example));
            let unwanted = rule.counter_examples.iter().enumerate().map(|example| (false, example));
            for (wanted, (number, text)) in wanted.chain(unwanted) {
                verified.examples += 1;
                if finds(text) != wanted {
                    let (rule, line) = (rule.id.clone(), rule.line);
                    verified.faults.push(ExampleFault { rule, line, number: number + 1, wanted });
                }
            }
        }
        verified
    }

    /// Whether a rule alone finds something in a text; in a path, if it asks for nothing else.
    fn finder(&self, rule: &Rule) -> impl Fn(&str) -> bool + use<> {
        let by_path = matches!(rule.pattern, Pattern::Path);
        let mut alone = rule.clone();
        if !by_path {
            alone.paths = Default::default();
        }
        let matcher =
            Matcher::new(RuleSet { rules: vec![alone], allow: self.allow.clone(), ..RuleSet::default() });
        move |text| {
            let place = Place { path: text.as_bytes(), commit: None };
            match by_path {
                true => matcher.find_path(&place).next().is_some(),
                false => !matcher.find(text.as_bytes(), &Place::default(), &mut matcher.scratch()).is_empty(),
            }
        }
    }
}

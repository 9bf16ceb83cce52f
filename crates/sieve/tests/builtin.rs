//! The built-in rules: each finds its own examples, leaves alone what is nearly one, and no other rule takes part.

use kernscope_sieve::matcher::{Matcher, Place};
use kernscope_sieve::rules::{RuleSet, builtin_files};
use std::collections::BTreeSet;

/// Names of the rules that find something in a text.
fn found<'a>(matcher: &'a Matcher, text: &str) -> BTreeSet<&'a str> {
    let found = matcher.find(text.as_bytes(), &Place::default(), &mut matcher.scratch());
    found.iter().map(|found| matcher.rules()[found.rule].id.as_str()).collect()
}

#[test]
fn examples_hold() {
    let set = RuleSet::builtin();
    let verified = set.verify();
    let faults: Vec<String> = verified.faults.iter().map(ToString::to_string).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(verified.rules, set.rules.len(), "a rule has no examples");
}

#[test]
fn every_rule_is_complete() {
    let set = RuleSet::builtin();
    assert!(set.rules.len() >= 150, "only {} rules", set.rules.len());
    assert!(set.notes.is_empty(), "{:?}", set.notes);
    for rule in &set.rules {
        let id = &rule.id;
        let kebab = id.split('-').all(|part| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        });
        assert!(kebab, "{id}: not in kebab-case");
        assert!(!rule.description.is_empty() && !rule.description.ends_with('.'), "{id}: description");
        assert!(rule.examples.len() >= 2, "{id}: fewer than two examples");
        assert!(rule.counter_examples.len() >= 2, "{id}: fewer than two counter-examples");
        let texts: BTreeSet<&String> = rule.examples.iter().chain(&rule.counter_examples).collect();
        assert_eq!(texts.len(), rule.examples.len() + rule.counter_examples.len(), "{id}: an example twice");
    }
}

#[test]
fn names_are_unique_across_files() {
    let count: usize = builtin_files().map(|(_, text)| RuleSet::parse(text).unwrap().rules.len()).sum();
    assert_eq!(count, RuleSet::builtin().rules.len());
}

/// A secret is told by one rule: the most specific. Generic rules give way by themselves; but to a rule that looks at
/// certain files alone not here, where there is no path.
#[test]
fn no_two_rules_find_the_same_example() {
    let matcher = Matcher::new(RuleSet::builtin());
    let mut overlaps = Vec::new();
    for rule in matcher.rules() {
        for (number, example) in rule.examples.iter().enumerate() {
            let mut others = found(&matcher, example);
            others.remove(rule.id.as_str());
            others.retain(|other| rule.paths.is_empty() || !other.starts_with("generic-"));
            if !others.is_empty() {
                overlaps.push(format!("{} example {}: also {others:?}", rule.id, number + 1));
            }
        }
    }
    assert!(overlaps.is_empty(), "{}", overlaps.join("\n"));
}

/// Examples have a character of each secret written by number (`\u005f`), so that neither kernscope nor another scanner
/// finds secrets in the rules.
#[test]
fn rule_files_hold_no_secret() {
    let matcher = Matcher::new(RuleSet::builtin());
    for (name, text) in builtin_files() {
        let rules = found(&matcher, text);
        assert!(rules.is_empty(), "{name}: {rules:?} find something");
    }
}

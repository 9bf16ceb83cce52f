//! The detections that come with kernscope: each finds its own examples and leaves alone what is nearly one.

use kernscope_watch::detect::{Detections, builtin_files};

#[test]
fn examples_hold() {
    let (count, faults) = Detections::builtin().verify();
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(count >= 120, "only {count} examples");
}

#[test]
fn every_rule_is_complete() {
    let all = Detections::builtin();
    assert!(all.rules.len() >= 60, "only {} rules", all.rules.len());
    for rule in &all.rules {
        let (examples, near) = rule.examples();
        assert!(examples >= 1 && near >= 1, "{}: {examples} examples, {near} near misses", rule.id);
        assert!(!rule.technique.is_empty() && !rule.tags.is_empty(), "{}: technique or tags", rule.id);
        assert!(rule.message.contains('{') && !rule.message.ends_with('.'), "{}: {}", rule.id, rule.message);
    }
    let in_files: usize =
        builtin_files().map(|(_, text)| Detections::parse(text).expect("readable").rules.len()).sum();
    assert_eq!(in_files, all.rules.len(), "one id in two files");
}

/// What is nearly one rule's matter is not another's either: near misses are ordinary work.
#[test]
fn near_misses_are_nobodys() {
    let overlaps = Detections::builtin().overlaps();
    assert!(overlaps.is_empty(), "{overlaps:#?}");
}

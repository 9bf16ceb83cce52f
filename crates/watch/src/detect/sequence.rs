//! Sequences that have begun: which steps were seen, by whom, and when.
//!
//! Bounded: [`MAX_BEGUN`] a rule; the oldest goes, and is counted.

use super::rule::{By, Detection};
use super::scene::Scene;
use super::value::Value;
use crate::core::{ProcId, Table};
use std::collections::VecDeque;

/// Sequences of one rule that may be under way at once.
const MAX_BEGUN: usize = 512;

/// A sequence under way.
#[derive(Clone, Debug)]
struct Begun {
    /// The step that is waited for.
    next: usize,
    since_ns: u64,
    /// Who did the last step.
    by: ProcId,
    evidence: Vec<u64>,
    /// Fields of the first records that had them, which later ones are held against.
    kept: Vec<(String, String)>,
}

/// All sequences under way, by rule.
#[derive(Debug)]
pub(super) struct Sequences {
    begun: Vec<VecDeque<Begun>>,
    forgotten: u64,
}

impl Sequences {
    pub(super) fn new(rules: usize) -> Self {
        Self { begun: (0..rules).map(|_| VecDeque::new()).collect(), forgotten: 0 }
    }

    /// How many were dropped for want of room.
    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// A record is step `number` of a rule. The records of a sequence that it completes.
    pub(super) fn step(
        &mut self,
        at: usize,
        rule: &Detection,
        number: usize,
        scene: &Scene<'_>,
    ) -> Option<Vec<u64>> {
        let id = scene.id()?;
        let begun = self.begun.get_mut(at)?;
        let now_ns = scene.entry.ts_ns;
        begun.retain(|one| now_ns.saturating_sub(one.since_ns) <= rule.within_ns);
        let follows = |one: &Begun| {
            one.next == number
                && belongs(rule.by, scene.table(), one.by, id)
                && same(rule, number, one, scene)
        };
        let Some(found) = begun.iter().rposition(follows) else {
            if number == 0 || rule.any_order {
                let next = if rule.any_order { 1 - number } else { 1 };
                let kept = kept(rule, scene, Vec::new());
                // The same again begins anew.
                begun.retain(|one| one.next != next || one.by != id || one.kept != kept);
                let begins = Begun { next, since_ns: now_ns, by: id, evidence: vec![scene.seq], kept };
                push(begun, begins, &mut self.forgotten);
            }
            return None;
        };
        let mut one = begun.get(found)?.clone();
        one.evidence.push(scene.seq);
        if rule.any_order || number + 1 == rule.steps.len() {
            // It may go on from the same beginning: another program runs what was fetched.
            return Some(one.evidence);
        }
        (one.next, one.by) = (number + 1, id);
        one.kept = kept(rule, scene, one.kept);
        push(begun, one, &mut self.forgotten);
        None
    }

    /// A process did what ends sequences of a rule that have only begun.
    pub(super) fn end(&mut self, at: usize, scene: &Scene<'_>) {
        if let (Some(begun), Some(id)) = (self.begun.get_mut(at), scene.id()) {
            begun.retain(|one| one.next != 1 || one.by != id);
        }
    }
}

fn push(begun: &mut VecDeque<Begun>, one: Begun, forgotten: &mut u64) {
    if begun.len() >= MAX_BEGUN {
        begun.pop_front();
        *forgotten += 1;
    }
    begun.push_back(one);
}

/// The fields that later steps ask for.
fn kept(rule: &Detection, scene: &Scene<'_>, mut kept: Vec<(String, String)>) -> Vec<(String, String)> {
    for (_, other) in rule.steps.iter().flat_map(|step| &step.same) {
        if kept.iter().all(|(name, _)| name != other) {
            let name = if other == "path" && scene.with("path", |value| value == Value::Missing) {
                "written"
            } else {
                other
            };
            let text = scene.with(name, |value| match value {
                Value::Text(text) => Some(text.to_owned()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            });
            kept.extend(text.map(|text| (other.clone(), text)));
        }
    }
    kept
}

/// Whether one of the fields that a step holds against the first record is the same there.
fn same(rule: &Detection, number: usize, begun: &Begun, scene: &Scene<'_>) -> bool {
    let pairs = &rule.steps[number].same;
    pairs.is_empty()
        || pairs.iter().any(|(own, other)| {
            let wanted = begun.kept.iter().find(|(name, _)| name == other);
            wanted.is_some_and(|(_, wanted)| scene.with(own, |value| is(value, wanted)))
        })
}

fn is(value: Value<'_>, wanted: &str) -> bool {
    match value {
        Value::Text(text) => text == wanted,
        Value::Texts(texts) => texts.iter().any(|text| text == wanted),
        Value::Number(number) => number.to_string() == wanted,
        Value::Flag(_) | Value::Missing => false,
    }
}

fn belongs(by: By, table: &Table, before: ProcId, now: ProcId) -> bool {
    match by {
        By::Same => before == now,
        By::Descendant => before == now || table.lineage(now).any(|process| process.id == before),
        By::Siblings => {
            let parent = |id| table.lineage(id).next().map(|process| process.id);
            before != now && parent(before).is_some() && parent(before) == parent(now)
        }
        By::Tree => {
            let line = |id: ProcId| {
                let own = table.get(id);
                own.into_iter()
                    .chain(table.lineage(id))
                    .filter(|process| process.watched && process.id.pid > 1)
            };
            line(now).any(|process| line(before).any(|other| other.id == process.id))
        }
    }
}

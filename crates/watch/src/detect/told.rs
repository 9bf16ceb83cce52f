//! Alerts that were told: the same rule, process and object once; of a command, what it becomes or starts as well.
//!
//! Bounded: [`MAX_ALERTS`] a rule in a run, what is beyond is counted; of what makes alerts the same the last
//! [`MAX_KEPT`] are remembered.

use super::message;
use super::retold::Lines;
use super::rule::Detection;
use super::scene::Scene;
use super::value::Value;
use crate::core::ProcId;
use kernscope_report::{Alert, Body};
use std::collections::{HashSet, VecDeque};
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Alerts of one rule in a run.
const MAX_ALERTS: u32 = 1000;
/// Alerts that are known again.
const MAX_KEPT: usize = 65_536;

/// What became of alerts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rules in use.
    pub rules: usize,
    /// Alerts told.
    pub told: u64,
    /// The same as one that was told.
    pub repeats: u64,
    /// Not told, as their rule had told a thousand.
    pub beyond: u64,
    /// Sequences that were dropped while they were under way, for want of room.
    pub forgotten: u64,
}

/// What was told.
#[derive(Debug)]
pub(super) struct Told {
    known: HashSet<u64>,
    order: VecDeque<u64>,
    lines: Lines,
    by_rule: Vec<u32>,
    counts: Counts,
}

impl Told {
    pub(super) fn new(rules: usize) -> Self {
        Self {
            known: HashSet::new(),
            order: VecDeque::new(),
            lines: Lines::default(),
            by_rule: vec![0; rules],
            counts: Counts::default(),
        }
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// The alert, unless it was told.
    pub(super) fn tell(
        &mut self,
        at: usize,
        rule: &Detection,
        scene: &Scene<'_>,
        evidence: Vec<u64>,
    ) -> Option<Alert> {
        let object = object(scene);
        let mut hasher = DefaultHasher::new();
        (at, scene.id().map(|id: ProcId| (id.pid, id.start_ns)), &object).hash(&mut hasher);
        let key = hasher.finish();
        if self.known.contains(&key) || self.lines.has(at, scene) {
            self.counts.repeats += 1;
            return None;
        }
        if self.by_rule.get(at).is_none_or(|told| *told >= MAX_ALERTS) {
            self.counts.beyond += 1;
            return None;
        }
        if self.order.len() >= MAX_KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.known.insert(key);
        self.lines.keep(at, scene);
        self.order.push_back(key);
        self.by_rule[at] += 1;
        self.counts.told += 1;
        Some(alert(rule, scene, evidence, &object))
    }
}

fn alert(rule: &Detection, scene: &Scene<'_>, mut evidence: Vec<u64>, object: &str) -> Alert {
    let mut because = Vec::new();
    if matches!(scene.entry.body, Body::ProcessExec { .. })
        && rule.steps.iter().any(|step| step.condition.asks("shell"))
    {
        let reading = scene.reading();
        because.extend(reading.because.iter().map(|fact| message::hidden(fact.clone(), scene)));
        evidence.extend(&reading.evidence);
    }
    if let Some(origin) = scene.origin().filter(|_| rule.steps.iter().any(|step| step.condition.asks("from")))
    {
        because.push(origin.because.clone());
        evidence.extend(&origin.seqs);
    }
    if let Some((ret, Some(errno))) = scene.entry.body.outcome().filter(|(ret, _)| *ret < 0) {
        because.push(format!("the call failed: {errno} ({ret})"));
    }
    evidence.sort_unstable();
    evidence.dedup();
    let name = scene.process().map_or("", |process| process.name());
    Alert {
        rule: rule.id.clone(),
        severity: rule.severity,
        message: message::fill(&rule.message, scene),
        evidence,
        because,
        id: Alert::id_of(&[&rule.id, name, object]),
        count: 1,
        technique: rule.technique.clone(),
        tags: rule.tags.clone(),
        ..Alert::default()
    }
}

/// What a record is about, beside who did it.
fn object(scene: &Scene<'_>) -> String {
    let fields: &[&str] = match &scene.entry.body {
        Body::ProcessExec { .. } => &["line"],
        Body::Dns(_) => &["query"],
        Body::Http(_) => &["host", "path"],
        Body::FileRename { .. } | Body::FileLink { .. } => &["new_path"],
        _ => &["path", "remote", "local"],
    };
    let mut object = String::new();
    for field in fields {
        scene.with(field, |value| {
            if let Value::Text(text) = value {
                // Writing to a String cannot fail.
                let _ = write!(object, "{text}\0");
            }
        });
    }
    object
}

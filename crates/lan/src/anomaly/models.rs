//! Intervals of devices, and what models make of them: each device's own ([`super::habit`]), and one that is given.

use super::activity::{Activity, DEVICES_MAX, Interval, Vector};
use super::alert::{Alert, Alerts};
use super::habit::Habits;
use super::learnt::{Learnt, Notes};
use super::scene::Scene;
use super::{Amount, Flow, Options, Seen};
use kernscope_report::Severity;
use std::collections::VecDeque;
use std::fmt;

/// Intervals that are looked at when the clock is, so that ten thousand devices do not hold frames up.
const AT_ONCE: usize = 512;

/// A model that says how likely it is that something is wrong in an interval.
pub trait Judge: fmt::Debug {
    /// From 0 to 1, or on whatever scale its threshold is; `None` where it has no answer.
    fn score(&mut self, vector: &Vector) -> Option<f32>;
}

/// Follows what devices do, and asks models.
#[derive(Debug)]
pub(super) struct Models {
    activity: Activity,
    habits: Habits,
    given: Option<(Box<dyn Judge>, f32)>,
    waiting: VecDeque<Interval>,
}

impl Models {
    pub(super) fn new(options: Options) -> Self {
        Self {
            activity: Activity::default(),
            habits: Habits::new(options, DEVICES_MAX),
            given: None,
            waiting: VecDeque::new(),
        }
    }

    pub(super) fn give(&mut self, judge: Box<dyn Judge>, threshold: f32) {
        self.given = Some((judge, threshold));
    }

    pub(super) fn frame(&mut self, seen: &Seen<'_>, scene: &Scene, alerts: &mut Alerts) {
        self.activity.turn(seen.now_ns, &mut self.waiting);
        self.activity.frame(seen, scene);
        self.settle(scene, alerts);
    }

    pub(super) fn counted(&mut self, flow: &Flow, amount: Amount) {
        self.activity.counted(flow, amount);
    }

    /// The clock is looked at; at its end everything is.
    pub(super) fn tick(&mut self, now_ns: u64, scene: &Scene, alerts: &mut Alerts) {
        self.activity.turn(now_ns, &mut self.waiting);
        let most = if now_ns == u64::MAX { usize::MAX } else { AT_ONCE };
        for _ in 0..self.waiting.len().min(most) {
            self.settle(scene, alerts);
        }
        if now_ns == u64::MAX {
            self.habits.end();
        }
    }

    /// Looks at one interval that waits.
    fn settle(&mut self, scene: &Scene, alerts: &mut Alerts) {
        // What a router passes on is not what it does.
        let Some(interval) = self.waiting.pop_front().filter(|interval| !scene.is_router(interval.mac))
        else {
            return;
        };
        self.habits.interval(&interval, alerts);
        let Some((judge, threshold)) = &mut self.given else { return };
        if let Some(score) = judge.score(&interval.vector).filter(|score| score > threshold) {
            alerts.raise(alert(&interval, score, *threshold));
        }
    }

    pub(super) fn gap(&self) -> Option<String> {
        let refused = self.activity.refused();
        (refused > 0)
            .then(|| format!("{refused} frames of devices beyond {DEVICES_MAX} were left out of models"))
    }

    pub(super) fn learnt(&mut self, notes: &mut Notes) {
        self.habits.learnt(notes);
    }

    pub(super) fn remember(&mut self, row: &Learnt) {
        self.habits.remember(row);
    }
}

fn alert(interval: &Interval, score: f32, threshold: f32) -> Alert {
    let Interval { mac, vector, start_ns } = *interval;
    let mut most: Vec<_> = vector.iter().zip(super::FEATURES).collect();
    most.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let told = most
        .iter()
        .take(4)
        .map(|(number, (_, unit, what))| format!("{what}: {:.0} {unit}", number.exp2() - 1.0));
    Alert {
        rule: "model",
        severity: Severity::Low,
        mac,
        ip: None,
        subject: String::new(),
        message: format!("the model scores five minutes of this device {score:.3}, above {threshold}"),
        because: told.collect(),
        count: 1,
        first_ns: start_ns,
        last_ns: start_ns,
    }
}

//! A model for each device of what it does within five minutes, which learns as it goes: a random-cut forest.
//!
//! A forest (Guha et al., *Robust Random Cut Forest Based Anomaly Detection on Streams*, 2016) says how far a point lies from those that it
//! holds. Each device has its own, of the numbers of [`super::activity`]. A device is learnt for a day at least and scored for two hours
//! more to know which scores are usual; then is told what scores far above the highest of those, for three intervals running, with a
//! number at least twice as large as it ever was. So what people do for the first time in days is mostly nothing, and what goes on and
//! on is something.
//!
//! A forest of a device takes a hundred kilobytes. Therefore what is kept of each device is a sample of its past, a byte a number; forests
//! are made from it when they are needed, and the last few hundred stay. The sample is replaced at random, so that it reaches back for
//! about a week.

mod device;
mod told;

pub(super) use told::words;

use super::activity::{FEATURES_LEN, Interval};
use super::alert::Alerts;
use super::learnt::{Learnt, Notes, What};
use super::{Options, recent::Recent};
use crate::Mac;
use device::{Habit, PAST, Row, point, row};
use rcf3::Forest;
use std::collections::{HashMap, HashSet};
use told::alert;

/// Intervals with traffic that are learnt, whatever the time.
const SEEN_MIN: u64 = 48;
/// Intervals that are scored to know what is usual.
const CALIBRATED: u32 = 24;
/// Scores above so many times the highest usual one are far out.
const FAR: f32 = 1.2;
/// Forests that stay, by half.
const FORESTS: usize = 128;
/// State is handed out once in so many intervals of a device.
const NOTED: u64 = 12;

/// Models of all devices.
#[derive(Debug)]
pub(super) struct Habits {
    devices: HashMap<Mac, Habit>,
    forests: Recent<Mac, Forest>,
    fresh: HashSet<Mac>,
    learn_ns: u64,
    intervals: usize,
    most: usize,
}

impl Habits {
    pub(super) fn new(options: Options, most: usize) -> Self {
        Self {
            devices: HashMap::new(),
            forests: Recent::new(FORESTS),
            fresh: HashSet::new(),
            learn_ns: options.unusual_learn_ns,
            intervals: options.unusual_intervals.max(1),
            most,
        }
    }

    /// A device's interval is over: scores it, or learns it.
    pub(super) fn interval(&mut self, interval: &Interval, alerts: &mut Alerts) {
        let Interval { mac, vector, start_ns } = *interval;
        if self.devices.len() >= self.most && !self.devices.contains_key(&mac) {
            return;
        }
        let habit =
            self.devices.entry(mac).or_insert_with(|| Habit { first_ns: start_ns, ..Habit::default() });
        habit.last_ns = start_ns;
        let row = row(&vector);
        let is_learning = start_ns.saturating_sub(habit.first_ns) < self.learn_ns || habit.seen < SEEN_MIN;
        if !is_learning {
            let score = score(&mut self.forests, mac, habit, &row);
            if habit.scored >= CALIBRATED && score > FAR * habit.high && habit.is_beyond(&row) {
                habit.strikes.push((row, score));
                if habit.strikes.len() < self.intervals {
                    return;
                }
                let forest = self.forests.get(&mac);
                alerts.raise(alert(mac, habit, forest, start_ns));
            }
            if habit.strikes.is_empty() {
                habit.scored = habit.scored.saturating_add(1);
                // What is usual may become less in time.
                habit.high = score.max(habit.high * 0.9995);
            }
        }
        // What went on for long, or was over soon, is a part of the past.
        let strikes = std::mem::take(&mut habit.strikes);
        let is_told = strikes.iter().any(|(of, _)| *of == row);
        let all = strikes.into_iter().map(|(row, _)| row).chain((!is_told).then_some(row));
        for row in all {
            if habit.learn(mac, row)
                && let Some(forest) = self.forests.get_mut(&mac)
            {
                let _taken = forest.update(&point(&row));
            }
        }
        if habit.seen.is_multiple_of(NOTED) {
            self.fresh.insert(mac);
        }
    }

    /// Nothing more comes: everything is to be handed out.
    pub(super) fn end(&mut self) {
        self.fresh.extend(self.devices.keys());
    }

    pub(super) fn learnt(&mut self, notes: &mut Notes) {
        for mac in self.fresh.drain() {
            let Some(habit) = self.devices.get(&mac) else { continue };
            notes.note(What::Habit, mac, String::new(), habit, habit.last_ns);
        }
    }

    pub(super) fn remember(&mut self, row: &Learnt) {
        let habit = Some(row).filter(|row| row.what == What::Habit).and_then(Learnt::read::<Habit>);
        let fits = |habit: &Habit| {
            habit.past.len() <= PAST * FEATURES_LEN && habit.past.len().is_multiple_of(FEATURES_LEN)
        };
        if let Some(habit) = habit.filter(fits)
            && self.devices.len() < self.most
        {
            self.devices.insert(row.mac, habit);
        }
    }
}

/// How far out a row is.
fn score(forests: &mut Recent<Mac, Forest>, mac: Mac, habit: &Habit, row: &Row) -> f32 {
    if !forests.contains(&mac) {
        habit.forest(mac).into_iter().for_each(|forest| forests.put(mac, forest));
    }
    let score = forests.get(&mac).and_then(|forest| forest.score(&point(row)).ok());
    score.map_or(0.0, |score| score as f32)
}

#[cfg(test)]
mod tests {
    use super::super::activity::{DEVICES_MAX, INTERVAL_NS, Vector};
    use super::device::scramble;
    use super::*;

    fn usual(mac: Mac, n: u64) -> Vector {
        let chance = |k: u64| (scramble(mac, n * 31 + k) % 1000) as f32 / 1000.0;
        let is_day = (n % 288) > 96;
        let level = if is_day { 16.0 } else { 11.0 };
        [
            level + chance(1) * 2.0,
            level + 2.0 + chance(2) * 2.0,
            level - 9.0 + chance(3),
            level - 8.0 + chance(4),
            9.0 + chance(5),
            3.0 + chance(6) * 2.0,
            chance(7),
            2.0 + chance(8),
            1.0 + chance(9),
            1.0 + chance(10),
            3.0 + chance(11),
            4.0 + chance(12),
        ]
    }

    /// Days of a device; what it does in an interval may be changed. Messages, and the habits behind it.
    fn days(days: u64, change: impl Fn(u64, &mut Vector)) -> (Vec<String>, Habits) {
        let mac = Mac([2, 0, 0, 0, 0, 7]);
        let (mut habits, mut alerts) = (Habits::new(Options::default(), DEVICES_MAX), Alerts::default());
        for n in 0..days * 288 {
            let mut vector = usual(mac, n);
            change(n, &mut vector);
            habits.interval(&Interval { mac, vector, start_ns: n * INTERVAL_NS }, &mut alerts);
        }
        (alerts.news().into_iter().map(|alert| alert.message).collect(), habits)
    }

    #[test]
    fn what_goes_on_far_out_is_told_and_chance_is_not() {
        assert_eq!(days(5, |_, _| {}).0, [""; 0]);
        let flood = |n: u64, vector: &mut Vector| {
            if (1000..1006).contains(&n) {
                vector[7] = 9.0;
                vector[8] = 9.0;
            }
        };
        let (told, _) = days(5, flood);
        let [message] = &told[..] else { panic!("{told:?}") };
        assert!(message.starts_with("unusual for this device, for 15 minutes: "), "{message}");
        assert!(
            message.contains("addresses that it began to talk to: 5") || message.contains("services that"),
            "{message}"
        );
        let once = |n: u64, vector: &mut Vector| {
            if n.is_multiple_of(100) {
                vector[7] = 9.0;
            }
        };
        assert_eq!(days(5, once).0, [""; 0], "once in a while is not running");
        let early = |n: u64, vector: &mut Vector| {
            if (200..210).contains(&n) {
                vector[7] = 9.0;
            }
        };
        assert_eq!(days(3, early).0, [""; 0], "it is learnt for a day");
    }

    #[test]
    fn state_goes_through_the_database_and_is_bounded() {
        let (_, mut habits) = days(4, |_, _| {});
        habits.end();
        let mut notes = Notes::default();
        habits.learnt(&mut notes);
        let rows = notes.take();
        let bytes = rows[0].value.as_ref().map_or(0, String::len);
        assert!(bytes < 8_000, "{bytes}");
        let mut again = Habits::new(Options::default(), DEVICES_MAX);
        again.remember(&rows[0]);
        let (one, other) = (habits.devices.values().next(), again.devices.values().next());
        assert_eq!(format!("{one:?}"), format!("{other:?}"));
        let mut few = Habits::new(Options::default(), 1);
        for n in 0..3 {
            let interval =
                Interval { mac: Mac([2, 0, 0, 0, 0, n]), vector: [0.0; FEATURES_LEN], start_ns: 0 };
            few.interval(&interval, &mut Alerts::default());
        }
        assert_eq!(few.devices.len(), 1);
    }
}

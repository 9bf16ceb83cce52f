//! What a device does, and what of it is unusual, in words.

use super::super::activity::{FEATURES, FEATURES_LEN, INTERVAL_NS};
use super::super::alert::Alert;
use super::super::learnt::Learnt;
use super::device::{Habit, STEPS, point};
use crate::Mac;
use kernscope_report::Severity;
use rcf3::Forest;

/// What is known of a device, in words.
pub(in crate::anomaly) fn words(row: &Learnt) -> Option<String> {
    let habit: Habit = row.read()?;
    Some(format!("{} intervals of five minutes are learnt of what it does", habit.seen))
}

pub(super) fn alert(mac: Mac, habit: &Habit, forest: Option<&Forest>, now_ns: u64) -> Alert {
    let row = habit.strikes.last().map_or([0; FEATURES_LEN], |(row, _)| *row);
    let score = habit.strikes.iter().map(|(_, score)| *score).fold(0.0, f32::max);
    let mut parts: Vec<(usize, f64)> = forest
        .and_then(|forest| forest.attribution(&point(&row)).ok())
        .map(|parts| parts.iter().map(|part| part.above + part.below).enumerate().collect())
        .unwrap_or_default();
    // What is beyond all that was comes first, then what contributes to the score.
    let beyond = |feature: usize| row[feature].saturating_sub(habit.most[feature]);
    parts.sort_by(|(one, a), (other, b)| beyond(*other).cmp(&beyond(*one)).then(b.total_cmp(a)));
    let of = |byte: u8| (2f64.powf(f64::from(byte) / f64::from(STEPS)) - 1.0).max(0.0);
    let told = parts.iter().take(3).map(|(feature, _)| {
        let (_, unit, what) = FEATURES[*feature];
        let (now, usual, most) = (of(row[*feature]), of(habit.middle(*feature)), of(habit.most[*feature]));
        format!("{what}: {now:.0} {unit}, usually {usual:.0} and at most {most:.0}")
    });
    let because: Vec<_> =
        told.chain([format!("a score of {score:.2}; usual ones are up to {:.2}", habit.high)]).collect();
    let first = because.first().cloned().unwrap_or_default();
    let minutes = habit.strikes.len() as u64 * INTERVAL_NS / 60_000_000_000;
    Alert {
        rule: "unusual",
        severity: Severity::Low,
        mac,
        ip: None,
        subject: String::new(),
        message: format!("unusual for this device, for {minutes} minutes: {first}"),
        because,
        count: habit.strikes.len() as u64,
        first_ns: now_ns,
        last_ns: now_ns,
    }
}

//! What detectors tell of a day, held against what is wrong in it.

use super::day::{DEVICES, Day, mac, sort};
use kernscope_lan::anomaly::{Alert, Options, Sentry};
use kernscope_lan::capture::{Frame, LinkType};
use kernscope_lan::replay::Account;
use kernscope_lan::{Mac, Registry};

const CAUGHT_MIN: usize = 9;

/// How a day was told.
pub(super) struct Verdict {
    pub(super) lines: Vec<String>,
    pub(super) is_good: bool,
}

/// Replays the day of a seed, behind so many days on which nothing is wrong.
pub(super) fn judge(seed: u64, quiet_days: u64) -> Verdict {
    let day = Day::of(seed, quiet_days);
    let mut registry = Registry::default().watched(Sentry::new(Options::default()));
    // What a run finds out by its rules: people's devices, and those that do one thing.
    for n in 0..DEVICES {
        let sentry = registry.sentry();
        sentry.into_iter().for_each(|sentry| sentry.describe(Mac(mac(n)), sort(n)));
    }
    let mut account = Account::default();
    for (ts_ns, bytes) in &day.frames {
        let frame = Frame { ts_ns: *ts_ns, link: LinkType::Ethernet, bytes, wire_bytes: bytes.len() as u32 };
        account.take(&frame, &mut registry);
    }
    let alerts = registry.sentry().map(|sentry| {
        sentry.tick(u64::MAX);
        sentry.news()
    });
    weigh(seed, &day, &alerts.unwrap_or_default(), &account, quiet_days + 1)
}

fn weigh(seed: u64, day: &Day, alerts: &[Alert], account: &Account, days: u64) -> Verdict {
    let (mut lines, mut caught) = (Vec::new(), 0);
    let is_by = |alert: &Alert, mac, rules: &[&str]| alert.mac == Mac(mac) && rules.contains(&alert.rule);
    for wrong in &day.wrong {
        let is_it = alerts.iter().any(|alert| is_by(alert, wrong.mac, wrong.rules));
        caught += usize::from(is_it);
        let word = if is_it { "caught" } else { "MISSED" };
        lines.push(format!("{word} {} by {}", wrong.rules[0], Mac(wrong.mac)));
    }
    let is_due = |alert: &&Alert| day.wrong.iter().any(|wrong| is_by(alert, wrong.mac, wrong.rules));
    let without_cause: Vec<_> = alerts.iter().filter(|alert| !is_due(alert)).collect();
    lines.extend(without_cause.iter().map(|alert| format!("without cause: {}", alert.message)));
    let (device_weeks, malformed) = ((DEVICES * days) as f64 / 7.0, account.malformed.values().sum::<u64>());
    lines.push(format!(
        "seed {seed}: {} frames, {malformed} malformed; {caught} of {} caught; {} without cause in {device_weeks:.1} device-weeks",
        day.frames.len(),
        day.wrong.len(),
        without_cause.len()
    ));
    let is_quiet = without_cause.len() as f64 <= device_weeks;
    Verdict { lines, is_good: caught >= CAUGHT_MIN && is_quiet && malformed == 0 }
}

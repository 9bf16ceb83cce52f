//! Alerts: each matter is told once, however often it is seen.
//!
//! What makes two sightings one matter: the same rule, the same device, the same subject. A matter that was quiet for
//! [`QUIET_NS`] is told anew when it comes back.

use crate::Mac;
use kernscope_report::clock::Clock;
use kernscope_report::{Alert as Record, Severity};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

/// After an hour without it a matter is news again.
const QUIET_NS: u64 = 3_600_000_000_000;
/// Alerts that are kept; beyond, they are counted.
const ALERTS_MAX: usize = 10_000;

/// Something that is wrong, or may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Name of the rule.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Who did it.
    pub mac: Mac,
    /// The address that it did it from.
    pub ip: Option<IpAddr>,
    /// What makes it one matter, beside rule and device.
    pub subject: String,
    /// What happened, in one sentence.
    pub message: String,
    /// What was seen, a fact each.
    pub because: Vec<String>,
    /// How often.
    pub count: u64,
    /// When first, nanoseconds since 1970.
    pub first_ns: u64,
    /// When last.
    pub last_ns: u64,
}

impl Alert {
    /// The same in every run.
    pub fn id(&self) -> String {
        Record::id_of_device(self.rule, &self.mac.to_string(), &self.subject)
    }

    /// The record for it; `evidence` are the `seq` of the records that it is about.
    pub fn record(&self, evidence: Vec<u64>, source: &str) -> Record {
        let mut clock = Clock::new(0);
        Record {
            rule: self.rule.to_owned(),
            severity: self.severity,
            message: self.message.clone(),
            evidence,
            because: self.because.clone(),
            id: self.id(),
            mac: self.mac.to_string(),
            ip: self.ip.map(|ip| ip.to_string()),
            count: self.count,
            first_seen: clock.rfc3339(self.first_ns).to_owned(),
            last_seen: clock.rfc3339(self.last_ns).to_owned(),
            source: source.to_owned(),
            acknowledged: false,
            ..Record::default()
        }
    }
}

/// All alerts of a run.
#[derive(Debug, Default)]
pub(super) struct Alerts {
    all: Vec<Alert>,
    places: HashMap<(&'static str, Mac, String), usize>,
    /// Places of those that were not told yet.
    news: Vec<usize>,
    refused: u64,
    /// Rules of which nothing is told.
    off: HashSet<String>,
}

impl Alerts {
    /// Raises an alert, or says more of one that was raised before.
    pub(super) fn raise(&mut self, alert: Alert) {
        if self.off.contains(alert.rule) {
            return;
        }
        let key = (alert.rule, alert.mac, alert.subject.clone());
        if let Some(&at) = self.places.get(&key) {
            let known = &mut self.all[at];
            let is_back = alert.last_ns.saturating_sub(known.last_ns) > QUIET_NS;
            *known = Alert { first_ns: known.first_ns.min(alert.first_ns), ..alert };
            if is_back && !self.news.contains(&at) {
                self.news.push(at);
            }
        } else if self.all.len() < ALERTS_MAX {
            self.places.insert(key, self.all.len());
            self.news.push(self.all.len());
            self.all.push(alert);
        } else {
            self.refused += 1;
        }
    }

    /// Tells nothing of a rule from here on.
    pub(super) fn switch_off(&mut self, rule: &str) {
        self.off.insert(rule.to_owned());
    }

    /// Whether a device has an alert by a rule.
    pub(super) fn has(&self, rule: &str, mac: Mac) -> bool {
        self.all.iter().any(|alert| alert.rule == rule && alert.mac == mac)
    }

    /// Those that are to be told, each once.
    pub(super) fn news(&mut self) -> Vec<Alert> {
        std::mem::take(&mut self.news).into_iter().map(|at| self.all[at].clone()).collect()
    }

    pub(super) fn all(&self) -> &[Alert] {
        &self.all
    }

    /// Alerts beyond what is kept.
    pub(super) fn refused(&self) -> u64 {
        self.refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(subject: &str, last_ns: u64) -> Alert {
        Alert {
            rule: "arp_conflict",
            severity: Severity::Medium,
            mac: Mac([2; 6]),
            ip: None,
            subject: subject.to_owned(),
            message: String::new(),
            because: Vec::new(),
            count: 1,
            first_ns: last_ns,
            last_ns,
        }
    }

    #[test]
    fn a_matter_is_told_once_until_it_was_quiet() {
        let mut alerts = Alerts::default();
        for second in 0..100 {
            alerts.raise(alert("a", second * 1_000_000_000));
        }
        alerts.raise(alert("b", 0));
        assert_eq!(alerts.news().len(), 2);
        alerts.raise(alert("a", QUIET_NS));
        assert!(alerts.news().is_empty());
        alerts.raise(alert("a", 2 * QUIET_NS + 1));
        let news = alerts.news();
        assert_eq!((news.len(), news[0].first_ns), (1, 0));
        assert_eq!(news[0].id(), alert("a", 7).id());
        assert_ne!(news[0].id(), alert("b", 7).id());
    }

    #[test]
    fn a_rule_that_is_switched_off_tells_nothing() {
        let mut alerts = Alerts::default();
        alerts.switch_off("arp_conflict");
        alerts.raise(alert("a", 0));
        alerts.raise(Alert { rule: "arp_spoof", ..alert("a", 0) });
        assert_eq!(alerts.news().iter().map(|alert| alert.rule).collect::<Vec<_>>(), ["arp_spoof"]);
    }

    #[test]
    fn a_flood_is_counted_and_not_kept() {
        let mut alerts = Alerts::default();
        (0..ALERTS_MAX + 5).for_each(|n| alerts.raise(alert(&n.to_string(), 0)));
        assert_eq!((alerts.all().len(), alerts.refused()), (ALERTS_MAX, 5));
    }
}

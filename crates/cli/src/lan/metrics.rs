//! `lan run --metrics`: numbers of a run for Prometheus.
//!
//! Series of devices are bounded: those with the most traffic have one each, all others share `mac="other"`. Counters never go
//! down: bytes count for the series that a device had when they were seen, so that one that comes to have its own begins at 0 and
//! takes nothing from `other`.

mod text;

use super::traffic::Traffic;
use crate::web::{Access, Ask, Gate, Reply, Site};
use kernscope_lan::Mac;
use kernscope_lan::anomaly::Volume;
use kernscope_report::Severity;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// How often it is decided anew who has a series.
const RANKED_EVERY: u32 = 60;

/// What a device is called.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) category: String,
    pub(super) vendor: String,
}

/// A device with a series.
#[derive(Clone, Debug, Default)]
struct Series {
    named: Named,
    bytes: Volume,
    last_s: u64,
}

/// The numbers of a run.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// Frames by what became of them and why.
    pub(super) frames: BTreeMap<(&'static str, String), u64>,
    pub(super) devices: u64,
    pub(super) online: u64,
    pub(super) alerts: BTreeMap<(String, Severity), u64>,
    pub(super) learning: bool,
    /// When something was written to the database, seconds since 1970; 0 without one.
    pub(super) written_s: u64,
    pub(super) writes_failed: u64,
    series: BTreeMap<Mac, Series>,
    other: Volume,
    /// What was counted already.
    counted: HashMap<Mac, Volume>,
    ticks: u32,
}

impl Numbers {
    /// Counts what devices said since the last time; `most` have a series of their own.
    pub(super) fn traffic(&mut self, devices: &[(Mac, u64)], traffic: &Traffic, most: usize) {
        if self.ticks.is_multiple_of(RANKED_EVERY) || self.series.len() < most {
            self.rank(devices, traffic, most);
        }
        self.ticks += 1;
        for (mac, last_ns) in devices {
            let now = traffic.of(*mac);
            let before = self.counted.insert(*mac, now).unwrap_or_default();
            let to = match self.series.get_mut(mac) {
                Some(series) => {
                    series.last_s = last_ns / 1_000_000_000;
                    &mut series.bytes
                }
                None => &mut self.other,
            };
            to.sent += now.sent.saturating_sub(before.sent);
            to.received += now.received.saturating_sub(before.received);
        }
    }

    fn rank(&mut self, devices: &[(Mac, u64)], traffic: &Traffic, most: usize) {
        let bytes = |mac: Mac| traffic.of(mac).sent + traffic.of(mac).received;
        let mut ranked: Vec<_> = devices.iter().map(|(mac, _)| (bytes(*mac), *mac)).collect();
        ranked.sort_unstable_by(|one, other| other.cmp(one));
        ranked.truncate(most);
        let mut before = std::mem::take(&mut self.series);
        self.series =
            ranked.into_iter().map(|(_, mac)| (mac, before.remove(&mac).unwrap_or_default())).collect();
        self.counted
            .retain(|mac, _| devices.iter().any(|(of, _)| of == mac) || self.series.contains_key(mac));
    }

    /// Says what a device is called, if it has a series.
    pub(super) fn name(&mut self, mac: Mac, named: Named) {
        if let Some(series) = self.series.get_mut(&mac) {
            series.named = named;
        }
    }

    /// Addresses with a series and no name.
    pub(super) fn nameless(&self) -> Vec<Mac> {
        let is_new = |series: &Series| series.named == Named::default();
        self.series.iter().filter(|(_, series)| is_new(series)).map(|(mac, _)| *mac).collect()
    }

    /// Counts an alert.
    pub(super) fn alert(&mut self, rule: &str, severity: Severity) {
        *self.alerts.entry((rule.to_owned(), severity)).or_default() += 1;
    }
}

/// The site: `/metrics`.
#[derive(Clone, Default)]
pub(super) struct Metrics(Arc<Mutex<Numbers>>);

impl Metrics {
    /// Changes the numbers.
    pub(super) fn with<T>(&self, change: impl FnOnce(&mut Numbers) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Site for Metrics {
    fn access(&self, _path: &str) -> Access {
        Access::Read
    }

    fn answer(&self, ask: &Ask, _gate: &Gate) -> Reply {
        match ask.parts.uri.path() {
            "/metrics" => Reply::new(
                "text/plain; version=0.0.4; charset=utf-8",
                self.with(|numbers| text::page(numbers)),
            ),
            "/" => Reply::new("text/plain; charset=utf-8", "kernscope lan: see /metrics\n"),
            _ => Reply::missing(),
        }
    }
}

#[cfg(test)]
mod tests;

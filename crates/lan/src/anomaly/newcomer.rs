//! Devices that are new on a network that is known.
//!
//! A flood of them is told once: who makes up addresses would else fill the list.

use super::alert::{Alert, Alerts};
use super::recent::Lately;
use super::scene::Scene;
use super::{Detector, Options, Seen};
use crate::{Mac, oui};
use kernscope_report::Severity;

const HOUR_NS: u64 = 3_600_000_000_000;

/// Follows who is there.
#[derive(Debug)]
pub(super) struct Newcomers {
    lately: Lately<Mac>,
    new: u64,
    since_ns: u64,
    /// More than this within an hour are told as one.
    flood: u64,
}

impl Newcomers {
    pub(super) fn new(options: Options) -> Self {
        Self { lately: Lately::new(), new: 0, since_ns: 0, flood: options.new_devices }
    }

    /// How many came within the hour, with this one.
    fn count(&mut self, now_ns: u64) -> u64 {
        if now_ns.saturating_sub(self.since_ns) > HOUR_NS {
            (self.since_ns, self.new) = (now_ns, 0);
        }
        self.new += 1;
        self.new
    }
}

impl Detector for Newcomers {
    fn frame(&mut self, seen: &Seen<'_>, scene: &Scene, alerts: &mut Alerts) {
        let mac = seen.link.source;
        if self.lately.meet(mac) || !mac.is_device() {
            return;
        }
        if scene.is_learning() || scene.is_known(mac) {
            return;
        }
        let count = self.count(seen.now_ns);
        let what = match oui::vendor(mac) {
            Some(vendor) => format!("of {vendor}"),
            None if mac.is_local() => "with an address that it made up".to_owned(),
            None => "of an unknown maker".to_owned(),
        };
        let is_flood = count > self.flood;
        let (subject, message) = if is_flood {
            ("many".to_owned(), format!("many new devices: {count} within an hour, the last of them {mac}"))
        } else {
            (mac.to_string(), format!("new device: {mac}, {what}"))
        };
        alerts.raise(Alert {
            rule: "new_device",
            severity: if is_flood { Severity::Medium } else { Severity::Low },
            // The flood is one matter, whoever is the last.
            mac: if is_flood { Mac::default() } else { mac },
            ip: None,
            subject,
            message,
            because: vec!["it was not there while the network was learnt".to_owned()],
            count: if is_flood { count } else { 1 },
            first_ns: seen.now_ns,
            last_ns: seen.now_ns,
        });
    }
}

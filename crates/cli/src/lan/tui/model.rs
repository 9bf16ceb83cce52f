//! What is known of the network: devices, who talks to whom, alerts. Nothing here knows of a screen.
//!
//! Rows only come, so that a place in a list stays that of its row. Devices that the database remembers are there from the
//! beginning, and what this run finds out is put above it.

use super::pulse::Pulse;
use super::rate::Rate;
use super::text::{search_text, title};
use kernscope_lan::Mac;
use kernscope_lan::anomaly::{Channel, Peer};
use kernscope_lan::record::ONLINE_NS;
use kernscope_lan::store::{KeptAlert, Said, join};
use kernscope_report::clock::parse_ns;
use kernscope_report::pretty::clean;
use kernscope_report::{Alert, Device};
use std::borrow::Cow;
use std::collections::HashMap;

/// Flows that are kept; beyond, they are counted.
const FLOWS_MAX: usize = 50_000;

/// A device.
#[derive(Debug)]
pub(super) struct Known {
    /// As it is shown; its texts are of strangers.
    pub(super) device: Device,
    remembered: Option<Device>,
    /// What a person calls it, safe to show.
    pub(super) title: String,
    pub(super) last_ns: u64,
    /// Since the run began.
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) rate: Rate,
    /// Alerts that nobody acknowledged or muted.
    pub(super) alerts: u32,
    /// In small letters, for a search.
    pub(super) text: String,
}

/// Who talks to whom, by what.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) mac: Mac,
    pub(super) peer: Peer,
    pub(super) channel: Channel,
    pub(super) connections: u64,
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) last_ns: u64,
    pub(super) rate: Rate,
}

/// An alert, and what the user said of it.
#[derive(Debug)]
pub(super) struct Warning {
    pub(super) alert: Alert,
    pub(super) said: Said,
    pub(super) last_ns: u64,
}

/// Everything.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) devices: Vec<Known>,
    places: HashMap<Mac, usize>,
    pub(super) flows: Vec<Flow>,
    flow_places: HashMap<(Mac, Peer, Channel), usize>,
    /// Flows for which there was no room.
    pub(super) flows_left: u64,
    pub(super) alerts: Vec<Warning>,
    alert_places: HashMap<String, usize>,
    pub(super) rate: Rate,
    pub(super) frames: u64,
    pub(super) lost: u64,
    pub(super) learning: bool,
    pub(super) now_ns: u64,
    /// Changes with every change.
    pub(super) version: u64,
}

impl Model {
    /// What a database remembers.
    pub(super) fn remember(&mut self, devices: Vec<Device>, alerts: Vec<KeptAlert>) {
        for device in devices {
            self.put(device, true);
        }
        for kept in alerts {
            let said = said(&kept);
            self.warn(kept.alert, Some(said));
        }
        self.count_alerts();
        self.version += 1;
    }

    /// Takes what was said of alerts elsewhere, on the page or by `lan alerts`.
    pub(super) fn hear(&mut self, alerts: &[KeptAlert]) {
        for kept in alerts {
            let Some(known) = self.alert_places.get(&kept.alert.id).map(|at| &mut self.alerts[*at]) else {
                continue;
            };
            // What was acknowledged and seen again since may not be written yet.
            let is_older = parse_ns(&kept.alert.last_seen).is_none_or(|last_ns| last_ns < known.last_ns);
            if !(is_older && said(kept) == Said::Acknowledged) {
                known.said = said(kept);
            }
        }
        self.count_alerts();
        self.version += 1;
    }

    /// Takes what is new.
    pub(super) fn take(&mut self, pulse: Pulse) {
        let seconds = pulse.now_ns.saturating_sub(self.now_ns) as f64 / 1e9;
        let seconds = if self.now_ns == 0 { 1.0 } else { seconds };
        self.now_ns = pulse.now_ns;
        (self.frames, self.lost, self.learning) = (pulse.frames, pulse.lost, pulse.learning);
        for device in pulse.devices.into_values() {
            self.put(device, false);
        }
        for (mac, (last_ns, frames)) in pulse.seen {
            if let Some(known) = self.places.get(&mac).map(|at| &mut self.devices[*at]) {
                known.last_ns = known.last_ns.max(last_ns);
                known.device.frames = frames + known.remembered.as_ref().map_or(0, |before| before.frames);
            }
        }
        for ((_, mac), volume) in pulse.tally.volumes {
            // A byte is sent by one and received by one: half of both is what was on the line.
            self.rate.add(volume.sent);
            if let Some(known) = self.places.get(&mac).map(|at| &mut self.devices[*at]) {
                known.sent += volume.sent;
                known.received += volume.received;
                known.rate.add(volume.sent + volume.received);
            }
        }
        for (key, talk) in pulse.tally.talks {
            self.talk(key, &talk);
        }
        pulse.alerts.into_values().for_each(|alert| self.warn(alert, None));
        self.count_alerts();
        self.devices.iter_mut().for_each(|known| {
            known.rate.pass(seconds);
            known.device.online = self.now_ns.saturating_sub(known.last_ns) <= ONLINE_NS;
        });
        self.flows.iter_mut().for_each(|flow| flow.rate.pass(seconds));
        self.rate.pass(seconds);
        self.version += 1;
    }

    fn put(&mut self, device: Device, is_remembered: bool) {
        let Ok(mac) = device.mac.parse::<Mac>() else { return };
        let last_ns = parse_ns(&device.last_seen).unwrap_or(0);
        let at = *self.places.entry(mac).or_insert_with(|| {
            self.devices.push(Known {
                device: Device::default(),
                remembered: None,
                title: String::new(),
                last_ns: 0,
                sent: 0,
                received: 0,
                rate: Rate::default(),
                alerts: 0,
                text: String::new(),
            });
            self.devices.len() - 1
        });
        let known = &mut self.devices[at];
        let both = [Some(device.clone()), known.remembered.clone()];
        let both: Vec<_> = both.into_iter().flatten().collect();
        if is_remembered {
            known.remembered = Some(device.clone());
        }
        let device = join(&both).unwrap_or(device);
        known.last_ns = known.last_ns.max(last_ns);
        known.title = title(&device);
        known.text = search_text(&device);
        known.device = device;
    }

    fn talk(&mut self, key: (Mac, Peer, Channel), talk: &kernscope_lan::anomaly::Talk) {
        let at = match self.flow_places.get(&key) {
            Some(at) => *at,
            None if self.flows.len() >= FLOWS_MAX => {
                self.flows_left += 1;
                return;
            }
            None => {
                let (mac, peer, channel) = key.clone();
                let rate = Rate::default();
                let flow =
                    Flow { mac, peer, channel, connections: 0, sent: 0, received: 0, last_ns: 0, rate };
                self.flows.push(flow);
                self.flow_places.insert(key, self.flows.len() - 1);
                self.flows.len() - 1
            }
        };
        let flow = &mut self.flows[at];
        flow.connections += talk.connections;
        flow.sent += talk.bytes_sent;
        flow.received += talk.bytes_received;
        flow.last_ns = flow.last_ns.max(talk.last_ns);
        flow.rate.add(talk.bytes_sent + talk.bytes_received);
    }

    /// Takes an alert; what was said of it before stays, unless it was acknowledged and is seen again.
    fn warn(&mut self, alert: Alert, said: Option<Said>) {
        let last_ns = parse_ns(&alert.last_seen).unwrap_or(0);
        match self.alert_places.get(&alert.id) {
            Some(at) => {
                let known = &mut self.alerts[*at];
                if known.said == Said::Acknowledged && last_ns > known.last_ns {
                    known.said = Said::Open;
                }
                let first_seen = known.alert.first_seen.clone().min(alert.first_seen.clone());
                *known = Warning { alert: Alert { first_seen, ..alert }, said: known.said, last_ns };
            }
            None => {
                self.alert_places.insert(alert.id.clone(), self.alerts.len());
                self.alerts.push(Warning { alert, said: said.unwrap_or(Said::Open), last_ns });
            }
        }
    }

    /// What the user says of an alert.
    pub(super) fn say(&mut self, at: usize, said: Said) {
        self.alerts[at].said = said;
        self.count_alerts();
        self.version += 1;
    }

    fn count_alerts(&mut self) {
        self.devices.iter_mut().for_each(|known| known.alerts = 0);
        for warning in self.alerts.iter().filter(|warning| warning.said == Said::Open) {
            if let Some(at) = warning.alert.mac.parse().ok().and_then(|mac: Mac| self.places.get(&mac)) {
                self.devices[*at].alerts += 1;
            }
        }
    }

    /// The device of an address, by its place.
    pub(super) fn place(&self, mac: &str) -> Option<usize> {
        mac.parse().ok().and_then(|mac: Mac| self.places.get(&mac).copied())
    }

    /// What a device is called.
    pub(super) fn name(&self, mac: Mac) -> Cow<'_, str> {
        let known = self.places.get(&mac).map(|at| Cow::from(&self.devices[*at].title));
        known.unwrap_or_else(|| mac.to_string().into())
    }

    /// Whom a flow goes to.
    pub(super) fn peer<'a>(&'a self, flow: &'a Flow) -> Cow<'a, str> {
        match &flow.peer {
            Peer::Device(mac) => self.name(*mac),
            Peer::Remote(name) => clean::text(name),
            other => other.to_string().into(),
        }
    }

    /// Alerts that want to be looked at.
    pub(super) fn open_alerts(&self) -> usize {
        self.alerts.iter().filter(|warning| warning.said == Said::Open).count()
    }

    /// Devices that were seen lately.
    pub(super) fn online(&self) -> usize {
        self.devices.iter().filter(|known| known.device.online).count()
    }
}

/// What was said of an alert that is kept.
fn said(kept: &KeptAlert) -> Said {
    match (kept.muted, kept.alert.acknowledged) {
        (true, _) => Said::Muted,
        (false, true) => Said::Acknowledged,
        (false, false) => Said::Open,
    }
}

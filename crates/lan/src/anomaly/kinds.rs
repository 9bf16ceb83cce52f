//! A device of one purpose that begins to talk to a kind of destination that it never had.
//!
//! What it talks to is known by three things: the place beyond this network (the name that was looked up, else its network), the
//! sort of service, and the device here. A new one is worth points: two for a service, one for a place or a device here, one more for a
//! place that nobody looked up. Three are told. So a new server of the usual cloud is nothing, and a camera that begins to use SSH is
//! something.
//!
//! People's devices talk to new places all day long. Only sorts of devices that do one thing are held to this, only after each was
//! known for as long as the network is learnt, and only while it has few kinds of destinations.

mod kind;

use super::alert::{Alert, Alerts};
use super::beacon::destination;
use super::contact::{self, Service};
use super::learnt::{Learnt, Notes, What};
use super::recent::Recent;
use super::scene::{Scene, is_nobodys};
use super::{Detector, Options, Seen};
use crate::Mac;
use crate::packet::Packet;
use kernscope_report::Severity;
use kind::{Kind, kinds, sort};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

/// Devices that are followed, by half.
const DEVICES: usize = 8_192;
/// A device with more kinds of destinations does more than one thing.
const KINDS_MAX: usize = 32;
/// New kinds at once that are worth telling.
const POINTS_MIN: u32 = 3;
/// That a kind goes on is handed out so often.
const NOTED_NS: u64 = 86_400_000_000_000;
/// What devices need wherever they are: names, leases, time, discovery.
const ANYWHERE: [u16; 9] = [53, 67, 123, 137, 547, 853, 1900, 3702, 5353];
/// Sorts of devices that do one thing.
const OF_ONE_PURPOSE: [&str; 22] = [
    "appliance",
    "camera",
    "ev charger",
    "hub",
    "kitchen appliance",
    "light",
    "lamp",
    "lock",
    "microcontroller",
    "plug",
    "printer",
    "recorder",
    "relay",
    "scale",
    "sensor",
    "smart home device",
    "switch",
    "thermostat",
    "vacuum cleaner",
    "voip phone",
    "weather station",
    "doorbell",
];

/// What a device talked to, and when that was handed out last.
#[derive(Debug, Default)]
struct Habits {
    since_ns: u64,
    known: HashMap<Kind, u64>,
    has_many: bool,
}

/// Follows what devices talk to.
#[derive(Debug)]
pub(super) struct Kinds {
    habits: Recent<Mac, Habits>,
    of_one_purpose: HashSet<Mac>,
    fresh: Vec<(Mac, Kind)>,
    /// What went on last: the same talk again says nothing new.
    last: Option<(Mac, IpAddr, Service)>,
    learn_ns: u64,
}

impl Kinds {
    pub(super) fn new(options: Options) -> Self {
        Self {
            habits: Recent::new(DEVICES),
            of_one_purpose: HashSet::new(),
            fresh: Vec::new(),
            last: None,
            learn_ns: options.learn_ns,
        }
    }

    /// Notes kinds of destinations; those that are new to a device that is known, and their points.
    fn meet(&mut self, mac: Mac, kinds: Vec<(Kind, u32)>, now_ns: u64, learning: bool) -> (Vec<Kind>, u32) {
        let habits = self.habits.entry(mac, || Habits { since_ns: now_ns, ..Habits::default() });
        let is_known =
            !learning && now_ns.saturating_sub(habits.since_ns) >= self.learn_ns && !habits.has_many;
        let (mut new, mut points) = (Vec::new(), 0);
        for (kind, worth) in kinds {
            let noted_ns = habits.known.get(&kind).copied();
            if noted_ns.is_some_and(|noted_ns| now_ns.saturating_sub(noted_ns) < NOTED_NS) {
                continue;
            }
            if noted_ns.is_none() && habits.known.len() >= KINDS_MAX {
                habits.has_many = true;
                return (Vec::new(), 0);
            }
            if self.fresh.len() < DEVICES {
                self.fresh.push((mac, kind.clone()));
            }
            habits.known.insert(kind.clone(), now_ns);
            if noted_ns.is_none() {
                new.push(kind);
                points += worth;
            }
        }
        if is_known { (new, points) } else { (Vec::new(), 0) }
    }
}

impl Detector for Kinds {
    fn frame(&mut self, seen: &Seen<'_>, scene: &Scene, alerts: &mut Alerts) {
        let Some(packet) = seen.packet.filter(|_| seen.link.source.is_device()) else { return };
        let Some(service) = contact::begins(packet) else { return };
        let (Service::Tcp(port) | Service::Udp(port)) = service else { return };
        let mac = seen.link.source;
        if ANYWHERE.contains(&port)
            || is_nobodys(packet.target)
            || seen.link.target.is_group()
            || scene.is_router(mac)
        {
            return;
        }
        let now = Some((mac, packet.target, service));
        if self.last == now {
            return;
        }
        self.last = now;
        let kinds = kinds(seen, packet, service, scene);
        let (new, points) = self.meet(mac, kinds, seen.now_ns, scene.is_learning());
        if points >= POINTS_MIN && self.of_one_purpose.contains(&mac) {
            let known = self.habits.get(&mac).map_or(0, |habits| habits.known.len() - new.len());
            alerts.raise(alert(mac, packet, service, (&new, known), (scene, seen.now_ns)));
        }
    }

    fn describe(&mut self, mac: Mac, category: &str) {
        if !OF_ONE_PURPOSE.contains(&category) {
            self.of_one_purpose.remove(&mac);
        } else if self.of_one_purpose.len() < DEVICES {
            self.of_one_purpose.insert(mac);
        }
    }

    fn learnt(&mut self, notes: &mut Notes) {
        for (mac, kind) in self.fresh.drain(..) {
            let Some(habits) = self.habits.get(&mac) else { continue };
            let last_ns = habits.known.get(&kind).copied().unwrap_or(habits.since_ns);
            notes.note(What::Kind, mac, kind.to_string(), &(kind, habits.since_ns), last_ns);
        }
    }

    fn remember(&mut self, row: &Learnt) {
        let kind = Some(row).filter(|row| row.what == What::Kind).and_then(Learnt::read::<(Kind, u64)>);
        let Some((kind, since_ns)) = kind else { return };
        let habits = self.habits.entry(row.mac, || Habits { since_ns, ..Habits::default() });
        habits.since_ns = habits.since_ns.min(since_ns);
        if habits.known.len() < KINDS_MAX {
            habits.known.insert(kind, row.last_ns);
        } else {
            habits.has_many = true;
        }
    }
}

fn alert(
    mac: Mac,
    packet: &Packet<'_>,
    service: Service,
    (new, known): (&[Kind], usize),
    (scene, now_ns): (&Scene, u64),
) -> Alert {
    let (source, target, place) = (packet.source, packet.target, destination(packet.target, scene));
    let named = if place == target.to_string() { String::new() } else { format!(" ({place})") };
    Alert {
        rule: "profile",
        severity: Severity::Low,
        mac,
        ip: Some(source),
        subject: format!("new {place} {}", sort(service)),
        message: format!("a new kind of destination: {source} talks to {target}{named} at {service}"),
        because: new
            .iter()
            .map(|kind| format!("new to it: {kind}"))
            .chain([format!("it is of one purpose, and had {known} kinds of destinations before")])
            .collect(),
        count: 1,
        first_ns: now_ns,
        last_ns: now_ns,
    }
}

#[cfg(test)]
mod tests {
    use crate::Mac;
    use crate::anomaly::tests::{Net, mac, rules, tcp};
    use crate::anomaly::{Options, Sentry};

    const SECOND: u64 = 1_000_000_000;
    const A: [u8; 4] = [10, 0, 0, 1];
    const CLOUD: [u8; 4] = [198, 51, 100, 10];

    /// Half a day of a device that calls its cloud every now and then, and what happens at noon.
    fn noon(category: &str, calls: &[([u8; 4], u16)]) -> Vec<(&'static str, String)> {
        let mut net = Net::of(Sentry::new(Options::default()), 0);
        net.sentry().describe(Mac(mac(A)), category);
        for n in 0..700 {
            net.later(59 * SECOND + n * 7919 % 7 * SECOND);
            net.send(&tcp((A, 40_000), (CLOUD, 443), 2, &[]));
        }
        for (n, (to, port)) in (0u16..).zip(calls) {
            net.later(SECOND).send(&tcp((A, 40_001 + n), (*to, *port), 2, &[]));
        }
        net.end()
    }

    #[test]
    fn a_camera_that_begins_something_else_is_told_and_a_laptop_is_not() {
        let strange = ([203, 0, 113, 9], 6667);
        let told = noon("camera", &[strange, strange]);
        assert_eq!(rules(&told), ["profile"]);
        assert!(
            told[0].1.contains("10.0.0.1 talks to 203.0.113.9") && told[0].1.contains("tcp port 6667"),
            "{told:?}"
        );
        assert_eq!(
            rules(&noon("camera", &[([10, 0, 0, 9], 22)])),
            ["profile"],
            "a device here that it never talked to"
        );
        assert_eq!(rules(&noon("computer", &[strange])), [""; 0], "it is not of one purpose");
        assert_eq!(
            rules(&noon("camera", &[([198, 51, 100, 200], 8443)])),
            [""; 0],
            "its cloud by another door"
        );
        assert_eq!(
            rules(&noon("camera", &[([203, 0, 113, 9], 443)])),
            [""; 0],
            "a service that it always used"
        );
        let many: Vec<_> = (0..40).map(|n| ([203, 0, n, 9], 443)).chain([strange]).collect();
        assert_eq!(rules(&noon("camera", &many)), [""; 0], "it does more than one thing");
    }
}

//! Regular contact with somebody new: what programs do that wait for orders.
//!
//! Devices call home regularly all the time, so that only what is new counts: a destination that the device did not talk to
//! while the network was learnt, or began to talk to after it had been there for a while without, and that nobody else here talks to. Regular is what keeps its rhythm in spite of jitter: the
//! middle half of the gaps lies within half of their median. A gap drawn evenly from plus or minus half of its mean has 0.5, a
//! person, whose gaps are spread like those of a random process, 1.6.
//!
//! A destination is the name that it was looked up by (its last two labels), else its network, so that a service that moves from
//! address to address stays one.

use super::alert::{Alert, Alerts};
use super::contact::{self, Service};
use super::learnt::{Learnt, Notes, What};
use super::recent::Recent;
use super::scene::{Scene, is_nobodys};
use super::{Detector, Options, Seen, seconds};
use crate::Mac;
use crate::decode::on_link;
use crate::packet::Packet;
use kernscope_report::Severity;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::net::IpAddr;

/// Datagrams closer than this are one contact, and so are repeated SYNs.
const GAP_MIN_NS: u64 = 1_500_000_000;
/// A device that starts contacts all that it needs within this; what it does every hour shows within several.
const LEAD_MIN_NS: u64 = 900_000_000_000;
const LEAD_BEATS: u64 = 8;
/// Regular by nature: names, time, addresses.
const REGULAR: [u16; 6] = [53, 67, 123, 547, 853, 5353];
/// Contacts and destinations that are followed, by half.
const CONTACTS: usize = 65_536;
/// A destination of more devices than this is a service.
const SHARED_MAX: usize = 2;
/// That a contact goes on is handed out so often.
const NOTED_NS: u64 = 86_400_000_000_000;

type Key = (Mac, String, Service);

/// When a device began to talk to a destination.
#[derive(Debug, Default)]
struct Rhythm {
    /// It began while the network was learnt, and the device had been there for so long without it.
    lead_ns: Option<u64>,
    first_ns: u64,
    times: u64,
    /// When the last contacts began.
    began_ns: VecDeque<u64>,
    /// When something of the last one came last.
    heard_ns: u64,
    /// When it was handed out last.
    noted_ns: u64,
}

/// A contact as it is remembered.
#[derive(Deserialize, Serialize)]
struct Contact {
    to: String,
    service: Service,
    first_ns: u64,
    lead_ns: Option<u64>,
}

/// What came last; most that comes goes on with it.
#[derive(Clone, Debug)]
struct Last {
    mac: Mac,
    target: IpAddr,
    service: Service,
    key: Key,
    heard_ns: u64,
}

/// Follows who talks to whom.
#[derive(Debug)]
pub(super) struct Beacons {
    rhythms: Recent<Key, Rhythm>,
    /// Who else talks to a destination.
    users: Recent<String, Vec<Mac>>,
    last: Option<Last>,
    /// When a device was seen first.
    since: Recent<Mac, u64>,
    /// Contacts and devices that are to be handed out.
    fresh: Vec<Key>,
    fresh_devices: Vec<Mac>,
    options: Options,
}

impl Beacons {
    pub(super) fn new(options: Options) -> Self {
        Self {
            rhythms: Recent::new(CONTACTS),
            users: Recent::new(CONTACTS),
            last: None,
            since: Recent::new(CONTACTS / 4),
            fresh: Vec::new(),
            fresh_devices: Vec::new(),
            options,
        }
    }

    /// Whether this goes on with what came last.
    fn goes_on(&mut self, mac: Mac, target: IpAddr, service: Service, now_ns: u64) -> bool {
        let Some(last) = &mut self.last else { return false };
        if (last.mac, last.target, last.service) == (mac, target, service)
            && now_ns.saturating_sub(last.heard_ns) < GAP_MIN_NS
        {
            last.heard_ns = now_ns;
            return true;
        }
        if let Some(rhythm) = self.rhythms.get_mut(&last.key) {
            rhythm.heard_ns = rhythm.heard_ns.max(last.heard_ns);
        }
        false
    }

    /// A contact begins, or goes on. Gives the rhythm if it is news.
    fn begin(&mut self, key: &Key, now_ns: u64, learning: bool) -> Option<&Rhythm> {
        let (mac, destination, _) = key;
        self.met(*mac, now_ns);
        let most = self.options.beacon_named.max(self.options.beacon_strange);
        let is_shared = use_of(&mut self.users, destination, *mac) > SHARED_MAX;
        let since_ns = *self.since.entry(*mac, || now_ns);
        let lead_ns = learning.then(|| now_ns.saturating_sub(since_ns));
        let make = || Rhythm { lead_ns, first_ns: now_ns, ..Rhythm::default() };
        let rhythm = self.rhythms.entry(key.clone(), make);
        if now_ns.saturating_sub(rhythm.noted_ns) > NOTED_NS && self.fresh.len() < CONTACTS {
            rhythm.noted_ns = now_ns;
            self.fresh.push(key.clone());
        }
        let quiet_ns = now_ns.saturating_sub(rhythm.heard_ns);
        rhythm.heard_ns = now_ns;
        if rhythm.times > 0 && quiet_ns < GAP_MIN_NS {
            return None;
        }
        rhythm.times += 1;
        rhythm.began_ns.push_back(now_ns);
        if rhythm.began_ns.len() > most {
            rhythm.began_ns.pop_front();
        }
        (!learning && !is_shared).then_some(rhythm)
    }

    /// A device is there.
    fn met(&mut self, mac: Mac, now_ns: u64) {
        let fresh = &mut self.fresh_devices;
        self.since.entry(mac, || {
            if fresh.len() < CONTACTS {
                fresh.push(mac);
            }
            now_ns
        });
    }
}

impl Rhythm {
    /// Whether the device could have had it before, for all that is known. What began while the network was learnt is new if the
    /// device had been there for several beats of it without it.
    fn is_usual(&self, beat_ns: u64) -> bool {
        self.lead_ns.is_some_and(|lead_ns| lead_ns < LEAD_MIN_NS.max(beat_ns.saturating_mul(LEAD_BEATS)))
    }

    /// Median of the gaps and how far the middle half of them is spread, as a share of it; of so many beginnings.
    fn beat(&self, least: usize) -> Option<(u64, f64)> {
        if self.began_ns.len() < least.max(3) {
            return None;
        }
        let next = self.began_ns.iter().skip(1);
        let mut gaps: Vec<u64> = self.began_ns.iter().zip(next).map(|(a, b)| b.saturating_sub(*a)).collect();
        gaps.sort_unstable();
        let part = |share: usize| gaps[gaps.len() * share / 4];
        let median = part(2).max(1);
        Some((median, (part(3) - part(1)) as f64 / median as f64))
    }
}

impl Detector for Beacons {
    fn frame(&mut self, seen: &Seen<'_>, scene: &Scene, alerts: &mut Alerts) {
        let Some(packet) = seen.packet.filter(|_| seen.link.source.is_device()) else { return };
        self.met(seen.link.source, seen.now_ns);
        let Some(service) = contact::begins(packet) else { return };
        let (Service::Tcp(port) | Service::Udp(port)) = service else { return };
        if REGULAR.contains(&port) || is_nobodys(packet.target) || seen.link.target.is_group() {
            return;
        }
        let mac = seen.link.source;
        if self.goes_on(mac, packet.target, service, seen.now_ns) {
            return;
        }
        let key = (mac, destination(packet.target, scene), service);
        let (target, heard_ns) = (packet.target, seen.now_ns);
        self.last = Some(Last { mac, target, service, key: key.clone(), heard_ns });
        let is_strange = scene.name(&packet.target).is_none() && !on_link(packet.target);
        let Options { beacon_strange, beacon_named, beacon_spread_percent, .. } = self.options;
        let least = if is_strange { beacon_strange } else { beacon_named };
        let Some(rhythm) = self.begin(&key, seen.now_ns, scene.is_learning()) else { return };
        let Some((beat_ns, spread)) = rhythm.beat(least) else {
            return;
        };
        if spread * 100.0 <= f64::from(beacon_spread_percent) && !rhythm.is_usual(beat_ns) {
            alerts.raise(alert(&key, rhythm, (beat_ns, spread), packet, seen.now_ns));
        }
    }

    fn learnt(&mut self, notes: &mut Notes) {
        for mac in self.fresh_devices.drain(..) {
            let since_ns = self.since.get(&mac).copied().unwrap_or_default();
            notes.note(What::Device, mac, String::new(), &since_ns, since_ns);
        }
        for key in self.fresh.drain(..) {
            let Some(rhythm) = self.rhythms.get(&key) else { continue };
            let (mac, to, service) = key;
            let text = format!("{service} {to}");
            let (first_ns, lead_ns) = (rhythm.first_ns, rhythm.lead_ns);
            notes.note(
                What::Contact,
                mac,
                text,
                &Contact { to, service, first_ns, lead_ns },
                rhythm.noted_ns,
            );
        }
    }

    fn remember(&mut self, row: &Learnt) {
        match row.what {
            What::Device => row.read().into_iter().for_each(|since_ns| self.since.put(row.mac, since_ns)),
            What::Contact => {
                let Some(Contact { to, service, first_ns, lead_ns }) = row.read() else { return };
                use_of(&mut self.users, &to, row.mac);
                let rhythm = Rhythm { lead_ns, first_ns, noted_ns: row.last_ns, ..Rhythm::default() };
                self.rhythms.put((row.mac, to, service), rhythm);
            }
            _ => {}
        }
    }
}

/// A device uses a destination; how many do, as far as it matters.
fn use_of(users: &mut Recent<String, Vec<Mac>>, destination: &str, mac: Mac) -> usize {
    let users = users.entry(destination.to_owned(), Vec::new);
    if !users.contains(&mac) && users.len() <= SHARED_MAX {
        users.push(mac);
    }
    users.len()
}

/// Who is reached at an address.
pub(super) fn destination(address: IpAddr, scene: &Scene) -> String {
    if let Some(name) = scene.name(&address) {
        let mut labels = name.rsplit('.');
        return match (labels.next(), labels.next()) {
            (Some(top), Some(second)) => format!("{second}.{top}"),
            _ => name.to_string(),
        };
    }
    match address {
        // On this network every address is somebody else.
        _ if on_link(address) => address.to_string(),
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
    }
}

fn alert(
    key: &Key,
    rhythm: &Rhythm,
    (beat_ns, spread): (u64, f64),
    packet: &Packet<'_>,
    now_ns: u64,
) -> Alert {
    let (mac, destination, service) = key;
    let (source, target, beat) = (packet.source, packet.target, seconds(beat_ns));
    let named = if *destination == target.to_string() { String::new() } else { format!(" ({destination})") };
    Alert {
        rule: "beacon",
        severity: Severity::Medium,
        mac: *mac,
        ip: Some(source),
        subject: format!("{destination} {service}"),
        message: format!(
            "beacon: {source} calls {target}{named} at {service} about every {beat}, and did not before"
        ),
        because: vec![
            format!("{} contacts, with gaps of {beat} in the middle", rhythm.times),
            format!("half of the gaps lie within {:.0} % of that", spread * 100.0),
            "nobody else here talks to it".to_owned(),
        ],
        count: rhythm.times,
        first_ns: rhythm.first_ns,
        last_ns: now_ns,
    }
}

//! What each device did within five minutes, as numbers: what models look at.
//!
//! [`FEATURES`] says which they are, in their order. A number is the logarithm `log2(1 + x)` of what was counted, so that ten times as
//! much is
//! as far from one as from ten. Counts of different things come from sketches of 128 bits, nearly exact up to some dozens, and grow no
//! further beyond about 600.

use super::contact::{self, Service};
use super::scene::{Scene, is_nobodys};
use super::{Amount, Flow, Seen};
use crate::Mac;
use crate::decode::on_link;
use crate::packet::Transport;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// How long an interval is.
pub const INTERVAL_NS: u64 = 300_000_000_000;
/// Devices that are followed; more are counted and left out.
pub const DEVICES_MAX: usize = 10_000;
/// How many numbers there are.
pub const FEATURES_LEN: usize = 12;

/// Name, unit, and what it says in words of a person, of each number.
pub const FEATURES: [(&str, &str, &str); FEATURES_LEN] = [
    ("sent_bytes", "bytes", "bytes that it sent, headers and all"),
    ("received_bytes", "bytes", "bytes that were sent to it alone"),
    ("sent_frames", "frames", "frames that it sent"),
    ("received_frames", "frames", "frames that were sent to it alone"),
    ("mean_sent_bytes", "bytes a frame", "size of the frames that it sent"),
    ("connections", "connections", "TCP connections that it began"),
    ("asked", "connections", "TCP connections that others began with it"),
    ("peers", "addresses", "addresses that it began to talk to"),
    ("services", "ports", "services that it began to talk to"),
    ("near_peers", "addresses", "addresses of this network that it began to talk to"),
    ("names", "questions", "questions to name servers"),
    ("group_frames", "frames", "frames to groups and to all"),
];

/// The numbers of a device and an interval.
pub type Vector = [f32; FEATURES_LEN];

/// One device's interval that is over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interval {
    pub(super) mac: Mac,
    pub(super) vector: Vector,
    /// When the interval began, nanoseconds since 1970.
    pub(super) start_ns: u64,
}

/// Which of 128 bits are set by different things.
#[derive(Clone, Copy, Debug, Default)]
struct Sketch(u128);

impl Sketch {
    fn add(&mut self, thing: &impl Hash) {
        let mut hasher = DefaultHasher::new();
        thing.hash(&mut hasher);
        self.0 |= 1 << (hasher.finish() % 128);
    }

    /// Linear counting (Whang et al., 1990).
    fn count(self) -> f64 {
        let zeros = f64::from(self.0.count_zeros().max(1));
        -128.0 * (zeros / 128.0).ln()
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    sent_bytes: u64,
    received_bytes: u64,
    sent_frames: u64,
    received_frames: u64,
    connections: u64,
    asked: u64,
    names: u64,
    group_frames: u64,
    peers: Sketch,
    services: Sketch,
    near_peers: Sketch,
}

impl Sums {
    fn vector(&self) -> Vector {
        let log = |count: f64| (1.0 + count).log2() as f32;
        let of = |count: u64| log(count as f64);
        [
            of(self.sent_bytes),
            of(self.received_bytes),
            of(self.sent_frames),
            of(self.received_frames),
            log(self.sent_bytes as f64 / self.sent_frames.max(1) as f64),
            of(self.connections),
            of(self.asked),
            log(self.peers.count()),
            log(self.services.count()),
            log(self.near_peers.count()),
            of(self.names),
            of(self.group_frames),
        ]
    }
}

/// Adds up what devices do.
#[derive(Debug, Default)]
pub(super) struct Activity {
    places: HashMap<Mac, usize>,
    devices: Vec<(Mac, Sums)>,
    /// The last few devices and their places: frames come in trains.
    lately: [(Mac, usize); 4],
    next: usize,
    /// The talk that was noted last.
    last: Option<(Mac, std::net::IpAddr, Service)>,
    /// Which interval it is; none before the first frame.
    interval: Option<u64>,
    /// Devices for which there was no room.
    refused: u64,
}

impl Activity {
    /// Ends the interval if it is over; what devices did in it goes to `over`.
    pub(super) fn turn(&mut self, now_ns: u64, over: &mut impl Extend<Interval>) {
        let now = now_ns / INTERVAL_NS;
        match self.interval {
            Some(interval) if interval == now => {}
            Some(interval) if interval < now => self.close(interval, now, over),
            // A frame of before is counted with those of now.
            Some(_) => {}
            None => self.interval = Some(now),
        }
    }

    fn close(&mut self, interval: u64, now: u64, over: &mut impl Extend<Interval>) {
        self.interval = Some(now);
        let start_ns = interval.saturating_mul(INTERVAL_NS);
        let done =
            self.devices.drain(..).map(|(mac, sums)| Interval { mac, vector: sums.vector(), start_ns });
        over.extend(done);
        self.places.clear();
        self.lately = Default::default();
        self.last = None;
    }

    pub(super) fn frame(&mut self, seen: &Seen<'_>, scene: &Scene) {
        let bytes = seen.packet.map_or(seen.link.payload.len() as u64, |packet| u64::from(packet.bytes)) + 14;
        let (source, target) = (seen.link.source, seen.link.target);
        let is_group = target.is_group();
        let begins = seen.packet.filter(|_| !seen.is_within_connection()).and_then(contact::begins);
        if let Some(sums) = self.of(source) {
            sums.sent_bytes += bytes;
            sums.sent_frames += 1;
            sums.group_frames += u64::from(is_group);
        }
        if let Some(sums) = self.of(target) {
            sums.received_bytes += bytes;
            sums.received_frames += 1;
            sums.asked += u64::from(matches!(begins, Some(Service::Tcp(_))));
        }
        if let (Some(service), Some(packet)) = (begins, seen.packet)
            && !is_group
            && !is_nobodys(packet.target)
        {
            self.began(source, packet.target, service, &packet.carried, scene);
        }
    }

    fn began(
        &mut self,
        source: Mac,
        target: std::net::IpAddr,
        service: Service,
        carried: &Transport<'_>,
        scene: &Scene,
    ) {
        let now = Some((source, target, service));
        let is_again = self.last == now;
        self.last = now;
        let is_tcp = matches!(carried, Transport::Tcp(_));
        let is_name = matches!(service, Service::Udp(53) | Service::Tcp(53 | 853));
        let is_near = on_link(target) && !scene.is_gateway(&target);
        let Some(sums) = self.of(source) else { return };
        sums.connections += u64::from(is_tcp);
        sums.names += u64::from(is_name);
        if !is_again {
            sums.peers.add(&target);
            sums.services.add(&service);
            if is_near {
                sums.near_peers.add(&target);
            }
        }
    }

    /// Frames that the kernel counted.
    pub(super) fn counted(&mut self, flow: &Flow, amount: Amount) {
        if let Some(sums) = self.of(flow.source) {
            sums.sent_bytes += amount.bytes;
            sums.sent_frames += amount.frames;
        }
        if let Some(sums) = flow.target.and_then(|target| self.of(target)) {
            sums.received_bytes += amount.bytes;
            sums.received_frames += amount.frames;
        }
    }

    /// Devices for which there was no room in an interval, all in all.
    pub(super) fn refused(&self) -> u64 {
        self.refused
    }

    fn of(&mut self, mac: Mac) -> Option<&mut Sums> {
        if !mac.is_device() {
            return None;
        }
        let known = self.lately.iter().find(|(of, _)| *of == mac).map(|(_, at)| *at);
        let at = match known {
            Some(at) => at,
            None => self.find(mac)?,
        };
        self.devices.get_mut(at).map(|(_, sums)| sums)
    }

    fn find(&mut self, mac: Mac) -> Option<usize> {
        let at = match self.places.get(&mac) {
            Some(at) => *at,
            None if self.devices.len() < DEVICES_MAX => {
                self.places.insert(mac, self.devices.len());
                self.devices.push((mac, Sums::default()));
                self.devices.len() - 1
            }
            None => {
                self.refused += 1;
                return None;
            }
        };
        self.lately[self.next] = (mac, at);
        self.next = (self.next + 1) % self.lately.len();
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_things_are_counted_nearly_exactly() {
        for many in [0u64, 1, 5, 30, 100] {
            let mut sketch = Sketch::default();
            (0..many).for_each(|n| sketch.add(&(n, "thing")));
            (0..many).for_each(|n| sketch.add(&(n, "thing")));
            let off = (sketch.count() - many as f64).abs();
            assert!(off <= 1.0 + many as f64 * 0.25, "{many}: {}", sketch.count());
        }
    }

    #[test]
    fn intervals_end_with_the_first_frame_behind_them_and_devices_are_bounded() {
        let mut activity = Activity::default();
        let mut over = Vec::new();
        activity.turn(10, &mut over);
        for n in 0..DEVICES_MAX as u32 + 5 {
            let [a, b, c, d] = n.to_be_bytes();
            if let Some(sums) = activity.of(Mac([2, 1, a, b, c, d])) {
                sums.sent_bytes += 1023;
                sums.sent_frames += 1;
            }
        }
        activity.turn(INTERVAL_NS - 1, &mut over);
        assert!(over.is_empty());
        activity.turn(INTERVAL_NS, &mut over);
        assert_eq!((over.len(), activity.refused()), (DEVICES_MAX, 5));
        assert_eq!((over[0].vector[0], over[0].vector[2], over[0].start_ns), (10.0, 1.0, 0));
    }
}

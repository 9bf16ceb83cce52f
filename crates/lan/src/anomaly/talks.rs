//! Who talks to whom, how much, and when: what a map and plots of a network are drawn from.
//!
//! A talk is a device, whom it talks to, and by which service; many connections are one talk, so that a scan of the world is not a
//! million of them. Two devices of this network have one talk, which is the client's (the one with the higher port). A peer
//! beyond this network is called by the name that it was looked up by, else by its address.
//!
//! What was counted is handed out by [`Talks::take`] and begins anew, so that a reader adds it up, in memory or in a database. Where
//! nobody takes it, or too much comes at once, the rest is told as talk with [`Peer::Others`].

mod flow;
mod kinds;

pub(crate) use flow::Flow;
pub use kinds::{Channel, Peer, SPAN_S, Talk, TalkKey, Tally, Volume};

use super::scene::Scene;
use crate::Mac;
use flow::{key, of_frame};
use kinds::{TALKS_MAX, VOLUMES_MAX};

/// Bytes of Ethernet before an IP packet.
const ETHERNET_BYTES: u64 = 14;

/// How much of a flow came.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Amount {
    pub(crate) frames: u64,
    pub(crate) bytes: u64,
    pub(crate) connections: u64,
    pub(crate) last_ns: u64,
}

/// Follows who talks to whom.
#[derive(Debug, Default)]
pub(super) struct Talks {
    tally: Tally,
    /// The last flows, and what they add to.
    lately: [Option<(Flow, TalkKey, bool)>; 4],
    next: usize,
    waiting: [Amount; 4],
}

impl Talks {
    /// A frame came.
    pub(super) fn frame(&mut self, seen: &super::Seen<'_>, scene: &Scene) {
        let (flow, connections) = of_frame(seen);
        let payload = seen.packet.map_or(seen.link.payload.len() as u64, |packet| u64::from(packet.bytes));
        let bytes = payload + ETHERNET_BYTES;
        self.add(flow, Amount { frames: 1, bytes, connections, last_ns: seen.now_ns }, scene);
    }

    /// So much of a flow came.
    pub(super) fn add(&mut self, flow: Flow, amount: Amount, scene: &Scene) {
        let known = self.lately.iter().position(|lately| lately.as_ref().is_some_and(|(of, ..)| *of == flow));
        let at = known.unwrap_or_else(|| self.remember(flow, scene));
        let waiting = &mut self.waiting[at];
        let is_other_span = waiting.frames > 0 && span(waiting.last_ns) != span(amount.last_ns);
        if is_other_span {
            self.settle(at);
        }
        let waiting = &mut self.waiting[at];
        waiting.frames += amount.frames;
        waiting.bytes += amount.bytes;
        waiting.connections += amount.connections;
        waiting.last_ns = amount.last_ns;
    }

    /// The place of a flow that is not among the last ones.
    fn remember(&mut self, flow: Flow, scene: &Scene) -> usize {
        let at = self.next;
        self.next = (at + 1) % self.lately.len();
        self.settle(at);
        let (key, outward) = key(&flow, scene);
        self.lately[at] = Some((flow, key, outward));
        at
    }

    /// Adds what waits.
    fn settle(&mut self, at: usize) {
        let Amount { frames, bytes, connections, last_ns } = std::mem::take(&mut self.waiting[at]);
        let Some((_, key, outward)) = self.lately[at].as_ref().filter(|_| frames > 0) else { return };
        let mut more = Talk { connections, first_ns: last_ns, last_ns, ..Talk::default() };
        let (mac, peer, _) = key;
        let (sender, receiver) = match (peer, *outward) {
            (Peer::Device(peer), true) => (Some(*mac), Some(*peer)),
            (Peer::Device(peer), false) => (Some(*peer), Some(*mac)),
            (_, true) => (Some(*mac), None),
            (_, false) => (None, Some(*mac)),
        };
        if *outward {
            (more.frames_sent, more.bytes_sent) = (frames, bytes);
        } else {
            (more.frames_received, more.bytes_received) = (frames, bytes);
        }
        let key = if self.tally.talks.len() < TALKS_MAX || self.tally.talks.contains_key(key) {
            key.clone()
        } else {
            (Mac::default(), Peer::Others, Channel::Ether(0))
        };
        self.tally.talks.entry(key).or_default().add(&more);
        for (mac, volume) in
            [(sender, Volume { sent: bytes, received: 0 }), (receiver, Volume { sent: 0, received: bytes })]
        {
            let Some(mac) = mac.filter(|_| self.tally.volumes.len() < VOLUMES_MAX) else { continue };
            let sum = self.tally.volumes.entry((span(last_ns), mac)).or_default();
            sum.sent += volume.sent;
            sum.received += volume.received;
        }
    }

    /// What was said since the last time.
    pub(super) fn take(&mut self) -> Tally {
        (0..self.lately.len()).for_each(|at| self.settle(at));
        // Names become known, and addresses move: who it is is asked anew.
        self.lately = Default::default();
        std::mem::take(&mut self.tally)
    }

    pub(super) fn is_large(&self) -> bool {
        self.tally.is_large()
    }
}

/// The second at which the span of a time begins.
fn span(ns: u64) -> u64 {
    ns / 1_000_000_000 / SPAN_S * SPAN_S
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    const HERE: Mac = Mac([2, 0, 0, 0, 0, 1]);
    const THERE: Mac = Mac([2, 0, 0, 0, 0, 2]);

    fn flow(source: Mac, target: Mac, is_client: bool) -> Flow {
        let ip = |mac: Mac| IpAddr::from([192, 168, 0, mac.0[5]]);
        let ips = Some((ip(source), ip(target)));
        Flow { source, target: Some(target), ips, channel: Channel::Tcp(80), is_client }
    }

    fn amount(last_s: u64) -> Amount {
        Amount { frames: 1, bytes: 100, connections: 0, last_ns: last_s * 1_000_000_000 }
    }

    #[test]
    fn both_ways_are_one_talk_which_is_the_clients() {
        let (mut talks, scene) = (Talks::default(), Scene::new(0));
        talks.add(flow(HERE, THERE, true), amount(1), &scene);
        talks.add(flow(THERE, HERE, false), amount(2), &scene);
        talks.add(flow(THERE, HERE, false), amount(3), &scene);
        let tally = talks.take();
        let talk = tally.talks[&(HERE, Peer::Device(THERE), Channel::Tcp(80))];
        assert_eq!((tally.talks.len(), talk.bytes_sent, talk.bytes_received), (1, 100, 200));
        assert_eq!(tally.volumes[&(0, THERE)], Volume { sent: 200, received: 100 });
        assert!(talks.take().is_empty(), "it is handed out once");
    }

    #[test]
    fn spans_are_told_apart_and_nothing_is_lost_when_there_is_no_room() {
        let (mut talks, scene) = (Talks::default(), Scene::new(0));
        talks.add(flow(HERE, THERE, true), amount(1), &scene);
        talks.add(flow(HERE, THERE, true), amount(SPAN_S), &scene);
        for n in 0..TALKS_MAX as u32 + 10 {
            let [a, b, c, d] = n.to_be_bytes();
            talks.add(flow(Mac([2, 1, a, b, c, d]), THERE, true), amount(SPAN_S), &scene);
        }
        let tally = talks.take();
        assert_eq!(tally.volumes[&(0, HERE)].sent, 100);
        assert_eq!(tally.volumes[&(SPAN_S, HERE)].sent, 100);
        let frames: u64 = tally.talks.values().map(|talk| talk.frames_sent).sum();
        assert_eq!((tally.talks.len(), frames), (TALKS_MAX + 1, TALKS_MAX as u64 + 12));
    }
}

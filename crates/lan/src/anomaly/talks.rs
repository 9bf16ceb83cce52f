//! Who talks to whom, how much, and when: what a map and plots of a network are drawn from.
//!
//! A talk is a device, whom it talks to, and by which service; many connections are one talk, so that a scan of the world is not a
//! million of them. Two devices of this network have one talk, which is the client's (the one with the higher port). A peer
//! beyond this network is called by the name that it was looked up by, else by its address.
//!
//! What was counted is handed out by [`Talks::take`] and begins anew, so that a reader adds it up, in memory or in a database. Where
//! nobody takes it, or too much comes at once, the rest is told as talk with [`Peer::Others`].

use super::scene::{Scene, is_nobodys};
use crate::Mac;
use crate::decode::on_link;
use crate::packet::Transport;
use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// Talks that are held until they are taken.
const TALKS_MAX: usize = 65_536;
/// Spans of devices that are held.
const VOLUMES_MAX: usize = 262_144;
/// Seconds of a span in which a device's traffic is added up.
pub const SPAN_S: u64 = 300;
/// Bytes of Ethernet before an IP packet.
const ETHERNET_BYTES: u64 = 14;
/// Longer names are cut.
const NAME_BYTES_MAX: usize = 255;

/// Who is talked to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Peer {
    /// A device of this network.
    Device(Mac),
    /// Somebody elsewhere, by name or address.
    Remote(Arc<str>),
    /// All, or a group.
    Everyone,
    /// Those for whom there was no room.
    Others,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(mac) => mac.fmt(f),
            Self::Remote(name) => f.write_str(name),
            Self::Everyone => f.write_str("everyone"),
            Self::Others => f.write_str("others"),
        }
    }
}

/// By what they talk: protocol and the lower port, `arp`, or the number of an EtherType.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// TCP, by port.
    Tcp(u16),
    /// UDP, by port.
    Udp(u16),
    /// Another protocol of IP, by number; 1 is ICMP.
    Ip(u8),
    /// No IP, by EtherType.
    Ether(u16),
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(port) => write!(f, "tcp {port}"),
            Self::Udp(port) => write!(f, "udp {port}"),
            Self::Ip(1) => f.write_str("icmp"),
            Self::Ip(2) => f.write_str("igmp"),
            Self::Ip(58) => f.write_str("icmp6"),
            Self::Ip(number) => write!(f, "ip {number}"),
            Self::Ether(0x0806) => f.write_str("arp"),
            Self::Ether(0x88cc) => f.write_str("lldp"),
            Self::Ether(0x888e) => f.write_str("eapol"),
            Self::Ether(kind) => write!(f, "ether {kind:04x}"),
        }
    }
}

/// Who, with whom, by what.
pub type TalkKey = (Mac, Peer, Channel);

/// How much was said in a talk since it was taken last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Talk {
    /// TCP connections that the one or the other began.
    pub connections: u64,
    /// Frames of the device to its peer.
    pub frames_sent: u64,
    /// Frames of the peer to the device.
    pub frames_received: u64,
    /// Bytes of frames to the peer.
    pub bytes_sent: u64,
    /// Bytes of frames from the peer.
    pub bytes_received: u64,
    /// When first, nanoseconds since 1970.
    pub first_ns: u64,
    /// When last.
    pub last_ns: u64,
}

impl Talk {
    /// Adds what was said later.
    pub fn add(&mut self, more: &Self) {
        self.connections += more.connections;
        self.frames_sent += more.frames_sent;
        self.frames_received += more.frames_received;
        self.bytes_sent += more.bytes_sent;
        self.bytes_received += more.bytes_received;
        self.first_ns = if self.first_ns == 0 { more.first_ns } else { self.first_ns.min(more.first_ns) };
        self.last_ns = self.last_ns.max(more.last_ns);
    }
}

/// Bytes of a device in a span of [`SPAN_S`] seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// Bytes that it sent.
    pub sent: u64,
    /// Bytes that were sent to it alone.
    pub received: u64,
}

/// What was said since it was taken last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Who with whom.
    pub talks: HashMap<TalkKey, Talk>,
    /// How much of each device, by the second since 1970 at which the span begins.
    pub volumes: HashMap<(u64, Mac), Volume>,
}

impl Tally {
    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.talks.is_empty() && self.volumes.is_empty()
    }

    /// Whether it had better be taken soon.
    pub fn is_large(&self) -> bool {
        self.talks.len() >= TALKS_MAX / 2 || self.volumes.len() >= VOLUMES_MAX / 2
    }
}

/// Frames of one sender to one target, as the kernel or a frame has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flow {
    pub(crate) source: Mac,
    /// Not known of what the kernel counted.
    pub(crate) target: Option<Mac>,
    /// Addresses of IP.
    pub(crate) ips: Option<(IpAddr, IpAddr)>,
    pub(crate) channel: Channel,
    /// The sender's port is the higher one, or equal: it is the client.
    pub(crate) is_client: bool,
}

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
        let (flow, connections) = flow(seen);
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

/// The flow of a frame, and how many connections it begins.
fn flow(seen: &super::Seen<'_>) -> (Flow, u64) {
    let source = seen.link.source;
    // A cooked capture does not tell.
    let target = Some(seen.link.target).filter(|mac| !mac.is_zero());
    let Some(packet) = seen.packet else {
        let channel = match seen.link.carried {
            crate::link::Carried::Ether(kind) => Channel::Ether(kind),
            _ => Channel::Ether(0),
        };
        return (Flow { source, target, ips: None, channel, is_client: true }, 0);
    };
    let of_ports = |here: u16, there: u16| (here.min(there), here >= there);
    let (channel, is_client, begins) = match &packet.carried {
        Transport::Tcp(tcp) => {
            let (port, is_client) = of_ports(tcp.source_port(), tcp.destination_port());
            (Channel::Tcp(port), is_client, tcp.syn() && !tcp.ack())
        }
        Transport::Udp(udp) => {
            let (port, is_client) = of_ports(udp.source, udp.target);
            (Channel::Udp(port), is_client, false)
        }
        Transport::Icmp(message) => (Channel::Ip(1), message.first() != Some(&0), false),
        Transport::Icmp6(message) => (Channel::Ip(58), message.first() != Some(&129), false),
        Transport::Igmp(_) => (Channel::Ip(2), true, false),
        Transport::Other(number) => (Channel::Ip(*number), true, false),
        Transport::Fragment => (Channel::Ip(44), true, false),
    };
    let ips = Some((packet.source, packet.target));
    (Flow { source, target, ips, channel, is_client }, u64::from(begins))
}

/// Whose talk a flow is of, and whether it goes from that device to the peer.
fn key(flow: &Flow, scene: &Scene) -> (TalkKey, bool) {
    let source = who(flow.ips.map(|(source, _)| source), Some(flow.source), scene);
    let target = match flow.target {
        Some(mac) if mac.is_group() => Peer::Everyone,
        mac => who(flow.ips.map(|(_, target)| target), mac, scene),
    };
    let channel = flow.channel;
    match (source, target) {
        (Peer::Device(here), Peer::Device(there)) if !flow.is_client => {
            ((there, Peer::Device(here), channel), false)
        }
        (Peer::Device(here), target) => ((here, target, channel), true),
        (source, Peer::Device(there)) => ((there, source, channel), false),
        // Between two that are both elsewhere: what the router that sent it passes on.
        (_, target) => ((flow.source, target, channel), true),
    }
}

/// Who has an address, seen with a hardware address.
fn who(ip: Option<IpAddr>, mac: Option<Mac>, scene: &Scene) -> Peer {
    let Some(ip) = ip else { return mac.map_or(Peer::Others, Peer::Device) };
    if is_nobodys(ip) && mac.is_none() {
        return Peer::Everyone;
    }
    if let Some(mac) = mac.filter(|mac| !scene.is_router(*mac)) {
        return Peer::Device(mac);
    }
    match scene.owner(&ip) {
        Some(owner) => Peer::Device(owner),
        None if on_link(ip) => Peer::Remote(ip.to_string().into()),
        None => Peer::Remote(scene.name(&ip).map_or_else(|| ip.to_string().into(), short)),
    }
}

fn short(name: &Arc<str>) -> Arc<str> {
    if name.len() <= NAME_BYTES_MAX {
        Arc::clone(name)
    } else {
        name[..name.floor_char_boundary(NAME_BYTES_MAX)].into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

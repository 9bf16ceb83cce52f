//! What becomes of a device's attempts to talk to others: answered, or not.
//!
//! A contact is the first segment of a TCP connection (or one with flags that none has: no SYN, no ACK, no RST), a datagram to a
//! port below its own, an echo request, a question who has an address. It is answered by what can only come from a
//! service that is there: SYN and ACK, a datagram back, an echo, somebody who has the address. RST is a refusal; nothing within
//! three seconds is silence. Both count as no answer.

use super::Seen;
use super::recent::Recent;
use super::scene::{Scene, is_nobodys};
use crate::Mac;
use crate::packet::{Packet, Transport};
use crate::signal::{Claim, Signal};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::net::IpAddr;

/// How long an answer is waited for: the first repetition of a SYN comes after one second.
const PATIENCE_NS: u64 = 3_000_000_000;
/// Contacts that are waited for at once; beyond, the oldest count as silent at once.
const PENDING_MAX: usize = 65_536;
/// Contacts that were answered and are remembered, by half.
const ANSWERED: usize = 32_768;
/// Ports that traceroute sends datagrams to, which are to be closed.
const TRACEROUTE: std::ops::RangeInclusive<u16> = 33_434..=33_690;

/// Who tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Who {
    pub(super) mac: Mac,
    pub(super) ip: IpAddr,
}

/// What it tries to reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
pub(super) enum Service {
    Tcp(u16),
    Udp(u16),
    /// ICMP echo.
    Echo,
    /// ARP or neighbour discovery.
    Neighbour,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(port) => write!(f, "tcp port {port}"),
            Self::Udp(port) => write!(f, "udp port {port}"),
            Self::Echo => f.write_str("ping"),
            Self::Neighbour => f.write_str("ARP or neighbour discovery"),
        }
    }
}

/// What became of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) who: Who,
    pub(super) target: IpAddr,
    pub(super) service: Service,
    pub(super) answered: bool,
    /// When it was tried.
    pub(super) at_ns: u64,
}

/// The service that a packet begins to talk to, or goes on to talk to by datagrams; as [`crate::sought`] has it.
pub(super) fn begins(packet: &Packet<'_>) -> Option<Service> {
    match &packet.carried {
        Transport::Tcp(tcp) if tcp.syn() && !tcp.ack() => Some(Service::Tcp(tcp.destination_port())),
        Transport::Udp(udp) if udp.target < udp.source => Some(Service::Udp(udp.target)),
        _ => None,
    }
}

type Key = (IpAddr, IpAddr, Service);

/// Contacts that are waited for.
#[derive(Debug)]
pub(super) struct Contacts {
    pending: HashMap<Key, (Mac, u64)>,
    order: VecDeque<(u64, Key)>,
    answered: Recent<Key, ()>,
    last: Option<Key>,
    /// Some contact was answered or refused: where none ever is, answers cannot be seen from here.
    pub(super) hears_answers: bool,
}

impl Contacts {
    pub(super) fn new() -> Self {
        Self {
            pending: HashMap::new(),
            order: VecDeque::new(),
            answered: Recent::new(ANSWERED),
            last: None,
            hears_answers: false,
        }
    }

    /// Follows a frame; what is decided by it goes to `outcomes`.
    pub(super) fn follow(&mut self, seen: &Seen<'_>, scene: &Scene, outcomes: &mut Vec<Outcome>) {
        self.expire(seen.now_ns, scene, outcomes);
        self.neighbours(seen, scene, outcomes);
        let Some(packet) = seen.packet else { return };
        match &packet.carried {
            Transport::Tcp(tcp) => {
                let (here, there) = (tcp.source_port(), tcp.destination_port());
                match (tcp.syn(), tcp.ack(), tcp.rst()) {
                    (_, false, false) => self.begin(seen, packet, Service::Tcp(there), outcomes),
                    (true, true, false) => self.end(packet, Service::Tcp(here), true, outcomes),
                    (_, _, true) => self.end(packet, Service::Tcp(here), false, outcomes),
                    _ => {}
                }
            }
            Transport::Udp(udp) => {
                // A long talk is the same pair over and over.
                let key = (packet.source, packet.target, Service::Udp(udp.target));
                if self.last == Some(key) {
                    return;
                }
                self.last = Some(key);
                self.end(packet, Service::Udp(udp.source), true, outcomes);
                if udp.target < udp.source && !TRACEROUTE.contains(&udp.target) {
                    self.begin(seen, packet, Service::Udp(udp.target), outcomes);
                }
            }
            Transport::Icmp([8, ..]) | Transport::Icmp6([128, ..]) => {
                self.begin(seen, packet, Service::Echo, outcomes);
            }
            Transport::Icmp([0, ..]) | Transport::Icmp6([129, ..]) => {
                self.end(packet, Service::Echo, true, outcomes);
            }
            _ => {}
        }
    }

    /// Who has an address?
    fn neighbours(&mut self, seen: &Seen<'_>, scene: &Scene, outcomes: &mut Vec<Outcome>) {
        let sought = seen.said.iter().find_map(|(mac, signal)| match signal {
            Signal::Seeks(target) => Some((*mac, *target)),
            _ => None,
        });
        let Some((mac, target)) = sought else { return };
        let own = seen.said.iter().find_map(|(of, signal)| match signal {
            Signal::Address(address, Claim::Announced) if *of == mac => Some(*address),
            _ => None,
        });
        // An address beyond this network is asked for by mistake.
        let Some(ip) = own.filter(|ip| are_near(*ip, target)) else { return };
        if scene.owner(&target).is_some() {
            let who = Who { mac, ip };
            outcomes.push(Outcome {
                who,
                target,
                service: Service::Neighbour,
                answered: true,
                at_ns: seen.now_ns,
            });
        } else {
            self.wait((ip, target, Service::Neighbour), mac, seen.now_ns, scene, outcomes);
        }
    }

    fn begin(&mut self, seen: &Seen<'_>, packet: &Packet<'_>, service: Service, outcomes: &mut Vec<Outcome>) {
        let key = (packet.source, packet.target, service);
        let is_of_one =
            !is_nobodys(packet.source) && !is_nobodys(packet.target) && !seen.link.target.is_group();
        if is_of_one && seen.link.source.is_device() && !self.answered.contains(&key) {
            self.pend(key, seen.link.source, seen.now_ns, outcomes);
        }
    }

    fn wait(&mut self, key: Key, mac: Mac, now_ns: u64, scene: &Scene, outcomes: &mut Vec<Outcome>) {
        // Routers ask for whatever the world sends packets to.
        if !scene.is_router(mac) && !is_nobodys(key.1) {
            self.pend(key, mac, now_ns, outcomes);
        }
    }

    fn pend(&mut self, key: Key, mac: Mac, now_ns: u64, outcomes: &mut Vec<Outcome>) {
        if self.pending.contains_key(&key) {
            return;
        }
        while self.pending.len() >= PENDING_MAX {
            let Some((_, oldest)) = self.order.pop_front() else { break };
            self.decide(&oldest, false, outcomes);
        }
        self.pending.insert(key, (mac, now_ns));
        self.order.push_back((now_ns, key));
    }

    /// The service at the sender's end answers, or refuses.
    fn end(&mut self, packet: &Packet<'_>, service: Service, answered: bool, outcomes: &mut Vec<Outcome>) {
        let key = (packet.target, packet.source, service);
        if self.decide(&key, answered, outcomes) {
            self.hears_answers = true;
            if answered {
                self.answered.put(key, ());
            }
        }
    }

    fn decide(&mut self, key: &Key, answered: bool, outcomes: &mut Vec<Outcome>) -> bool {
        let Some((mac, at_ns)) = self.pending.remove(key) else { return false };
        let (ip, target, service) = *key;
        outcomes.push(Outcome { who: Who { mac, ip }, target, service, answered, at_ns });
        true
    }

    /// Decides what was waited for long enough.
    pub(super) fn expire(&mut self, now_ns: u64, scene: &Scene, outcomes: &mut Vec<Outcome>) {
        while let Some(&(at_ns, key)) = self.order.front()
            && now_ns.saturating_sub(at_ns) > PATIENCE_NS
        {
            self.order.pop_front();
            // The same may have been tried anew meanwhile.
            if self.pending.get(&key).is_some_and(|(_, since_ns)| *since_ns == at_ns) {
                let is_there = key.2 == Service::Neighbour && scene.owner(&key.1).is_some();
                self.decide(&key, is_there, outcomes);
            }
        }
    }
}

/// Whether two addresses can be of one network: the same /16, or any two of IPv6.
fn are_near(one: IpAddr, other: IpAddr) -> bool {
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => one.octets()[..2] == other.octets()[..2],
        (one, other) => one.is_ipv6() && other.is_ipv6(),
    }
}

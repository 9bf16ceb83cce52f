//! What all detectors have to know of the network: who has which address, who passes on packets of others, who was told what.

use super::Seen;
use super::learnt::{Known, Learnt, Notes, What};
use super::recent::{Lately, Recent};
use crate::Mac;
use crate::decode::{dhcp4, dns, icmp6, on_link};
use crate::packet::{Packet, Transport};
use crate::signal::{Claim, Role, Signal};
use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

/// A network that says nothing for longer than this is not being learnt, nor is one whose capture has gaps.
const GAP_NS: u64 = 60_000_000_000;
/// Addresses, names and senders that are remembered, by half.
const KNOWN: usize = 65_536;
/// A device that sends from more addresses of others than this passes their packets on.
const FOREIGN_MAX: usize = 2;
const OWN_MAX: usize = 8;
const GATEWAYS_MAX: usize = 64;

/// The network, as far as detectors ask for it.
#[derive(Debug)]
pub(super) struct Scene {
    /// When the first frame came, of an earlier run as well.
    since_ns: Option<u64>,
    /// For how long it was looked at; a gap counts as no more than [`GAP_NS`].
    seen_ns: u64,
    last_ns: u64,
    learn_ns: u64,
    /// Who said last that it has an address.
    owners: Recent<IpAddr, Mac>,
    senders: Recent<Mac, Sender>,
    /// Who passes packets on to the world.
    routers: HashSet<Mac>,
    /// Who sends for several on this network: repeaters, bridges of radio networks.
    relays: HashSet<Mac>,
    /// Addresses that DHCP or an advertisement told to be a gateway's.
    gateways: HashSet<IpAddr>,
    /// Addresses of those who pass packets on.
    ways: HashSet<IpAddr>,
    /// Addresses that DHCP or an advertisement told to be name servers'.
    resolvers: HashSet<IpAddr>,
    /// What an address was last looked up as.
    names: Recent<IpAddr, Arc<str>>,
    /// Who was here before this frame.
    known: Recent<Mac, ()>,
    newest: Option<Mac>,
    known_lately: Lately<Mac>,
    lately: Lately<(Mac, IpAddr)>,
    last_hop: Option<Mac>,
}

/// The addresses that a device sends from.
#[derive(Debug, Default)]
struct Sender {
    near: HashSet<IpAddr>,
    foreign: HashSet<IpAddr>,
}

impl Scene {
    pub(super) fn new(learn_ns: u64) -> Self {
        Self {
            since_ns: None,
            seen_ns: 0,
            last_ns: u64::MAX,
            learn_ns,
            owners: Recent::new(KNOWN),
            senders: Recent::new(KNOWN / 4),
            routers: HashSet::new(),
            relays: HashSet::new(),
            gateways: HashSet::new(),
            ways: HashSet::new(),
            resolvers: HashSet::new(),
            names: Recent::new(KNOWN),
            known: Recent::new(KNOWN),
            newest: None,
            known_lately: Lately::new(),
            lately: Lately::new(),
            last_hop: None,
        }
    }

    /// A device was here before.
    pub(super) fn know(&mut self, mac: Mac) {
        self.known.put(mac, ());
    }

    /// Whether a device was here before.
    pub(super) fn is_known(&self, mac: Mac) -> bool {
        self.known.contains(&mac)
    }

    /// An address is known to be the gateway's.
    pub(super) fn gateway(&mut self, address: IpAddr) {
        self.gateways.insert(address);
    }

    /// Learns from a frame, before detectors look at it.
    pub(super) fn learn(&mut self, seen: &Seen<'_>) {
        self.seen_ns += seen.now_ns.saturating_sub(self.last_ns).min(GAP_NS);
        self.last_ns = seen.now_ns;
        self.since_ns.get_or_insert(seen.now_ns);
        // Who sent the frame before this one is known by now.
        if self.newest != Some(seen.link.source) {
            let before = self.newest.replace(seen.link.source).filter(|mac| !self.known_lately.meet(*mac));
            before.into_iter().for_each(|mac| self.know(mac));
        }
        for (mac, signal) in seen.said {
            match signal {
                Signal::Address(address, Claim::Announced) => {
                    self.owners.put(*address, *mac);
                    // Packets for the world go to it, and this is the address that they are sent by.
                    if self.routers.contains(mac) && on_link(*address) && self.ways.len() < GATEWAYS_MAX {
                        self.ways.insert(*address);
                    }
                }
                Signal::Role(Role::Router) => self.router(*mac),
                Signal::Gateway(address) if self.gateways.len() < GATEWAYS_MAX => {
                    self.gateways.insert(*address);
                }
                _ => {}
            }
        }
        let Some(packet) = seen.packet else { return };
        self.passed_to(seen.link.target, packet);
        if !self.lately.meet((seen.link.source, packet.source)) {
            self.sent(seen.link.source, packet.source);
        }
        match &packet.carried {
            Transport::Udp(udp) if udp.source == 53 => {
                let Some((name, addresses)) = dns::resolved(udp.payload) else { return };
                let name: Arc<str> = name.into();
                addresses.into_iter().for_each(|address| self.names.put(address, Arc::clone(&name)));
            }
            Transport::Udp(udp) if udp.source == 67 => {
                let told = dhcp4::offer(udp.payload).unwrap_or_default().resolvers;
                self.told_resolvers(told.into_iter().map(IpAddr::V4));
            }
            Transport::Icmp6(message @ [134, ..]) => {
                let told = icmp6::advertisement(message).map(|(told, _)| told.resolvers).unwrap_or_default();
                self.told_resolvers(told.into_iter().map(IpAddr::V6));
            }
            _ => {}
        }
    }

    fn told_resolvers(&mut self, told: impl Iterator<Item = IpAddr>) {
        // A rogue server's are told as its own matter; who follows it is not at fault.
        for address in told.take(8) {
            if self.resolvers.len() < GATEWAYS_MAX {
                self.resolvers.insert(address);
            }
        }
    }

    /// A device sent a packet from an address.
    fn sent(&mut self, mac: Mac, address: IpAddr) {
        if !mac.is_device() || self.routers.contains(&mac) || is_nobodys(address) {
            return;
        }
        let sender = self.senders.entry(mac, Sender::default);
        if !on_link(address) {
            sender.foreign.insert(address);
            if sender.foreign.len() > FOREIGN_MAX {
                self.router(mac);
            }
        } else if sender.near.len() <= OWN_MAX {
            sender.near.insert(address);
        } else if self.relays.len() < KNOWN {
            self.relays.insert(mac);
        }
    }

    /// A frame with a packet went to a device: from here to the world, so that the device passes it on.
    fn passed_to(&mut self, mac: Mac, packet: &Packet<'_>) {
        if self.last_hop != Some(mac)
            && mac.is_device()
            && on_link(packet.source)
            && !on_link(packet.target)
            && !is_nobodys(packet.target)
        {
            self.last_hop = Some(mac);
            self.router(mac);
        }
    }

    fn router(&mut self, mac: Mac) {
        if self.routers.len() < KNOWN {
            self.routers.insert(mac);
        }
    }

    pub(super) fn learnt(&self, notes: &mut Notes) {
        let Some(since_ns) = self.since_ns else { return };
        let nobody = Mac::default();
        let known = Known { since_ns, seen_s: self.seen_ns / 1_000_000_000 };
        notes.compare(What::Network, nobody, String::new(), &known, self.last_ns);
        for address in self.gateways.union(&self.ways) {
            let owner = self.owner(address).map(|mac| mac.to_string());
            notes.compare(What::Gateway, nobody, address.to_string(), &owner, self.last_ns);
        }
        for address in &self.resolvers {
            notes.compare(What::Resolver, nobody, address.to_string(), &(), self.last_ns);
        }
    }

    pub(super) fn remember(&mut self, row: &Learnt) {
        let address = || row.key.parse::<IpAddr>().ok();
        match row.what {
            What::Network => {
                let Some(known) = row.read::<Known>() else { return };
                self.since_ns = Some(known.since_ns);
                self.seen_ns = known.seen_s.saturating_mul(1_000_000_000);
            }
            What::Gateway => {
                let Some(address) = address().filter(|_| self.gateways.len() < GATEWAYS_MAX) else { return };
                self.ways.insert(address);
                let owner = row.read::<Option<String>>().flatten().and_then(|mac| mac.parse().ok());
                owner.into_iter().for_each(|mac| self.owners.put(address, mac));
            }
            What::Resolver => self.told_resolvers(address().into_iter()),
            What::Device => self.know(row.mac),
            _ => {}
        }
    }

    /// Whether the network is still being learnt: what is new then is not news.
    pub(super) fn is_learning(&self) -> bool {
        self.seen_ns < self.learn_ns
    }

    /// Who has an address, by the last word on it.
    pub(super) fn owner(&self, address: &IpAddr) -> Option<Mac> {
        self.owners.get(address).copied()
    }

    /// Whether a device routes, or passes on packets of more others than could be its own.
    pub(super) fn is_router(&self, mac: Mac) -> bool {
        self.routers.contains(&mac) || self.relays.contains(&mac)
    }

    /// Whether an address of a device is the gateway's: DHCP told so, or the device passes packets on.
    pub(super) fn is_gateway_of(&self, address: &IpAddr, mac: Mac) -> bool {
        self.gateways.contains(address) || self.ways.contains(address) || self.routers.contains(&mac)
    }

    /// Whether an address was told to be the gateway's.
    pub(super) fn is_gateway(&self, address: &IpAddr) -> bool {
        self.gateways.contains(address)
    }

    /// Whether an address was told to be a name server's.
    pub(super) fn is_resolver(&self, address: &IpAddr) -> bool {
        self.resolvers.contains(address)
    }

    /// What somebody looked an address up as.
    pub(super) fn name(&self, address: &IpAddr) -> Option<&Arc<str>> {
        self.names.get(address)
    }
}

/// Whether an address can be no single machine's.
pub(super) fn is_nobodys(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast() || v4.octets()[0] == 0
        }
        IpAddr::V6(v6) => v6.is_unspecified() || v6.is_multicast(),
    }
}

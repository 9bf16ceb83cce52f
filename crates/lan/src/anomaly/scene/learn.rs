//! How the scene comes to know what it knows: from frames, and from what an earlier run noted.

use super::{FOREIGN_MAX, GAP_NS, GATEWAYS_MAX, KNOWN, OWN_MAX, Scene, Sender, is_nobodys};
use crate::Mac;
use crate::anomaly::Seen;
use crate::anomaly::learnt::{Known, Learnt, Notes, What};
use crate::decode::{dhcp4, dns, icmp6, on_link};
use crate::packet::{Packet, Transport};
use crate::signal::{Claim, Role, Signal};
use std::net::IpAddr;
use std::sync::Arc;

impl Scene {
    /// Learns from a frame, before detectors look at it.
    pub(in crate::anomaly) fn learn(&mut self, seen: &Seen<'_>) {
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

    pub(in crate::anomaly) fn learnt(&self, notes: &mut Notes) {
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

    pub(in crate::anomaly) fn remember(&mut self, row: &Learnt) {
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
}

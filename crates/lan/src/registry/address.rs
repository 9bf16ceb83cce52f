//! Which of the addresses that a device sends from are its own.
//!
//! A router sends packets from addresses of the whole world. What a device announced (ARP, neighbour discovery, DHCP) is its
//! own; what it only sends from is its own if it lies in this network and nobody else announced it.

use super::Device;
use crate::Mac;
use crate::decode::on_link;
use crate::signal::{Claim, Signal};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

/// Announced addresses that are remembered; beyond, a device's own word decides.
const ANNOUNCED_MAX: usize = 262_144;
/// A device that sends from more addresses of one family than this passes on packets of others.
const OWN_MAX: usize = 16;

/// What is known of the network as a whole.
#[derive(Debug, Default)]
pub(super) struct Network {
    /// Who announced an address last.
    announced: HashMap<IpAddr, Mac>,
    /// Networks (/24, /64) that announced addresses lie in.
    networks: HashSet<[u8; 8]>,
    gateways: HashSet<IpAddr>,
    /// Somebody sends from a private IPv4 address: then public ones are behind a router.
    has_private: bool,
}

impl Network {
    pub(super) fn learn(&mut self, mac: Mac, signal: &Signal) {
        match signal {
            Signal::Address(address, Claim::Announced) => self.announce(*address, mac),
            Signal::Address(IpAddr::V4(address), Claim::Sent) => {
                self.has_private |= on_link(IpAddr::V4(*address));
            }
            Signal::Gateway(address) if self.gateways.len() < 64 => {
                self.gateways.insert(*address);
            }
            Signal::Prefix(prefix) if self.networks.len() < ANNOUNCED_MAX => {
                self.networks.insert(*prefix);
            }
            _ => {}
        }
    }

    /// Who is known already may be somebody else from now on, however many there are.
    fn announce(&mut self, address: IpAddr, by: Mac) {
        let is_room = self.announced.len() < ANNOUNCED_MAX;
        match self.announced.entry(address) {
            Entry::Occupied(mut known) => _ = known.insert(by),
            Entry::Vacant(place) if is_room => {
                place.insert(by);
                self.networks.insert(network(address));
            }
            Entry::Vacant(_) => {}
        }
    }

    /// Whether somebody was told that this address is the gateway's.
    pub(super) fn is_gateway(&self, address: &IpAddr) -> bool {
        self.gateways.contains(address)
    }

    /// The device's own addresses, IPv4 first.
    pub(super) fn own(&self, device: &Device) -> Vec<IpAddr> {
        let count = |v4| device.addresses.keys().filter(|address| address.is_ipv4() == v4).count();
        let many = [count(false) > OWN_MAX, count(true) > OWN_MAX];
        let own = |(address, claim): (&IpAddr, &Claim)| match claim {
            Claim::Announced => self.announced.get(address).is_none_or(|by| *by == device.mac),
            Claim::Sent => {
                !many[usize::from(address.is_ipv4())]
                    && !self.announced.contains_key(address)
                    && self.is_near(*address, device.mac)
            }
        };
        device.addresses.iter().filter(|entry| own(*entry)).map(|(address, _)| *address).collect()
    }

    fn is_near(&self, address: IpAddr, mac: Mac) -> bool {
        if self.networks.contains(&network(address)) {
            return true;
        }
        match address {
            IpAddr::V4(_) => on_link(address) || (!self.has_private && self.networks.is_empty()),
            IpAddr::V6(v6) => on_link(address) || v6.octets()[8..] == mac.eui64(),
        }
    }
}

/// The /24 or /64 that an address lies in; the two never meet, since no IPv6 network begins like an IPv4 one here.
fn network(address: IpAddr) -> [u8; 8] {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            [0xff, 0xff, 0xff, 0xff, 0xff, a, b, c]
        }
        IpAddr::V6(v6) => v6.octets().first_chunk().copied().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_changes_hands_though_there_is_no_room_for_others() {
        let mut network = Network::default();
        let (one, other) = (Mac([0, 0x17, 0x88, 0, 0, 1]), Mac([0, 0x17, 0x88, 0, 0, 2]));
        let announced = |n: u32| Signal::Address(IpAddr::from(n.to_be_bytes()), Claim::Announced);
        (0..=ANNOUNCED_MAX as u32).for_each(|n| network.learn(one, &announced(n)));
        assert_eq!(network.announced.len(), ANNOUNCED_MAX);
        network.learn(other, &announced(7));
        assert_eq!(network.announced.get(&IpAddr::from([0, 0, 0, 7])), Some(&other));
    }
}

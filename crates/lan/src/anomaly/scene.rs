//! What all detectors have to know of the network: who has which address, who passes on packets of others, who was told what.

mod learn;

use super::recent::{Lately, Recent};
use crate::Mac;
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

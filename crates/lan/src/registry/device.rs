//! One device: what was said about it, and what was seen of it.

use super::Limits;
use super::shape::{Shape, Shapes};
use crate::Mac;
use crate::packet::Packet;
use crate::signal::{Claim, Role, Signal, Via};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::IpAddr;

/// One device, known by its hardware address.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its hardware address.
    pub mac: Mac,
    /// When it was seen first, nanoseconds on the capture's clock.
    pub first_ns: u64,
    /// When it was seen last.
    pub last_ns: u64,
    /// Frames that it sent.
    pub frames: u64,
    /// What it does for others.
    pub roles: BTreeSet<Role>,
    /// Its addresses and how we know, own or not.
    pub(super) addresses: BTreeMap<IpAddr, Claim>,
    last_address: Option<IpAddr>,
    names: Vec<(Via, String)>,
    facts: HashSet<Signal>,
    order: Vec<Signal>,
    shapes: Shapes,
}

impl Device {
    pub(super) fn new(mac: Mac, now_ns: u64) -> Self {
        Self {
            mac,
            first_ns: now_ns,
            last_ns: now_ns,
            frames: 0,
            roles: BTreeSet::new(),
            addresses: BTreeMap::new(),
            last_address: None,
            names: Vec::new(),
            facts: HashSet::new(),
            order: Vec::new(),
            shapes: Shapes::default(),
        }
    }

    /// Different facts about it, in the order in which they became known. Addresses, names and roles are told apart.
    pub fn facts(&self) -> &[Signal] {
        &self.order
    }

    /// Shapes of its packets, in no order.
    pub fn shapes(&self) -> impl Iterator<Item = &Shape> {
        self.shapes.iter()
    }

    /// Its names, the best first: what a person may have chosen before what software made up.
    pub fn names(&self) -> Vec<(Via, &str)> {
        let mut names: Vec<_> = self.names.iter().map(|(via, name)| (*via, name.as_str())).collect();
        names.sort_by_key(|(via, _)| *via);
        names
    }

    /// It sent a frame.
    pub(super) fn sent(&mut self, now_ns: u64, packet: Option<&Packet<'_>>) {
        if let Some(shape) = packet.and_then(Shape::of) {
            self.shapes.learn(shape);
        }
        self.frames += 1;
        self.last_ns = self.last_ns.max(now_ns);
        self.first_ns = self.first_ns.min(now_ns);
    }

    /// Something was said about it. `false`: there is no room for it.
    pub(super) fn learn(&mut self, signal: Signal, limits: &Limits) -> bool {
        match signal {
            Signal::Address(address, claim) => return self.address(address, claim, limits.addresses),
            Signal::Role(role) => {
                self.roles.insert(role);
            }
            Signal::Name(name, via) => {
                let known = self.names.iter().any(|(by, known)| *by == via && *known == name);
                if !known && !name.is_empty() {
                    if self.names.len() >= limits.addresses {
                        return false;
                    }
                    self.names.push((via, name));
                }
            }
            other => {
                if self.facts.contains(&other) {
                    return true;
                }
                if self.order.len() >= limits.facts {
                    return false;
                }
                self.facts.insert(other.clone());
                self.order.push(other);
            }
        }
        true
    }

    fn address(&mut self, address: IpAddr, claim: Claim, most: usize) -> bool {
        // Nearly every packet comes from the address that the last one came from.
        if claim == Claim::Sent && self.last_address == Some(address) {
            return true;
        }
        if let Some(known) = self.addresses.get_mut(&address) {
            *known = (*known).max(claim);
        } else if self.addresses.len() < most {
            self.addresses.insert(address, claim);
        } else {
            // A router sends from everybody's address: that there are many is known by now.
            return claim == Claim::Sent;
        }
        self.last_address = Some(address);
        true
    }
}

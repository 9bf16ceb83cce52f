//! One device: what was said about it, and what was seen of it.

use super::Limits;
use super::shape::{Shape, Shapes};
use crate::Mac;
use crate::packet::Packet;
use crate::signal::{Claim, Role, Signal, Via};
use crate::sought::{self, Reach, Seeks, Sought};
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
    /// Goes up with everything new that becomes known of it.
    pub news: u64,
    /// What it does for others.
    pub roles: BTreeSet<Role>,
    /// Its addresses and how we know, own or not.
    pub(super) addresses: BTreeMap<IpAddr, Claim>,
    last_address: Option<IpAddr>,
    names: Vec<(Via, String)>,
    facts: HashSet<Signal>,
    order: Vec<Signal>,
    shapes: Shapes,
    rhythm: Rhythm,
    /// Most devices that are only heard of seek nothing.
    sought: Option<Box<Sought>>,
}

/// When it did what other acts are measured from.
#[derive(Clone, Copy, Debug, Default)]
struct Rhythm {
    asked_ns: Option<u64>,
    announced_ns: Option<u64>,
}

impl Device {
    pub(super) fn new(mac: Mac, now_ns: u64) -> Self {
        Self {
            mac,
            first_ns: now_ns,
            last_ns: now_ns,
            frames: 0,
            news: 1,
            roles: BTreeSet::new(),
            addresses: BTreeMap::new(),
            last_address: None,
            names: Vec::new(),
            facts: HashSet::new(),
            order: Vec::new(),
            shapes: Shapes::default(),
            rhythm: Rhythm::default(),
            sought: None,
        }
    }

    /// A device of which this was said.
    #[cfg(test)]
    pub(crate) fn of(mac: Mac, signals: &[Signal], limits: &Limits) -> Self {
        let mut device = Self::new(mac, 0);
        signals.iter().for_each(|signal| assert!(device.learn(0, signal.clone(), limits)));
        device
    }

    /// Different facts about it, in the order in which they became known. Addresses, names and roles are told apart.
    pub fn facts(&self) -> &[Signal] {
        &self.order
    }

    /// Facts, addresses and names.
    pub(super) fn held(&self) -> usize {
        self.order.len() + self.addresses.len() + self.names.len()
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

    /// How many addresses and ports it sought, in all and in the busiest minute; `None` if it sought none.
    pub fn sought(&self) -> Option<[Seeks; 2]> {
        self.sought.as_ref().map(|sought| [sought.in_all(), sought.in_a_minute()])
    }

    #[cfg(test)]
    pub(crate) fn reach(&self) -> Option<Reach> {
        self.sought.as_ref().map(|sought| sought.reach())
    }

    fn seek(&mut self, now_ns: u64, address: IpAddr, port: Option<u16>) {
        self.sought.get_or_insert_default().add(now_ns, address, port);
    }

    pub(super) fn merge_sought(&mut self, now_ns: u64, reach: &Reach) {
        self.sought.get_or_insert_default().merge(now_ns, reach);
    }

    /// It sent a frame.
    pub(super) fn sent(&mut self, now_ns: u64, packet: Option<&Packet<'_>>) {
        if let Some(shape) = packet.and_then(Shape::of) {
            self.news += u64::from(self.shapes.learn(shape));
        }
        if let Some((address, port)) = packet.and_then(sought::target) {
            self.seek(now_ns, address, port);
        }
        self.frames += 1;
        self.last_ns = self.last_ns.max(now_ns);
        self.first_ns = self.first_ns.min(now_ns);
    }

    /// It sent frames of which nothing else is known.
    pub(super) fn talked(&mut self, frames: u64, last_ns: u64) {
        self.frames += frames;
        self.last_ns = self.last_ns.max(last_ns);
    }

    /// Something was said about it. `false`: there is no room for it.
    pub(super) fn learn(&mut self, now_ns: u64, signal: Signal, limits: &Limits) -> bool {
        if let Some(rhythm) = self.rhythm.follow(now_ns, &signal) {
            self.fact(rhythm, limits);
        }
        match signal {
            Signal::Address(address, claim) => return self.address(address, claim, limits.addresses),
            Signal::Role(role) => self.news += u64::from(self.roles.insert(role)),
            Signal::Name(name, via) => {
                let known = self.names.iter().any(|(by, known)| *by == via && *known == name);
                if !known && !name.is_empty() {
                    if self.names.len() >= limits.addresses {
                        return false;
                    }
                    self.names.push((via, name));
                    self.news += 1;
                }
            }
            Signal::Seeks(address) => self.seek(now_ns, address, None),
            Signal::DhcpDiscover | Signal::Announces => {}
            other => return self.fact(other, limits),
        }
        true
    }

    fn fact(&mut self, fact: Signal, limits: &Limits) -> bool {
        if self.facts.contains(&fact) {
            return true;
        }
        if self.order.len() >= limits.facts {
            return false;
        }
        self.news += 1;
        self.facts.insert(fact.clone());
        self.order.push(fact);
        true
    }

    fn address(&mut self, address: IpAddr, claim: Claim, most: usize) -> bool {
        // Nearly every packet comes from the address that the last one came from.
        if claim == Claim::Sent && self.last_address == Some(address) {
            return true;
        }
        if let Some(known) = self.addresses.get_mut(&address) {
            self.news += u64::from(*known < claim);
            *known = (*known).max(claim);
        } else if self.addresses.len() < most {
            self.addresses.insert(address, claim);
            self.news += 1;
        } else {
            // A router sends from everybody's address: that there are many is known by now.
            return claim == Claim::Sent;
        }
        self.last_address = Some(address);
        true
    }
}

impl Rhythm {
    /// An act within this of the one that it is measured from.
    const WITHIN_NS: u64 = 3_000_000_000;

    fn follow(&mut self, now_ns: u64, signal: &Signal) -> Option<Signal> {
        let since = |from: Option<u64>, step_ms: u64| {
            let gap_ns =
                from.and_then(|from| now_ns.checked_sub(from)).filter(|gap| *gap < Self::WITHIN_NS)?;
            u32::try_from(gap_ns / 1_000_000 / step_ms * step_ms).ok()
        };
        match signal {
            Signal::DhcpDiscover => self.asked_ns = Some(now_ns),
            Signal::Announces => {
                self.announced_ns = Some(now_ns);
                return since(self.asked_ns.take(), 20).map(|gap_ms| Signal::Rhythm("announces", gap_ms));
            }
            Signal::Group(_) => {
                return since(self.announced_ns.take(), 100).map(|gap_ms| Signal::Rhythm("joins", gap_ms));
            }
            _ => {}
        }
        None
    }
}

//! Addresses that two devices say they have: a conflict, somebody who takes over another's traffic, another gateway.
//!
//! By itself a new owner is nothing: leases end, and a spare machine takes over. Wrong is
//!
//! - a **conflict**: two keep saying it, in turn. Each says it again after the other did, within ten minutes;
//! - **spoofing**: one insists on an address that another had within the hour, by five replies within ten minutes that nobody asked
//!   for. Whoever takes an address over in good faith announces it two or three times (RFC 5227), to all;
//! - **another gateway**: the gateway's address is said by a device that did not have it before. This is told at once: routers are
//!   seldom replaced, and all traffic goes where this address leads.
//!
//! Addresses that routers share (VRRP, HSRP, GLBP) have hardware addresses of their own, which are left out.

use super::alert::{Alert, Alerts};
use super::learnt::{Learnt, What};
use super::recent::Recent;
use super::scene::Scene;
use super::{Detector, Options, Seen};
use crate::Mac;
use crate::decode::arp;
use crate::link::Carried;
use crate::packet::Transport;
use crate::signal::{Claim, Signal};
use kernscope_report::Severity;
use std::net::IpAddr;

/// Addresses that are followed, by half, and claimants of each.
const ADDRESSES: usize = 32_768;
const CLAIMANTS_MAX: usize = 8;
/// Turns within this are a conflict.
const SOON_NS: u64 = 600_000_000_000;
/// An owner who was heard within this still has its address.
const OWNED_NS: u64 = 3_600_000_000_000;
/// A reply within this of the question was asked for.
const ASKED_NS: u64 = 5_000_000_000;
/// First bytes of hardware addresses that routers share: VRRP (RFC 9568), HSRP, GLBP.
const SHARED: [&[u8]; 5] = [
    &[0x00, 0x00, 0x5e, 0x00, 0x01],
    &[0x00, 0x00, 0x5e, 0x00, 0x02],
    &[0x00, 0x00, 0x0c, 0x07, 0xac],
    &[0x00, 0x00, 0x0c, 0x9f, 0xf0],
    &[0x00, 0x07, 0xb4],
];

/// One that says that it has an address.
#[derive(Clone, Copy, Debug)]
struct Claimant {
    mac: Mac,
    first_ns: u64,
    last_ns: u64,
    times: u64,
    /// Replies that nobody asked for, since when.
    unasked: u32,
    unasked_ns: u64,
    /// How often it said so after another had, since when.
    turns: u32,
    turns_ns: u64,
    /// An earlier run saw it.
    is_remembered: bool,
}

/// Follows who says what.
#[derive(Debug)]
pub(super) struct Claims {
    claimants: Recent<IpAddr, Vec<Claimant>>,
    /// When somebody asked for an address last.
    asked: Recent<IpAddr, u64>,
    options: Options,
}

impl Claims {
    pub(super) fn new(options: Options) -> Self {
        Self { claimants: Recent::new(ADDRESSES), asked: Recent::new(ADDRESSES), options }
    }

    /// A device says that it has an address.
    fn claim(
        &mut self,
        mac: Mac,
        ip: IpAddr,
        unasked: bool,
        seen: &Seen<'_>,
        scene: &Scene,
        alerts: &mut Alerts,
    ) {
        let now_ns = seen.now_ns;
        let Options { arp_unasked, arp_turns, .. } = self.options;
        let all = self.claimants.entry(ip, Vec::new);
        let others: Vec<Claimant> = all.iter().filter(|one| one.mac != mac).copied().collect();
        let at = match all.iter().position(|one| one.mac == mac) {
            Some(at) => at,
            None if all.len() < CLAIMANTS_MAX => {
                all.push(Claimant::new(mac, now_ns));
                all.len() - 1
            }
            None => return,
        };
        let is_new = all[at].times == 0;
        let before = others.iter().max_by_key(|one| one.last_ns);
        all[at].said(now_ns, unasked, before);
        let Some(other) = before.filter(|other| !is_shared(mac) && !is_shared(other.mac)) else { return };
        let is_owned = now_ns.saturating_sub(other.last_ns) < OWNED_NS;
        let matter = Matter { ip, claimant: all[at], other: *other };
        // Who had the gateway's address when it was looked at last has it until somebody else says so.
        if is_new && (is_owned || other.is_remembered) && scene.is_gateway_of(&ip, other.mac) {
            alerts.raise(matter.gateway());
        }
        if !is_owned {
            return;
        }
        if all[at].unasked >= arp_unasked {
            alerts.raise(matter.spoofed(scene));
        } else if all[at].turns >= arp_turns && other.turns + 1 >= arp_turns {
            alerts.raise(matter.conflict());
        }
    }
}

impl Claimant {
    fn new(mac: Mac, now_ns: u64) -> Self {
        Self {
            mac,
            first_ns: now_ns,
            last_ns: now_ns,
            times: 0,
            unasked: 0,
            unasked_ns: now_ns,
            turns: 0,
            turns_ns: now_ns,
            is_remembered: false,
        }
    }

    /// It says so again; `other` said so last of all others.
    fn said(&mut self, now_ns: u64, unasked: bool, other: Option<&Self>) {
        let is_turn = other.is_some_and(|other| other.last_ns >= self.last_ns && self.times > 0);
        if is_turn {
            count(&mut self.turns, &mut self.turns_ns, now_ns);
        }
        if unasked {
            count(&mut self.unasked, &mut self.unasked_ns, now_ns);
        }
        self.times += 1;
        self.last_ns = now_ns;
        self.is_remembered = false;
    }
}

/// Counts within [`SOON_NS`] of the first.
fn count(times: &mut u32, since_ns: &mut u64, now_ns: u64) {
    if *times == 0 || now_ns.saturating_sub(*since_ns) > SOON_NS {
        (*times, *since_ns) = (0, now_ns);
    }
    *times += 1;
}

/// Two that say that they have one address.
struct Matter {
    ip: IpAddr,
    claimant: Claimant,
    other: Claimant,
}

impl Matter {
    fn alert(&self, rule: &'static str, severity: Severity, message: String) -> Alert {
        let said = |one: &Claimant| match one.is_remembered {
            true => format!("{} had {} in an earlier run", one.mac, self.ip),
            false => format!("{} said {} times that it has {}", one.mac, one.times, self.ip),
        };
        Alert {
            rule,
            severity,
            mac: self.claimant.mac,
            ip: Some(self.ip),
            subject: format!("{} {}", self.ip, self.other.mac),
            message,
            because: vec![
                said(&self.claimant),
                said(&self.other),
                format!("{} of the former nobody asked for", self.claimant.unasked),
            ],
            count: self.claimant.times,
            first_ns: self.claimant.first_ns,
            last_ns: self.claimant.last_ns,
        }
    }

    fn gateway(&self) -> Alert {
        let Self { ip, claimant, other } = self;
        let message =
            format!("gateway changed: {ip} is said to be at {} now; it was at {}", claimant.mac, other.mac);
        self.alert("gateway_change", Severity::High, message)
    }

    fn spoofed(&self, scene: &Scene) -> Alert {
        let Self { ip, claimant, other } = self;
        let whose = if scene.is_gateway_of(ip, other.mac) { "the gateway's address" } else { "the address" };
        let message = format!(
            "ARP spoofing: {} insists on {whose} {ip} of {}, unasked, {} times",
            claimant.mac, other.mac, claimant.unasked
        );
        self.alert("arp_spoof", Severity::High, message)
    }

    /// The one who came later did it.
    fn conflict(&self) -> Alert {
        let later = if self.claimant.first_ns >= self.other.first_ns {
            Self { ip: self.ip, claimant: self.claimant, other: self.other }
        } else {
            Self { ip: self.ip, claimant: self.other, other: self.claimant }
        };
        let (one, other) = (later.claimant.mac, later.other.mac);
        let message = format!("address conflict: {one} and {other} both say that they have {}", self.ip);
        later.alert("arp_conflict", Severity::Medium, message)
    }
}

fn is_shared(mac: Mac) -> bool {
    SHARED.iter().any(|first| mac.0.starts_with(first))
}

impl Detector for Claims {
    fn frame(&mut self, seen: &Seen<'_>, scene: &Scene, alerts: &mut Alerts) {
        if seen.link.carried == Carried::Ether(0x0806) {
            let Ok(Some(message)) = arp::read(seen.link.payload) else { return };
            let ip = IpAddr::V4(message.address);
            let asked =
                self.asked.get(&ip).is_some_and(|at_ns| seen.now_ns.saturating_sub(*at_ns) < ASKED_NS);
            let unasked = message.is_reply && !asked;
            self.claim(message.sender, ip, unasked, seen, scene, alerts);
            if !message.is_reply && message.address != message.target {
                self.asked.put(IpAddr::V4(message.target), seen.now_ns);
            }
        } else if let Some(Transport::Icmp6([136, _, _, _, flags, ..])) =
            seen.packet.map(|packet| &packet.carried)
        {
            // Solicited is what the answer to a question says of itself.
            let unasked = flags & 0x40 == 0;
            for (mac, signal) in seen.said {
                if let Signal::Address(ip, Claim::Announced) = signal {
                    self.claim(*mac, *ip, unasked, seen, scene, alerts);
                }
            }
        }
    }

    fn remember(&mut self, row: &Learnt) {
        let owner =
            Some(row).filter(|row| row.what == What::Gateway).and_then(Learnt::read::<Option<String>>);
        let owner = owner.flatten().and_then(|mac| mac.parse().ok());
        if let (Some(mac), Ok(ip)) = (owner, row.key.parse()) {
            let claimant = Claimant { is_remembered: true, times: 1, ..Claimant::new(mac, row.last_ns) };
            self.claimants.entry(ip, Vec::new).push(claimant);
        }
    }
}

//! Detectors on frames that are made here: what each tells, and what it leaves alone.

mod claims;
mod habits;
mod scans;

use super::*;
use crate::Registry;
use crate::capture::{Frame, LinkType};
use crate::replay::Account;
pub(super) use claims::offer;

const SECOND: u64 = 1_000_000_000;
const A: [u8; 4] = [10, 0, 0, 1];
const B: [u8; 4] = [10, 0, 0, 2];

/// A network on which frames come one after the other.
pub(super) struct Net {
    registry: Registry,
    account: Account,
    pub(super) now_ns: u64,
}

impl Net {
    /// One that is known, or that is still learnt.
    pub(super) fn new(known: bool) -> Self {
        let learn_ns = if known { 0 } else { 3600 * SECOND };
        Self::of(Sentry::new(Options { learn_ns, ..Options::default() }), 0)
    }

    /// One with these detectors, so many seconds after the others begin.
    pub(super) fn of(sentry: Sentry, later_s: u64) -> Self {
        let registry = Registry::default().watched(sentry);
        Self { registry, account: Account::default(), now_ns: (1_700_000_000 + later_s) * SECOND }
    }

    pub(super) fn sentry(&mut self) -> &mut Sentry {
        self.registry.sentry().expect("watched")
    }

    pub(super) fn later(&mut self, ns: u64) -> &mut Self {
        self.now_ns += ns;
        self
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> &mut Self {
        let wire_bytes = bytes.len() as u32;
        let frame = Frame { ts_ns: self.now_ns, link: LinkType::Ethernet, bytes, wire_bytes };
        self.account.take(&frame, &mut self.registry);
        self
    }

    /// Nothing more comes. Rules and messages of all alerts.
    pub(super) fn end(mut self) -> Vec<(&'static str, String)> {
        assert!(self.account.malformed.is_empty(), "{:?}", self.account.malformed);
        let sentry = self.registry.sentry().expect("watched");
        sentry.tick(u64::MAX);
        sentry.news().into_iter().map(|alert| (alert.rule, alert.message)).collect()
    }
}

pub(super) fn rules(alerts: &[(&'static str, String)]) -> Vec<&'static str> {
    alerts.iter().map(|(rule, _)| *rule).collect()
}

/// The hardware address of whoever has an address here.
pub(super) fn mac(ip: [u8; 4]) -> [u8; 6] {
    [0, 0x17, 0x88, ip[1], ip[2], ip[3]]
}

fn ethernet(to: [u8; 6], from: [u8; 6], kind: u16, payload: &[u8]) -> Vec<u8> {
    [&to[..], &from, &kind.to_be_bytes(), payload].concat()
}

/// A packet of IPv4 without a check sum, which nobody looks at.
fn ipv4(from: [u8; 4], to: [u8; 4], protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = (20 + payload.len() as u16).to_be_bytes();
    let mut packet = vec![0x45, 0, length[0], length[1], 0, 0, 0x40, 0, 64, protocol, 0, 0];
    packet.extend(from);
    packet.extend(to);
    packet.extend(payload);
    ethernet(mac(to), mac(from), 0x0800, &packet)
}

/// Flags: FIN 1, SYN 2, RST 4, ACK 16.
pub(super) fn tcp(from: ([u8; 4], u16), to: ([u8; 4], u16), flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment = [from.1.to_be_bytes(), to.1.to_be_bytes()].concat();
    segment.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 4, 0, 0, 0, 0, 0]);
    segment.extend(payload);
    ipv4(from.0, to.0, 6, &segment)
}

pub(super) fn udp(from: ([u8; 4], u16), to: ([u8; 4], u16), payload: &[u8]) -> Vec<u8> {
    let mut datagram = [from.1.to_be_bytes(), to.1.to_be_bytes()].concat();
    datagram.extend((8 + payload.len() as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    ipv4(from.0, to.0, 17, &datagram)
}

pub(super) fn arp(reply: bool, sender: ([u8; 6], [u8; 4]), target: [u8; 4]) -> Vec<u8> {
    let mut message = vec![0, 1, 8, 0, 6, 4, 0, 1 + u8::from(reply)];
    message.extend(sender.0);
    message.extend(sender.1);
    message.extend(if reply { mac(target) } else { [0; 6] });
    message.extend(target);
    ethernet(if reply { mac(target) } else { [0xff; 6] }, sender.0, 0x0806, &message)
}

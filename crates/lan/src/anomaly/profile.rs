//! Talk outside of what the maker of a device says that it does ([`crate::mud`]).
//!
//! Talks are judged as they begin: a TCP connection by its first segment, datagrams by the first of two addresses and ports, of which
//! the one with the higher port is the client. What a device asks by ICMP is judged; answers, errors and what neighbours of IPv6 need to
//! find one another are not. Datagrams to groups are judged for who sends them: nobody is to blame for what a group hears. An entry that asks for a name is met by the addresses
//! that answers of DNS led to; where no answer was seen for it, and none for the address, nothing is told.

use super::alert::{Alert, Alerts};
use super::beacon::destination;
use super::contact::Service;
use super::recent::Recent;
use super::scene::{Scene, is_nobodys};
use super::{Detector, Seen};
use crate::decode::{dns, on_link};
use crate::mud::{Around, Profile, Profiles, Talk, Verdict};
use crate::packet::{Packet, Transport};
use crate::signal::Signal;
use crate::{Mac, oui};
use kernscope_report::Severity;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP: u8 = 1;
const ICMP6: u8 = 58;
/// Messages of ICMP that ask: echo, timestamp, information and address mask; of ICMPv6 echo and node information.
const ASKS: [u8; 4] = [8, 13, 15, 17];
const ASKS_6: [u8; 2] = [128, 139];
/// Pairs of datagrams that were judged, by half.
const JUDGED: usize = 32_768;
/// Addresses that a name leads to.
const ADDRESSES_MAX: usize = 256;
/// Alerts that are counted apart, by half.
const TOLD: usize = 8_192;
/// Addresses of descriptions for which there is no file; more are not told.
const UNKNOWN_MAX: usize = 64;

/// Holds devices to their descriptions.
#[derive(Debug)]
pub(super) struct Outside {
    profiles: Profiles,
    /// Where names that descriptions ask for lead to.
    names: HashMap<String, HashSet<IpAddr>>,
    judged: Recent<(IpAddr, u16, IpAddr, u16), ()>,
    told: Recent<(Mac, String), u64>,
    unknown: HashSet<(Mac, String)>,
}

/// A talk that begins: who with whom.
struct Begin {
    client: (Mac, IpAddr, u16),
    server: (Mac, IpAddr, u16),
    protocol: u8,
    /// Type and code of a message of ICMP; there are no ports then.
    icmp: Option<(u8, u8)>,
}

impl Begin {
    /// What is talked by, in words.
    fn service(&self) -> String {
        match (self.protocol, self.icmp) {
            (_, Some((8 | 128, 0))) => Service::Echo.to_string(),
            (_, Some((kind, code))) => format!("ICMP type {kind} code {code}"),
            (TCP, None) => Service::Tcp(self.server.2).to_string(),
            (_, None) => Service::Udp(self.server.2).to_string(),
        }
    }
}

impl Outside {
    pub(super) fn new(profiles: Profiles) -> Self {
        let names =
            profiles.iter().flat_map(|profile| profile.names()).map(|name| (name.to_owned(), HashSet::new()));
        let names = names.collect();
        let (judged, told) = (Recent::new(JUDGED), Recent::new(TOLD));
        Self { profiles, names, judged, told, unknown: HashSet::new() }
    }

    /// Notes where names lead to, and which descriptions devices tell of.
    fn learn(&mut self, seen: &Seen<'_>) {
        for (mac, signal) in seen.said {
            if let Signal::MudUrl(url) = signal
                && !self.profiles.told(*mac, url)
                && self.unknown.len() < UNKNOWN_MAX
            {
                self.unknown.insert((*mac, url.clone()));
            }
        }
        if let Some(Transport::Udp(udp)) = seen.packet.map(|packet| &packet.carried)
            && udp.source == 53
            && let Some((name, addresses)) = dns::resolved(udp.payload)
            && let Some(known) = self.names.get_mut(&name.to_ascii_lowercase())
        {
            known.extend(addresses.into_iter().take(ADDRESSES_MAX - known.len().min(ADDRESSES_MAX)));
        }
    }

    fn begins(seen: &Seen<'_>, packet: &Packet<'_>) -> Option<Begin> {
        let (here, there) = (seen.link.source, seen.link.target);
        let (protocol, source, target) = match &packet.carried {
            Transport::Tcp(tcp) if tcp.syn() && !tcp.ack() => {
                (TCP, tcp.source_port(), tcp.destination_port())
            }
            Transport::Udp(udp) => (UDP, udp.source, udp.target),
            Transport::Icmp(message) => return asked(seen, packet, message, (ICMP, &ASKS)),
            Transport::Icmp6(message) => return asked(seen, packet, message, (ICMP6, &ASKS_6)),
            _ => return None,
        };
        let (one, other) = ((here, packet.source, source), (there, packet.target, target));
        // A group sends nothing.
        if protocol == UDP && source < target && !there.is_group() {
            return Some(Begin { client: other, server: one, protocol, icmp: None });
        }
        Some(Begin { client: one, server: other, protocol, icmp: None })
    }

    fn judge(
        &mut self,
        begin: &Begin,
        from_device: bool,
        seen: &Seen<'_>,
        scene: &Scene,
        alerts: &mut Alerts,
    ) {
        let Begin { client, server, protocol, icmp } = *begin;
        let (device, peer) = if from_device { (client, server) } else { (server, client) };
        let Some(profile) = self.profiles.of(device.0).cloned() else { return };
        let (source_port, target_port) = (client.2, server.2);
        let talk = Talk { from_device, peer: peer.1, protocol, source_port, target_port, icmp };
        let around = Near { outside: self, scene, profile: &profile, device: device.0, peer };
        if profile.judge(&talk, &around) == Verdict::Denied {
            let times = self.told.entry((device.0, place(peer.1, scene)), || 0);
            *times += 1;
            alerts.raise(alert(&profile, begin, from_device, *times, (scene, seen.now_ns)));
        }
    }
}

impl Detector for Outside {
    fn frame(&mut self, seen: &Seen<'_>, scene: &Scene, alerts: &mut Alerts) {
        self.learn(seen);
        let Some(packet) = seen.packet else { return };
        let to_group = seen.link.target.is_group();
        let is_datagram = matches!(packet.carried, Transport::Udp(_));
        if is_nobodys(packet.source) || (to_group && !is_datagram) || (!to_group && is_nobodys(packet.target))
        {
            return;
        }
        let is_bound = |mac| self.profiles.of(mac).is_some();
        if !is_bound(seen.link.source) && !is_bound(seen.link.target) {
            return;
        }
        let Some(begin) = Self::begins(seen, packet) else { return };
        let Begin { client, server, protocol, icmp } = begin;
        let (kind, code) = icmp.map_or((client.2, server.2), |(kind, code)| (kind.into(), code.into()));
        let pair = (client.1, kind, server.1, code);
        if protocol != TCP && self.judged.contains(&pair) {
            return;
        }
        self.judged.put(pair, ());
        self.judge(&begin, true, seen, scene, alerts);
        self.judge(&begin, false, seen, scene, alerts);
    }

    fn gap(&self) -> Option<String> {
        let mut all: Vec<_> = self.unknown.iter().map(|(mac, url)| format!("{mac} tells {url}")).collect();
        all.sort_unstable();
        (!all.is_empty()).then(|| format!("no MUD file for what devices tell: {}", all.join(", ")))
    }
}

/// The network around a peer.
struct Near<'a> {
    outside: &'a Outside,
    scene: &'a Scene,
    profile: &'a Arc<Profile>,
    device: Mac,
    peer: (Mac, IpAddr, u16),
}

impl Around for Near<'_> {
    fn is_named(&self, name: &str) -> Option<bool> {
        let known = self.outside.names.get(name).filter(|known| !known.is_empty());
        match known {
            Some(known) => Some(known.contains(&self.peer.1)),
            None => self.scene.name(&self.peer.1).map(|_| false),
        }
    }

    fn is_local(&self) -> bool {
        on_link(self.peer.1) || (self.peer.0.is_group() && stays_here(self.peer.1))
    }

    fn is_resolver(&self) -> bool {
        self.scene.is_resolver(&self.peer.1)
    }

    fn is_of_maker(&self, maker: Option<&str>) -> bool {
        if !self.is_local() {
            return false;
        }
        let of_peer = self.outside.profiles.of(self.peer.0);
        let wanted = maker.unwrap_or_else(|| self.profile.maker());
        let is_twin = maker.is_none()
            && oui::vendor(self.device).is_some_and(|one| oui::vendor(self.peer.0) == Some(one));
        is_twin || of_peer.is_some_and(|profile| profile.maker() == wanted)
    }

    fn is_model(&self, url: &str) -> bool {
        self.is_local() && self.outside.profiles.of(self.peer.0).is_some_and(|profile| profile.url == url)
    }

    fn is_controller(&self, name: &str) -> Option<bool> {
        self.outside.profiles.controllers(name).map(|all| all.contains(&self.peer.1))
    }
}

/// A message of ICMP that asks for something, by its protocol and the types that do.
fn asked(
    seen: &Seen<'_>,
    packet: &Packet<'_>,
    message: &[u8],
    (protocol, asks): (u8, &[u8]),
) -> Option<Begin> {
    let (kind, code) = (*message.first()?, *message.get(1)?);
    let (client, server) = ((seen.link.source, packet.source, 0), (seen.link.target, packet.target, 0));
    asks.contains(&kind).then_some(Begin { client, server, protocol, icmp: Some((kind, code)) })
}

/// Where a peer is: a group is nowhere.
fn place(peer: IpAddr, scene: &Scene) -> String {
    if is_nobodys(peer) { peer.to_string() } else { destination(peer, scene) }
}

/// Whether what goes to a group leaves this network: by its scope (RFC 2365, RFC 4291), broadcasts do not.
fn stays_here(group: IpAddr) -> bool {
    match group {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            v4.is_broadcast() || a == 239 || (a, b, c) == (224, 0, 0)
        }
        IpAddr::V6(v6) => v6.is_multicast() && v6.octets()[1] & 0xf <= 5,
    }
}

fn alert(
    profile: &Profile,
    begin: &Begin,
    from_device: bool,
    times: u64,
    (scene, now_ns): (&Scene, u64),
) -> Alert {
    let (client, server, service) = (begin.client, begin.server, begin.service());
    let (device, peer) = if from_device { (client, server) } else { (server, client) };
    let place = place(peer.1, scene);
    let named = if place == peer.1.to_string() { String::new() } else { format!(" ({place})") };
    let message = match from_device {
        true => format!("outside its profile: {} talks to {}{named} at {service}", device.1, peer.1),
        false => format!("outside its profile: {}{named} talks to {} at {service}", peer.1, device.1),
    };
    let about = if profile.about.is_empty() { String::new() } else { format!(", {}", profile.about) };
    Alert {
        rule: "profile",
        severity: Severity::Medium,
        mac: device.0,
        ip: Some(device.1),
        subject: format!("{} {place}", if from_device { "to" } else { "from" }),
        message,
        because: vec![
            format!("no entry of its MUD file allows it: {}{about}", profile.url),
            format!("{times} talks with {place} that are outside of it"),
        ],
        count: times,
        first_ns: now_ns,
        last_ns: now_ns,
    }
}

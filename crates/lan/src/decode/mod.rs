//! From a frame to signals: one file a protocol.
//!
//! Every decoder takes bytes that a stranger wrote, says what it learns to a [`Said`], and gives [`Malformed`] where the
//! bytes break the protocol's rules; what it said before that stands. Nothing here keeps anything from frame to frame.

pub(crate) mod arp;
mod browser;
mod cdp;
pub(crate) mod dhcp4;
mod dhcp6;
pub(crate) mod dns;
mod edimax;
mod http;
pub(crate) mod icmp6;
mod igmp;
mod ja4;
mod lldp;
mod message;
mod netbios;
mod quic;
mod ssdp;
mod tcp;
mod tls;
mod wsd;

use crate::Said;
use crate::cursor::{Cursor, Malformed};
use crate::link::{Carried, Link};
use crate::packet::{self, Packet, Transport, Udp};
use crate::signal::{Claim, Role, Signal};
use std::net::IpAddr;

/// LLC service of the spanning tree (IEEE 802.1D).
const STP: u8 = 0x42;
const CISCO: [u8; 3] = [0x00, 0x00, 0x0c];

/// A frame of a protocol that broke its rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bad {
    pub(crate) protocol: &'static str,
    pub(crate) why: Malformed,
}

/// Says what a frame tells; gives its packet, if it has one.
pub(crate) fn frame<'a>(link: &Link<'a>, said: &mut Said) -> (Option<Packet<'a>>, Result<(), Bad>) {
    let done = |protocol, result: Result<(), Malformed>| result.map_err(|why| Bad { protocol, why });
    match link.carried {
        Carried::Ether(kind @ (0x0800 | 0x86dd)) => match packet::read(kind, link.payload) {
            Ok(packet) => {
                let result = ip(&packet, said);
                (Some(packet), result)
            }
            Err(why) => (None, done("ip", Err(why))),
        },
        Carried::Ether(0x0806) => (None, done("arp", arp::decode(link.payload, said))),
        Carried::Ether(kind) => (None, done("ethernet", neighbour(kind, link.payload, said))),
        Carried::Llc(STP) => {
            said.say(Signal::Role(Role::Bridge));
            (None, Ok(()))
        }
        Carried::Llc(service) => {
            said.say(Signal::Speaks(u16::from(service)));
            (None, Ok(()))
        }
        Carried::Snap(CISCO, 0x2000) => (None, done("cdp", cdp::decode(link.payload, said))),
        // Per-VLAN spanning tree.
        Carried::Snap(CISCO, 0x010b) => {
            said.say(Signal::Role(Role::Bridge));
            (None, Ok(()))
        }
        Carried::Snap(..) => (None, Ok(())),
    }
}

/// Frames that carry neither IP nor ARP.
fn neighbour(kind: u16, payload: &[u8], said: &mut Said) -> Result<(), Malformed> {
    said.say(Signal::Speaks(kind));
    match kind {
        0x88cc => lldp::decode(payload, said),
        0x888e => {
            let mut cursor = Cursor::new(payload);
            cursor.u8()?;
            said.say(Signal::Eapol(cursor.u8()?));
            Ok(())
        }
        _ => Ok(()),
    }
}

fn ip(packet: &Packet<'_>, said: &mut Said) -> Result<(), Bad> {
    if !packet.source.is_unspecified() && !packet.source.is_multicast() && !packet.source.is_loopback() {
        said.say(Signal::Address(packet.source, Claim::Sent));
    }
    let (protocol, result) = match &packet.carried {
        Transport::Udp(datagram) => return udp(packet, datagram, said),
        Transport::Tcp(segment) => ("tcp", tcp::decode(packet, segment, said)),
        Transport::Icmp6(message) => ("icmp6", icmp6::decode(message, packet, said)),
        Transport::Igmp(message) => ("igmp", igmp::decode(message, said)),
        Transport::Icmp(_) | Transport::Fragment | Transport::Other(_) => return Ok(()),
    };
    result.map_err(|why| Bad { protocol, why })
}

fn udp(packet: &Packet<'_>, datagram: &Udp<'_>, said: &mut Said) -> Result<(), Bad> {
    let Udp { source, target, payload } = *datagram;
    if payload.is_empty() {
        return Ok(());
    }
    // Replies go to ports that mean nothing.
    if target < 10_000 || packet.target.is_multicast() {
        said.say(Signal::UdpSeeks(target));
    }
    let (protocol, result) = match (source, target) {
        (67 | 68, 67 | 68) => ("dhcp", dhcp4::decode(payload, said)),
        (5353, _) | (_, 5353) => ("mdns", dns::multicast(payload, packet.source, said)),
        (_, 53) | (53, _) => ("dns", dns::unicast(payload, source == 53 && on_link(packet.source), said)),
        (_, 546 | 547) => ("dhcp6", dhcp6::decode(payload, said)),
        (1900, _) | (_, 1900) => ("ssdp", ssdp::decode(payload, said)),
        (137, _) | (_, 137) => ("netbios", netbios::decode(payload, packet.source, said)),
        (138, 138) => ("netbios", browser::decode(payload, packet.source, said)),
        (5355, _) | (_, 5355) => ("llmnr", dns::llmnr(payload, packet.source, said)),
        (3702, _) | (_, 3702) => ("wsd", wsd::decode(payload, said)),
        (_, 8765) => ("edimax", edimax::decode(payload, said)),
        _ if quic::begins(payload) => ("quic", quic::decode(payload, said)),
        _ => return Ok(()),
    };
    result.map_err(|why| Bad { protocol, why })
}

/// Whether an address can be that of a neighbour: private, link-local, or shared (RFC 6598). A router passes on packets from
/// all others.
pub(crate) fn on_link(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_private() || v4.is_link_local() || (a == 100 && b & 0xc0 == 64)
        }
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.is_unique_local(),
    }
}

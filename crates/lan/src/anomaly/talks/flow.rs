//! From a frame to its flow, and from a flow to whose talk it is of.

use super::kinds::{Channel, Peer, TalkKey};
use crate::Mac;
use crate::anomaly::Seen;
use crate::anomaly::scene::{Scene, is_nobodys};
use crate::decode::on_link;
use crate::link::Carried;
use crate::packet::Transport;
use std::net::IpAddr;
use std::sync::Arc;

/// Longer names are cut.
const NAME_BYTES_MAX: usize = 255;

/// Frames of one sender to one target, as the kernel or a frame has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flow {
    pub(crate) source: Mac,
    /// Not known of what the kernel counted.
    pub(crate) target: Option<Mac>,
    /// Addresses of IP.
    pub(crate) ips: Option<(IpAddr, IpAddr)>,
    pub(crate) channel: Channel,
    /// The sender's port is the higher one, or equal: it is the client.
    pub(crate) is_client: bool,
}

/// The flow of a frame, and how many connections it begins.
pub(super) fn of_frame(seen: &Seen<'_>) -> (Flow, u64) {
    let source = seen.link.source;
    // A cooked capture does not tell.
    let target = Some(seen.link.target).filter(|mac| !mac.is_zero());
    let Some(packet) = seen.packet else {
        let channel = match seen.link.carried {
            Carried::Ether(kind) => Channel::Ether(kind),
            _ => Channel::Ether(0),
        };
        return (Flow { source, target, ips: None, channel, is_client: true }, 0);
    };
    let of_ports = |here: u16, there: u16| (here.min(there), here >= there);
    let (channel, is_client, begins) = match &packet.carried {
        Transport::Tcp(tcp) => {
            let (port, is_client) = of_ports(tcp.source_port(), tcp.destination_port());
            (Channel::Tcp(port), is_client, tcp.syn() && !tcp.ack())
        }
        Transport::Udp(udp) => {
            let (port, is_client) = of_ports(udp.source, udp.target);
            (Channel::Udp(port), is_client, false)
        }
        Transport::Icmp(message) => (Channel::Ip(1), message.first() != Some(&0), false),
        Transport::Icmp6(message) => (Channel::Ip(58), message.first() != Some(&129), false),
        Transport::Igmp(_) => (Channel::Ip(2), true, false),
        Transport::Other(number) => (Channel::Ip(*number), true, false),
        Transport::Fragment => (Channel::Ip(44), true, false),
    };
    let ips = Some((packet.source, packet.target));
    (Flow { source, target, ips, channel, is_client }, u64::from(begins))
}

/// Whose talk a flow is of, and whether it goes from that device to the peer.
pub(super) fn key(flow: &Flow, scene: &Scene) -> (TalkKey, bool) {
    let source = who(flow.ips.map(|(source, _)| source), Some(flow.source), scene);
    let target = match flow.target {
        Some(mac) if mac.is_group() => Peer::Everyone,
        mac => who(flow.ips.map(|(_, target)| target), mac, scene),
    };
    let channel = flow.channel;
    match (source, target) {
        (Peer::Device(here), Peer::Device(there)) if !flow.is_client => {
            ((there, Peer::Device(here), channel), false)
        }
        (Peer::Device(here), target) => ((here, target, channel), true),
        (source, Peer::Device(there)) => ((there, source, channel), false),
        // Between two that are both elsewhere: what the router that sent it passes on.
        (_, target) => ((flow.source, target, channel), true),
    }
}

/// Who has an address, seen with a hardware address.
fn who(ip: Option<IpAddr>, mac: Option<Mac>, scene: &Scene) -> Peer {
    let Some(ip) = ip else { return mac.map_or(Peer::Others, Peer::Device) };
    if is_nobodys(ip) && mac.is_none() {
        return Peer::Everyone;
    }
    if let Some(mac) = mac.filter(|mac| !scene.is_router(*mac)) {
        return Peer::Device(mac);
    }
    match scene.owner(&ip) {
        Some(owner) => Peer::Device(owner),
        None if on_link(ip) => Peer::Remote(ip.to_string().into()),
        None => Peer::Remote(scene.name(&ip).map_or_else(|| ip.to_string().into(), short)),
    }
}

fn short(name: &Arc<str>) -> Arc<str> {
    if name.len() <= NAME_BYTES_MAX {
        Arc::clone(name)
    } else {
        name[..name.floor_char_boundary(NAME_BYTES_MAX)].into()
    }
}

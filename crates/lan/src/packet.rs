//! IP and what it carries, from the payload of a frame. Frames that captures cut are read as far as they go.

use crate::cursor::{Malformed, Read};
use etherparse::{EtherType, LaxNetSlice, LaxSlicedPacket, TcpSlice, TransportSlice};
use std::net::IpAddr;

const ICMP: u8 = 1;
const IGMP: u8 = 2;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP6: u8 = 58;

/// An IP packet.
#[derive(Clone, Debug)]
pub(crate) struct Packet<'a> {
    pub(crate) source: IpAddr,
    pub(crate) target: IpAddr,
    /// Time to live or hop limit.
    pub(crate) hops: u8,
    /// Bytes of header and payload by its own word.
    pub(crate) bytes: u16,
    /// May not be cut into fragments (IPv4).
    pub(crate) whole: bool,
    pub(crate) carried: Transport<'a>,
}

/// What an IP packet carries.
#[derive(Clone, Debug)]
pub(crate) enum Transport<'a> {
    Tcp(TcpSlice<'a>),
    Udp(Udp<'a>),
    Icmp(&'a [u8]),
    Icmp6(&'a [u8]),
    Igmp(&'a [u8]),
    /// A piece of a packet: what it belongs to is not put together.
    Fragment,
    /// By protocol number.
    Other(u8),
}

/// A UDP datagram.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Udp<'a> {
    pub(crate) source: u16,
    pub(crate) target: u16,
    pub(crate) payload: &'a [u8],
}

/// Reads the packet behind EtherType `kind`, which is one of IP's.
pub(crate) fn read(kind: u16, bytes: &[u8]) -> Read<Packet<'_>> {
    let sliced = LaxSlicedPacket::from_ether_type(EtherType(kind), bytes);
    let (source, target, hops, length, whole, inner) = match &sliced.net {
        Some(LaxNetSlice::Ipv4(ip)) => {
            let header = ip.header();
            (
                IpAddr::V4(header.source_addr()),
                IpAddr::V4(header.destination_addr()),
                header.ttl(),
                header.total_len(),
                header.dont_fragment(),
                ip.payload(),
            )
        }
        Some(LaxNetSlice::Ipv6(ip)) => {
            let header = ip.header();
            (
                IpAddr::V6(header.source_addr()),
                IpAddr::V6(header.destination_addr()),
                header.hop_limit(),
                header.payload_length().saturating_add(40),
                false,
                ip.payload(),
            )
        }
        _ => return Err(Malformed("has an IP header that cannot be")),
    };
    let carried = match (sliced.transport, inner.ip_number.0) {
        _ if inner.fragmented => Transport::Fragment,
        (Some(TransportSlice::Tcp(tcp)), _) => Transport::Tcp(tcp),
        (Some(TransportSlice::Udp(udp)), _) => Transport::Udp(Udp {
            source: udp.source_port(),
            target: udp.destination_port(),
            payload: udp.payload(),
        }),
        (_, TCP | UDP) => return Err(Malformed("has a TCP or UDP header that cannot be")),
        (_, ICMP) => Transport::Icmp(inner.payload),
        (_, ICMP6) => Transport::Icmp6(inner.payload),
        (_, IGMP) => Transport::Igmp(inner.payload),
        (_, other) => Transport::Other(other),
    };
    Ok(Packet { source, target, hops, bytes: length, whole, carried })
}

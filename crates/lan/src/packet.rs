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

#[cfg(test)]
mod tests {
    use super::*;

    /// A packet of IPv6 whose first header is `next`.
    fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x60, 0, 0, 0];
        packet.extend((payload.len() as u16).to_be_bytes());
        packet.extend([next, 1]);
        packet.extend([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]);
        packet.extend([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfb]);
        packet.extend(payload);
        packet
    }

    const DATAGRAM: [u8; 10] = [0x14, 0xe9, 0x14, 0xe9, 0, 10, 0, 0, b'h', b'i'];

    #[test]
    fn extension_headers_are_walked_over() {
        let hop = [0, 0, 5, 2, 0, 0, 1, 0];
        let routing = [0, 0, 0, 0, 0, 0, 0, 0];
        let target = [0, 0, 1, 4, 0, 0, 0, 0];
        let whole = [0, 0, 0, 0, 0, 0, 0, 9];
        // Header by header, each tells the next.
        let chain = |headers: &[(u8, [u8; 8])], last: u8, payload: &[u8]| {
            let mut bytes = Vec::new();
            for (at, (_, header)) in headers.iter().enumerate() {
                let next = headers.get(at + 1).map_or(last, |(kind, _)| *kind);
                bytes.push(next);
                bytes.extend(&header[1..]);
            }
            bytes.extend(payload);
            ipv6(headers.first().map_or(last, |(kind, _)| *kind), &bytes)
        };
        for headers in
            [&[][..], &[(0, hop)], &[(0, hop), (60, target), (43, routing)], &[(60, target), (44, whole)]]
        {
            let bytes = chain(headers, UDP, &DATAGRAM);
            let packet = read(0x86dd, &bytes).expect("reads");
            let Transport::Udp(udp) = packet.carried else { panic!("{headers:?}: {:?}", packet.carried) };
            assert_eq!((udp.source, udp.target, udp.payload), (5353, 5353, &b"hi"[..]), "{headers:?}");
        }
        let listener = chain(&[(0, hop)], ICMP6, &[143, 0, 0, 0, 0, 0, 0, 0]);
        assert!(
            matches!(read(0x86dd, &listener).expect("reads").carried, Transport::Icmp6(message) if message[0] == 143)
        );
    }

    #[test]
    fn pieces_of_packets_are_not_read_as_whole_ones() {
        let later = [UDP, 0, 0, 9, 0, 0, 0, 9];
        let piece = ipv6(44, &[&later[..], &DATAGRAM].concat());
        assert!(matches!(read(0x86dd, &piece).expect("reads").carried, Transport::Fragment));
        let mut ipv4 = vec![0x45, 0, 0, 30, 0, 1, 0x20, 0, 64, UDP, 0, 0, 192, 0, 2, 7, 192, 0, 2, 9];
        ipv4.extend(DATAGRAM);
        for (flags, offset) in [(0x20, 0), (0, 9)] {
            (ipv4[6], ipv4[7]) = (flags, offset);
            assert!(matches!(read(0x0800, &ipv4).expect("reads").carried, Transport::Fragment));
        }
        (ipv4[6], ipv4[7]) = (0x40, 0);
        assert!(matches!(read(0x0800, &ipv4).expect("reads").carried, Transport::Udp(_)));
    }
}

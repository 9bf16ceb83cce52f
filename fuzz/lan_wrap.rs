//! Where each decoder of lan finds its message.

/// What a message lies in.
#[derive(Clone, Copy, Debug)]
pub enum Within {
    /// Behind the hardware addresses, by EtherType.
    Ether(u16),
    /// LLC service.
    Llc(u8),
    /// Cisco's SNAP, by protocol.
    Snap(u16),
    /// IPv4, by protocol.
    Ip(u8),
    /// IPv6, by next header.
    Ip6(u8),
    /// From port to port.
    Udp(u16, u16),
    /// From port to port.
    Tcp(u16, u16),
}

/// Every decoder, and where it finds its message.
pub const DECODERS: [(&str, Within); 24] = [
    ("arp", Within::Ether(0x0806)),
    ("lldp", Within::Ether(0x88cc)),
    ("eapol", Within::Ether(0x888e)),
    ("stp", Within::Llc(0x42)),
    ("cdp", Within::Snap(0x2000)),
    ("ip", Within::Ether(0x0800)),
    ("ip6", Within::Ether(0x86dd)),
    ("icmp6", Within::Ip6(58)),
    ("igmp", Within::Ip(2)),
    ("tcp-header", Within::Ip(6)),
    ("dhcp", Within::Udp(68, 67)),
    ("dhcp-reply", Within::Udp(67, 68)),
    ("dhcp6", Within::Udp(546, 547)),
    ("mdns", Within::Udp(5353, 5353)),
    ("dns", Within::Udp(40_000, 53)),
    ("dns-reply", Within::Udp(53, 40_000)),
    ("llmnr", Within::Udp(5355, 40_000)),
    ("ssdp", Within::Udp(40_000, 1900)),
    ("netbios", Within::Udp(137, 137)),
    ("wsd", Within::Udp(40_000, 3702)),
    ("edimax", Within::Udp(40_000, 8765)),
    ("quic", Within::Udp(40_000, 443)),
    ("tls", Within::Tcp(40_000, 443)),
    ("http", Within::Tcp(80, 40_000)),
];

/// An Ethernet frame with a message in its place.
pub fn wrapped(within: Within, message: &[u8]) -> Vec<u8> {
    let length = |more: usize| u16::try_from(message.len() + more).unwrap_or(u16::MAX).to_be_bytes();
    let mut frame = vec![0x33, 0x33, 0, 0, 0, 1, 0, 0x17, 0x88, 1, 2, 3];
    let ip = |frame: &mut Vec<u8>, protocol: u8, more: usize| {
        frame.extend([8, 0, 0x45, 0]);
        frame.extend(length(20 + more));
        frame.extend([0, 1, 0, 0, 64, protocol, 0, 0, 192, 168, 0, 7, 224, 0, 0, 251]);
    };
    match within {
        Within::Ether(kind) => frame.extend(kind.to_be_bytes()),
        Within::Llc(service) => {
            frame.extend(length(3));
            frame.extend([service, service, 3]);
        }
        Within::Snap(protocol) => {
            frame.extend(length(8));
            frame.extend([0xaa, 0xaa, 3, 0, 0, 0x0c]);
            frame.extend(protocol.to_be_bytes());
        }
        Within::Ip(protocol) => ip(&mut frame, protocol, 0),
        Within::Ip6(next) => {
            frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
            frame.extend(length(0));
            frame.extend([next, 255]);
            frame.extend([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 2, 0x17, 0x88, 0xff, 0xfe, 1, 2, 3]);
            frame.extend([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        }
        Within::Udp(source, target) => {
            ip(&mut frame, 17, 8);
            [source, target].iter().for_each(|port| frame.extend(port.to_be_bytes()));
            frame.extend(length(8));
            frame.extend([0, 0]);
        }
        Within::Tcp(source, target) => {
            ip(&mut frame, 6, 20);
            [source, target].iter().for_each(|port| frame.extend(port.to_be_bytes()));
            frame.extend([0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]);
        }
    }
    frame.extend(message);
    frame
}

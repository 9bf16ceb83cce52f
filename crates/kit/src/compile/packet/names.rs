//! Numbers, addresses and the names that stand for numbers.

use std::net::{IpAddr, Ipv4Addr};

use super::expr::Version;
use super::headers;

/// Names of protocols in IP that are words of the language.
const PROTOCOLS: [(&str, Version, u8); 9] = [
    ("icmp", Version::V4, 1),
    ("igmp", Version::V4, 2),
    ("icmp6", Version::V6, 58),
    ("gre", Version::Any, 47),
    ("esp", Version::Any, 50),
    ("ah", Version::Any, 51),
    ("ospf", Version::Any, 89),
    ("pim", Version::Any, 103),
    ("vrrp", Version::Any, 112),
];

/// Names of well-known ports.
const PORTS: [(&str, u16); 14] = [
    ("ftp", 21),
    ("ssh", 22),
    ("telnet", 23),
    ("smtp", 25),
    ("domain", 53),
    ("bootps", 67),
    ("bootpc", 68),
    ("http", 80),
    ("ntp", 123),
    ("snmp", 161),
    ("ldap", 389),
    ("https", 443),
    ("syslog", 514),
    ("mdns", 5353),
];

/// Names of offsets and values in headers.
const VALUES: [(&str, u32); 16] = [
    ("tcpflags", 13),
    ("tcp-fin", 0x01),
    ("tcp-syn", 0x02),
    ("tcp-rst", 0x04),
    ("tcp-push", 0x08),
    ("tcp-ack", 0x10),
    ("tcp-urg", 0x20),
    ("tcp-ece", 0x40),
    ("tcp-cwr", 0x80),
    ("icmptype", 0),
    ("icmpcode", 1),
    ("icmp-echoreply", 0),
    ("icmp-unreach", 3),
    ("icmp-redirect", 5),
    ("icmp-echo", 8),
    ("icmp-timxceed", 11),
];

/// A decimal number, one in hexadecimal after `0x`, or a name.
pub(super) fn number(word: &str) -> Option<u32> {
    let named = VALUES.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
    named.or_else(|| digits(word))
}

fn digits(word: &str) -> Option<u32> {
    let (text, radix) = word.strip_prefix("0x").map_or((word, 10), |hex| (hex, 16));
    u32::from_str_radix(text, radix).ok().filter(|_| text.starts_with(|c: char| c.is_ascii_hexdigit()))
}

/// A protocol's word.
pub(super) fn protocol(word: &str) -> Option<(Version, u8)> {
    PROTOCOLS.iter().find(|(name, ..)| *name == word).map(|(_, version, number)| (*version, *number))
}

/// A protocol by number or by name; `\tcp`, as tcpdump wants it, is `tcp`.
pub(super) fn protocol_number(word: &str) -> Option<u8> {
    match word.trim_start_matches('\\') {
        "tcp" => Some(6),
        "udp" => Some(17),
        "sctp" => Some(132),
        word => protocol(word).map(|(_, number)| number).or_else(|| digits(word)?.try_into().ok()),
    }
}

/// A type of Ethernet frames by number or by name.
pub(super) fn ether_type(word: &str) -> Option<u16> {
    match word.trim_start_matches('\\') {
        "ip" => Some(headers::IP),
        "ip6" => Some(headers::IP6),
        "arp" => Some(headers::ARP),
        word => digits(word)?.try_into().ok(),
    }
}

/// Six bytes in hexadecimal.
pub(super) fn ether_address(word: &str) -> Option<[u8; 6]> {
    let mut address = [0; 6];
    let mut parts = word.split([':', '-']);
    for byte in &mut address {
        let part = parts.next().filter(|part| (1..=2).contains(&part.len()))?;
        *byte = u8::from_str_radix(part, 16).ok().filter(|_| !part.starts_with('+'))?;
    }
    parts.next().is_none().then_some(address)
}

/// One port, as a range.
pub(super) fn port(word: &str) -> Option<(u16, u16)> {
    let named = PORTS.iter().find(|(name, _)| *name == word).map(|(_, port)| *port);
    let port = named.or_else(|| digits(word)?.try_into().ok())?;
    Some((port, port))
}

/// `low-high`
pub(super) fn port_range(word: &str) -> Option<(u16, u16)> {
    let (low, high) = word.split_once('-')?;
    let ((low, _), (high, _)) = (port(low)?, port(high)?);
    (low <= high).then_some((low, high))
}

/// What a value of that word looks like.
pub(super) fn example(word: &str) -> &'static str {
    if word == "port" { "53" } else { "6000-6010" }
}

/// An address, as the network of it alone.
pub(super) fn host(word: &str) -> Option<(IpAddr, u8)> {
    let address: IpAddr = word.parse().ok()?;
    Some((address, if address.is_ipv4() { 32 } else { 128 }))
}

/// `10.0.0.0/8`, `10.1/16`, `10.1` or an address: bytes that are left out are zero, and then do not count. Bits behind
/// the prefix must be zero.
pub(super) fn net(word: &str) -> Option<(IpAddr, u8)> {
    let (text, prefix) = match word.split_once('/') {
        Some((text, prefix)) => (text, Some(u8::try_from(digits(prefix)?).ok()?)),
        None => (word, None),
    };
    let (address, whole) = match text.parse::<IpAddr>() {
        Ok(address) => (address, if address.is_ipv4() { 32 } else { 128 }),
        Err(_) => {
            let bytes: Vec<u8> =
                text.split('.').map(|part| digits(part)?.try_into().ok()).collect::<Option<_>>()?;
            let mut all = [0; 4];
            all.get_mut(..bytes.len())?.copy_from_slice(&bytes);
            (IpAddr::V4(Ipv4Addr::from(all)), 8 * bytes.len() as u8)
        }
    };
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let prefix = prefix.unwrap_or(whole);
    let behind = match address {
        IpAddr::V4(v4) => v4.to_bits().checked_shl(prefix.into()).unwrap_or(0) != 0,
        IpAddr::V6(v6) => v6.to_bits().checked_shl(prefix.into()).unwrap_or(0) != 0,
    };
    (prefix <= longest && !behind).then_some((address, prefix))
}

/// `12`, `2:2` or `tcpflags`: an offset and a number of bytes.
pub(super) fn index(text: &str) -> Option<(u16, u8)> {
    let (offset, bytes) = text.split_once(':').unwrap_or((text, "1"));
    let offset = number(offset.trim())?.try_into().ok()?;
    let bytes = digits(bytes.trim()).filter(|bytes| [1, 2, 4].contains(bytes))?;
    Some((offset, bytes as u8))
}

//! A packet taken apart in plain Rust: the oracle that programs are held against.
//!
//! It says what the words of the language mean on a real packet:
//! - VLAN tags are passed through, up to [`MAX_TAGS`]; one that the kernel has taken out comes first.
//! - A fixed header that is cut off is not there: no protocol, no addresses, no ports.
//! - IPv4 options are respected; IPv6 extension headers are followed, up to [`MAX_EXTENSIONS`], behind which the
//!   protocol counts as unknown.
//! - A fragment that is not the first has a protocol and no transport header.

use std::net::IpAddr;

use super::expr::{Expr, Layer, Scope, Tag, Test, Version};

/// VLAN tags that are followed.
pub const MAX_TAGS: usize = 3;
/// IPv6 extension headers that are followed.
pub const MAX_EXTENSIONS: usize = 8;

pub(super) const IP: u16 = 0x0800;
pub(super) const ARP: u16 = 0x0806;
pub(super) const IP6: u16 = 0x86dd;
/// Types of VLAN tags: 802.1Q, 802.1ad, and what was used before that.
pub(super) const TAG_TYPES: [u16; 3] = [0x8100, 0x88a8, 0x9100];
/// Bytes of the fixed headers.
pub(super) const ETHER_BYTES: usize = 14;
pub(super) const IP_BYTES: usize = 20;
pub(super) const ARP_BYTES: usize = 28;
pub(super) const IP6_BYTES: usize = 40;
/// Of an IPv6 extension header, what its length is in.
pub(super) const EXTENSION_BYTES: usize = 8;
/// IPv6 extension headers: hop-by-hop, routing, fragment, authentication, destination, mobility, HIP, shim6. The lengths
/// of all but [`FRAGMENT`] and [`AUTHENTICATION`] are counts of eight bytes.
pub(super) const EXTENSION_NUMBERS: [u8; 8] = [0, 43, FRAGMENT, AUTHENTICATION, 60, 135, 139, 140];
pub(super) const FRAGMENT: u8 = 44;
pub(super) const AUTHENTICATION: u8 = 51;
/// Protocols with ports.
pub(super) const WITH_PORTS: [u8; 3] = [6, 17, 132];

/// A packet: its bytes from the Ethernet header on, and the tag that is kept beside them.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// VLAN of a tag that was taken out of them.
    pub taken_tag: Option<u16>,
    /// Bytes before those that a socket sees, which its length does not count; 0 but for sockets.
    pub hidden_bytes: usize,
}

/// What was found in a packet.
#[derive(Clone, Debug, Default)]
struct Headers {
    tags: Vec<u16>,
    ether_type: Option<u16>,
    network: Option<usize>,
    protocol: Option<u8>,
    transport: Option<usize>,
    addresses: Option<[IpAddr; 2]>,
    ports: Option<[u16; 2]>,
}

impl<'a> Frame<'a> {
    /// A packet of which all that is known is in its bytes, as XDP programs see it.
    pub fn new(bytes: &'a [u8]) -> Frame<'a> {
        Frame { bytes, taken_tag: None, hidden_bytes: 0 }
    }

    fn get<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.bytes.get(at..at.checked_add(N)?)?.try_into().ok()
    }

    fn u16(&self, at: usize) -> Option<u16> {
        self.get(at).map(u16::from_be_bytes)
    }

    fn headers(&self) -> Headers {
        let mut headers = Headers { tags: self.taken_tag.into_iter().collect(), ..Headers::default() };
        let mut at = ETHER_BYTES;
        headers.ether_type = self.u16(at - 2);
        while headers.tags.len() < MAX_TAGS
            && headers.ether_type.is_some_and(|kind| TAG_TYPES.contains(&kind))
        {
            let Some(tag) = self.get::<4>(at) else {
                headers.ether_type = None;
                break;
            };
            headers.tags.push(u16::from_be_bytes([tag[0], tag[1]]) & 0xfff);
            at += 4;
            headers.ether_type = Some(u16::from_be_bytes([tag[2], tag[3]]));
        }
        headers.network = Some(at);
        match headers.ether_type {
            Some(IP) => self.ip(at, &mut headers),
            Some(IP6) => self.ip6(at, &mut headers),
            Some(ARP) => {
                headers.addresses = self.get::<ARP_BYTES>(at).map(|arp| [v4(&arp[14..18]), v4(&arp[24..28])]);
            }
            _ => {}
        }
        let ported = headers.protocol.is_some_and(|protocol| WITH_PORTS.contains(&protocol));
        if let Some(at) = headers.transport.filter(|_| ported) {
            headers.ports = self.get::<4>(at).map(|b| [[b[0], b[1]], [b[2], b[3]]].map(u16::from_be_bytes));
        }
        headers
    }

    fn ip(&self, at: usize, headers: &mut Headers) {
        let Some(ip) = self.get::<IP_BYTES>(at) else { return };
        headers.protocol = Some(ip[9]);
        headers.addresses = Some([v4(&ip[12..16]), v4(&ip[16..20])]);
        let header_bytes = usize::from(ip[0] & 15) * 4;
        let first_fragment = u16::from_be_bytes([ip[6], ip[7]]) & 0x1fff == 0;
        headers.transport = (header_bytes >= IP_BYTES && first_fragment).then_some(at + header_bytes);
    }

    fn ip6(&self, at: usize, headers: &mut Headers) {
        let Some(ip) = self.get::<IP6_BYTES>(at) else { return };
        headers.addresses = Some([v6(&ip[8..24]), v6(&ip[24..40])]);
        let (mut next, mut at) = (ip[6], at + IP6_BYTES);
        for passed in 0.. {
            if !EXTENSION_NUMBERS.contains(&next) {
                (headers.protocol, headers.transport) = (Some(next), Some(at));
                return;
            }
            let Some(extension) = self.get::<EXTENSION_BYTES>(at).filter(|_| passed < MAX_EXTENSIONS) else {
                return;
            };
            let length = usize::from(extension[1]);
            at += match next {
                FRAGMENT => 8,
                AUTHENTICATION => 4 * (length + 2),
                _ => 8 * (length + 1),
            };
            let fragment = next == FRAGMENT;
            next = extension[0];
            if fragment && u16::from_be_bytes([extension[2], extension[3]]) & 0xfff8 != 0 {
                headers.protocol = Some(next);
                return;
            }
        }
    }

    /// Whether a condition holds.
    pub fn matches(&self, expr: &Expr) -> bool {
        self.holds(expr, &self.headers())
    }

    fn holds(&self, expr: &Expr, headers: &Headers) -> bool {
        match expr {
            Expr::Test(test) => self.test(test, headers).unwrap_or(false),
            Expr::Not(expr) => !self.holds(expr, headers),
            Expr::All(list) => list.iter().all(|expr| self.holds(expr, headers)),
            Expr::Any(list) => list.iter().any(|expr| self.holds(expr, headers)),
        }
    }

    /// `None`: the packet does not have what is asked about.
    fn test(&self, test: &Test, headers: &Headers) -> Option<bool> {
        Some(match *test {
            Test::Ether { side, address } => {
                let of = |at| self.get::<6>(at) == Some(address);
                side.of(of(6), of(0))
            }
            Test::EtherType(kind) => headers.ether_type? == kind,
            Test::Vlan { tag, id } => {
                let tags = match tag {
                    Tag::Any => &headers.tags[..],
                    Tag::Outer => headers.tags.get(..1)?,
                    Tag::Inner => headers.tags.get(1..2)?,
                };
                tags.iter().any(|&tag| id.is_none_or(|id| id == tag))
            }
            Test::Protocol { version, number } => {
                let version_holds = match version {
                    Version::Any => true,
                    Version::V4 => headers.ether_type == Some(IP),
                    Version::V6 => headers.ether_type == Some(IP6),
                };
                version_holds && headers.protocol? == number
            }
            Test::Net { side, scope, address, prefix } => {
                let arp = headers.ether_type == Some(ARP);
                if arp && scope == Scope::Ip || !arp && scope == Scope::Arp {
                    return None;
                }
                let [src, dst] = headers.addresses?.map(|held| in_net(held, address, prefix));
                side.of(src, dst)
            }
            Test::Port { side, transport, low, high } => {
                let transport_holds =
                    transport.number().is_none_or(|number| headers.protocol == Some(number));
                let [src, dst] = headers.ports?.map(|port| (low..=high).contains(&port));
                transport_holds && side.of(src, dst)
            }
            Test::Length(relation, value) => {
                relation.holds(self.bytes.len().saturating_sub(self.hidden_bytes) as u32, value)
            }
            Test::Field { layer, offset, bytes, mask, relation, value } => {
                let at = self.start(layer, headers)? + usize::from(offset);
                let field = self.bytes.get(at..at + usize::from(bytes))?;
                let number = field.iter().fold(0, |number, &byte| number << 8 | u32::from(byte));
                relation.holds(number & mask, value)
            }
        })
    }

    /// Where a header is, if the packet has it.
    fn start(&self, layer: Layer, headers: &Headers) -> Option<usize> {
        match layer.numbers() {
            (None, None) => Some(0),
            (kind, None) => headers.network.filter(|_| headers.ether_type == kind),
            (kind, protocol) => headers
                .transport
                .filter(|_| headers.protocol == protocol && (kind.is_none() || headers.ether_type == kind)),
        }
    }
}

fn v4(bytes: &[u8]) -> IpAddr {
    IpAddr::from(<[u8; 4]>::try_from(bytes).unwrap_or_default())
}

fn v6(bytes: &[u8]) -> IpAddr {
    IpAddr::from(<[u8; 16]>::try_from(bytes).unwrap_or_default())
}

/// Whether two addresses are of one version and agree in their first bits.
fn in_net(held: IpAddr, net: IpAddr, prefix: u8) -> bool {
    match (held, net) {
        (IpAddr::V4(held), IpAddr::V4(net)) => {
            prefix == 0 || (held.to_bits() ^ net.to_bits()) >> (32 - u32::from(prefix.min(32))) == 0
        }
        (IpAddr::V6(held), IpAddr::V6(net)) => {
            prefix == 0 || (held.to_bits() ^ net.to_bits()) >> (128 - u32::from(prefix.min(128))) == 0
        }
        _ => false,
    }
}

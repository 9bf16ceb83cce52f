//! What a packet is asked for, and how it is written.

use std::fmt;
use std::net::IpAddr;

/// A condition on the headers of a packet.
///
/// A test of something that the packet does not have is false: so is `tcp[13] != 0` of a UDP packet, or of a TCP packet
/// that was cut off before that byte, and its `not` is true.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expr {
    /// One test.
    Test(Test),
    /// It does not hold.
    Not(Box<Expr>),
    /// Every one holds; none is met by any packet.
    All(Vec<Expr>),
    /// One of these holds; none is met by no packet.
    Any(Vec<Expr>),
}

/// Which end of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Where it comes from.
    Src,
    /// Where it goes.
    Dst,
    /// One of them.
    Either,
    /// Both of them.
    Both,
}

impl Side {
    /// Whether it holds, given what holds of source and destination.
    pub(super) fn of(self, src: bool, dst: bool) -> bool {
        match self {
            Side::Src => src,
            Side::Dst => dst,
            Side::Either => src || dst,
            Side::Both => src && dst,
        }
    }
}

/// Which of a packet's VLAN tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tag {
    /// Any of them.
    Any,
    /// The first.
    Outer,
    /// The second.
    Inner,
}

/// Which protocols an address is looked for in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// IP and ARP.
    Any,
    /// IP.
    Ip,
    /// ARP; IPv4 addresses only.
    Arp,
}

/// Which version of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// Either.
    Any,
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// Which protocol a port is looked for in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Any of these.
    Any,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Transport {
    /// Its number in IP; none for any.
    pub(super) fn number(self) -> Option<u8> {
        match self {
            Transport::Any => None,
            Transport::Tcp => Some(6),
            Transport::Udp => Some(17),
            Transport::Sctp => Some(132),
        }
    }
}

/// The header that an offset counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the protocols'")]
pub enum Layer {
    Ether,
    Arp,
    Ip,
    Ip6,
    Tcp,
    Udp,
    Sctp,
    Icmp,
    Icmp6,
}

impl Layer {
    /// All of them.
    pub const ALL: [Layer; 9] = [
        Layer::Ether,
        Layer::Arp,
        Layer::Ip,
        Layer::Ip6,
        Layer::Tcp,
        Layer::Udp,
        Layer::Sctp,
        Layer::Icmp,
        Layer::Icmp6,
    ];

    /// How it is written.
    pub fn name(self) -> &'static str {
        match self {
            Layer::Ether => "ether",
            Layer::Arp => "arp",
            Layer::Ip => "ip",
            Layer::Ip6 => "ip6",
            Layer::Tcp => "tcp",
            Layer::Udp => "udp",
            Layer::Sctp => "sctp",
            Layer::Icmp => "icmp",
            Layer::Icmp6 => "icmp6",
        }
    }

    /// The type in the Ethernet header, and the protocol in IP, that packets with this header have.
    pub(super) fn numbers(self) -> (Option<u16>, Option<u8>) {
        match self {
            Layer::Ether => (None, None),
            Layer::Arp => (Some(super::headers::ARP), None),
            Layer::Ip => (Some(super::headers::IP), None),
            Layer::Ip6 => (Some(super::headers::IP6), None),
            Layer::Tcp => (None, Some(6)),
            Layer::Udp => (None, Some(17)),
            Layer::Sctp => (None, Some(132)),
            Layer::Icmp => (Some(super::headers::IP), Some(1)),
            Layer::Icmp6 => (Some(super::headers::IP6), Some(58)),
        }
    }
}

/// How two numbers without sign compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Relation {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl Relation {
    /// Whether it holds.
    pub fn holds(self, left: u32, right: u32) -> bool {
        match self {
            Relation::Eq => left == right,
            Relation::Ne => left != right,
            Relation::Lt => left < right,
            Relation::Le => left <= right,
            Relation::Gt => left > right,
            Relation::Ge => left >= right,
        }
    }
}

/// One question to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Test {
    /// An Ethernet address.
    Ether {
        /// Which.
        side: Side,
        /// What it must be.
        address: [u8; 6],
    },
    /// The type in the Ethernet header, behind all VLAN tags.
    EtherType(u16),
    /// A VLAN tag, in the packet or taken out of it by the kernel or the card.
    Vlan {
        /// Which.
        tag: Tag,
        /// Its VLAN; `None`: whatever it is.
        id: Option<u16>,
    },
    /// The protocol in IP; of IPv6, the one behind its extension headers.
    Protocol {
        /// In which IP.
        version: Version,
        /// Its number.
        number: u8,
    },
    /// An address of a network.
    Net {
        /// Which address.
        side: Side,
        /// In which protocols.
        scope: Scope,
        /// The network's address.
        address: IpAddr,
        /// Bits of it that count.
        prefix: u8,
    },
    /// A port; only the first fragment of a packet has ports.
    Port {
        /// Which.
        side: Side,
        /// Of which protocol.
        transport: Transport,
        /// Least.
        low: u16,
        /// Greatest.
        high: u16,
    },
    /// Bytes of the packet. A tag that was taken out is not among them; for a socket, only those that it sees are.
    Length(Relation, u32),
    /// A number in a header, in network order.
    Field {
        /// The header.
        layer: Layer,
        /// Bytes from its start; up to 65535.
        offset: u16,
        /// Bytes of the number: 1, 2 or 4.
        bytes: u8,
        /// Bits of it that count.
        mask: u32,
        /// How it compares.
        relation: Relation,
        /// With what.
        value: u32,
    },
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = |f: &mut fmt::Formatter<'_>, expr: &Expr| match expr {
            Expr::All(_) | Expr::Any(_) => write!(f, "({expr})"),
            _ => write!(f, "{expr}"),
        };
        match self {
            Expr::Test(test) => write!(f, "{test}"),
            Expr::Not(expr) => {
                f.write_str("not ")?;
                inner(f, expr)
            }
            Expr::All(list) | Expr::Any(list) => {
                let (word, empty) = match self {
                    Expr::All(_) => (" and ", "len >= 0"),
                    _ => (" or ", "len < 0"),
                };
                if list.is_empty() {
                    return f.write_str(empty);
                }
                for (at, expr) in list.iter().enumerate() {
                    f.write_str(if at == 0 { "" } else { word })?;
                    inner(f, expr)?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Test::Ether { side, address: [a, b, c, d, e, g] } => {
                write!(f, "ether {side}host {a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
            }
            Test::EtherType(value) => write!(f, "ether proto {value:#06x}"),
            Test::Vlan { tag, id } => {
                f.write_str(match tag {
                    Tag::Any => "vlan",
                    Tag::Outer => "outer vlan",
                    Tag::Inner => "inner vlan",
                })?;
                id.map_or(Ok(()), |id| write!(f, " {id}"))
            }
            Test::Protocol { version, number } => {
                f.write_str(match version {
                    Version::Any => "",
                    Version::V4 => "ip ",
                    Version::V6 => "ip6 ",
                })?;
                write!(f, "proto {number}")
            }
            Test::Net { side, scope, address, prefix } => {
                f.write_str(match (scope, address) {
                    (Scope::Any, _) => "",
                    (Scope::Arp, _) => "arp ",
                    (Scope::Ip, IpAddr::V4(_)) => "ip ",
                    (Scope::Ip, IpAddr::V6(_)) => "ip6 ",
                })?;
                write!(f, "{side}net {address}/{prefix}")
            }
            Test::Port { side, transport, low, high } => {
                f.write_str(match transport {
                    Transport::Any => "",
                    Transport::Tcp => "tcp ",
                    Transport::Udp => "udp ",
                    Transport::Sctp => "sctp ",
                })?;
                if low == high {
                    write!(f, "{side}port {low}")
                } else {
                    write!(f, "{side}portrange {low}-{high}")
                }
            }
            Test::Length(relation, value) => write!(f, "len {relation} {value}"),
            Test::Field { layer, offset, bytes, mask, relation, value } => {
                write!(f, "{}[{offset}:{bytes}]", layer.name())?;
                if mask != u32::MAX {
                    write!(f, " & {mask:#x}")?;
                }
                write!(f, " {relation} {value}")
            }
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Side::Src => "src ",
            Side::Dst => "dst ",
            Side::Either => "",
            Side::Both => "src and dst ",
        })
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Relation::Eq => "=",
            Relation::Ne => "!=",
            Relation::Lt => "<",
            Relation::Le => "<=",
            Relation::Gt => ">",
            Relation::Ge => ">=",
        })
    }
}

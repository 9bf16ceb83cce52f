//! The shapes of a device's packets: protocol, port and length, without content. What it says is encrypted more and more;
//! how long its messages are is not.

use crate::packet::{Packet, Transport};
use std::collections::HashSet;
use std::fmt;

/// Different shapes of one device that are kept: those of its first minutes tell it best.
const SHAPES_MAX: usize = 192;

/// The shape of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shape {
    /// IP protocol number.
    pub protocol: u8,
    /// The lower of the two ports, which is the service's; type of an ICMP message.
    pub port: u16,
    /// The service is at the other end.
    pub outward: bool,
    /// Bytes of payload.
    pub bytes: u16,
}

impl Shape {
    /// `None` for what says nothing: segments without payload, pieces of packets.
    pub(super) fn of(packet: &Packet<'_>) -> Option<Self> {
        let length = |payload: &[u8]| u16::try_from(payload.len()).unwrap_or(u16::MAX);
        let (protocol, source, target, bytes) = match &packet.carried {
            Transport::Tcp(tcp) if !tcp.payload().is_empty() => {
                (6, tcp.source_port(), tcp.destination_port(), length(tcp.payload()))
            }
            Transport::Udp(udp) => (17, udp.source, udp.target, length(udp.payload)),
            Transport::Icmp(message) => {
                let kind = message.first().copied().map_or(0, u16::from);
                (1, kind, kind, length(message))
            }
            Transport::Icmp6(message) => {
                let kind = message.first().copied().map_or(0, u16::from);
                (58, kind, kind, length(message))
            }
            Transport::Igmp(message) => (2, 0, 0, length(message)),
            Transport::Other(protocol) => (*protocol, 0, 0, packet.bytes),
            Transport::Tcp(_) | Transport::Fragment => return None,
        };
        Some(Self { protocol, port: source.min(target), outward: target <= source, bytes })
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = if self.outward { "to" } else { "from" };
        match self.protocol {
            6 => write!(f, "tcp {way} {} {}", self.port, self.bytes),
            17 => write!(f, "udp {way} {} {}", self.port, self.bytes),
            1 => write!(f, "icmp {} {}", self.port, self.bytes),
            58 => write!(f, "icmp6 {} {}", self.port, self.bytes),
            other => write!(f, "ip {other} {}", self.bytes),
        }
    }
}

/// The first different shapes of a device.
#[derive(Clone, Debug, Default)]
pub(super) struct Shapes {
    known: HashSet<Shape>,
    last: Option<Shape>,
}

impl Shapes {
    /// Whether it is a new one.
    pub(super) fn learn(&mut self, shape: Shape) -> bool {
        // Bulk traffic is the same shape over and over.
        if self.last == Some(shape) {
            return false;
        }
        self.last = Some(shape);
        self.known.len() < SHAPES_MAX && self.known.insert(shape)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Shape> {
        self.known.iter()
    }
}

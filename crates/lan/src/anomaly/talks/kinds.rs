//! What a talk is: who with whom, by what, and how much.

use crate::Mac;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Talks that are held until they are taken.
pub(super) const TALKS_MAX: usize = 65_536;
/// Spans of devices that are held.
pub(super) const VOLUMES_MAX: usize = 262_144;
/// Seconds of a span in which a device's traffic is added up.
pub const SPAN_S: u64 = 300;

/// Who is talked to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Peer {
    /// A device of this network.
    Device(Mac),
    /// Somebody elsewhere, by name or address.
    Remote(Arc<str>),
    /// All, or a group.
    Everyone,
    /// Those for whom there was no room.
    Others,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(mac) => mac.fmt(f),
            Self::Remote(name) => f.write_str(name),
            Self::Everyone => f.write_str("everyone"),
            Self::Others => f.write_str("others"),
        }
    }
}

/// By what they talk: protocol and the lower port, `arp`, or the number of an EtherType.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// TCP, by port.
    Tcp(u16),
    /// UDP, by port.
    Udp(u16),
    /// Another protocol of IP, by number; 1 is ICMP.
    Ip(u8),
    /// No IP, by EtherType.
    Ether(u16),
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(port) => write!(f, "tcp {port}"),
            Self::Udp(port) => write!(f, "udp {port}"),
            Self::Ip(1) => f.write_str("icmp"),
            Self::Ip(2) => f.write_str("igmp"),
            Self::Ip(58) => f.write_str("icmp6"),
            Self::Ip(number) => write!(f, "ip {number}"),
            Self::Ether(0x0806) => f.write_str("arp"),
            Self::Ether(0x88cc) => f.write_str("lldp"),
            Self::Ether(0x888e) => f.write_str("eapol"),
            Self::Ether(kind) => write!(f, "ether {kind:04x}"),
        }
    }
}

/// Who, with whom, by what.
pub type TalkKey = (Mac, Peer, Channel);

/// How much was said in a talk since it was taken last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Talk {
    /// TCP connections that the one or the other began.
    pub connections: u64,
    /// Frames of the device to its peer.
    pub frames_sent: u64,
    /// Frames of the peer to the device.
    pub frames_received: u64,
    /// Bytes of frames to the peer.
    pub bytes_sent: u64,
    /// Bytes of frames from the peer.
    pub bytes_received: u64,
    /// When first, nanoseconds since 1970.
    pub first_ns: u64,
    /// When last.
    pub last_ns: u64,
}

impl Talk {
    /// Adds what was said later.
    pub fn add(&mut self, more: &Self) {
        self.connections += more.connections;
        self.frames_sent += more.frames_sent;
        self.frames_received += more.frames_received;
        self.bytes_sent += more.bytes_sent;
        self.bytes_received += more.bytes_received;
        self.first_ns = if self.first_ns == 0 { more.first_ns } else { self.first_ns.min(more.first_ns) };
        self.last_ns = self.last_ns.max(more.last_ns);
    }
}

/// Bytes of a device in a span of [`SPAN_S`] seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// Bytes that it sent.
    pub sent: u64,
    /// Bytes that were sent to it alone.
    pub received: u64,
}

/// What was said since it was taken last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Who with whom.
    pub talks: HashMap<TalkKey, Talk>,
    /// How much of each device, by the second since 1970 at which the span begins.
    pub volumes: HashMap<(u64, Mac), Volume>,
}

impl Tally {
    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.talks.is_empty() && self.volumes.is_empty()
    }

    /// Whether it had better be taken soon.
    pub fn is_large(&self) -> bool {
        self.talks.len() >= TALKS_MAX / 2 || self.volumes.len() >= VOLUMES_MAX / 2
    }
}

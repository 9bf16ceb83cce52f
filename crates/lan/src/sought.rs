//! How many different addresses and ports a device seeks: what tells one that scans from one that works.
//!
//! A [`Sketch`] is a set of 1,024 bits in which each thing that was seen sets one, by its hash; how many there were is told by how
//! many bits are not set (linear counting: Whang, Vander-Zanden and Taylor, *A linear-time probabilistic counting algorithm for
//! database applications*, TODS 1990). Up to a dozen it is nearly always exact, at 1,000 within 3 %, and beyond 7,000 it is full.
//! The programs in the kernel set the same bits by the same hash (`live::kernel::sketch`), so that what is counted does not hang on
//! every frame being handed over.
//!
//! Sought is what a device begins to talk to: the target of a TCP segment that neither acknowledges nor resets, of a UDP
//! datagram to a port below its own, and the address that an ARP request asks for.

use crate::packet::{Packet, Transport};
use std::net::IpAddr;

/// Words of a sketch.
pub(crate) const WORDS: usize = 16;
const BITS: usize = WORDS * 64;
const MINUTE_NS: u64 = 60_000_000_000;
/// TCP flags: RST, ACK.
pub(crate) const ANSWERS: u8 = 0x14;

/// About how many different things there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sketch(pub(crate) [u64; WORDS]);

impl Sketch {
    fn add(&mut self, hash: u32) {
        let bit = hash as usize >> 22;
        self.0[bit / 64] |= 1 << (bit % 64);
    }

    /// Takes what another one has; whether that was new.
    fn merge(&mut self, other: &Self) -> bool {
        let before = *self;
        self.0.iter_mut().zip(other.0).for_each(|(word, more)| *word |= more);
        *self != before
    }

    fn count(&self) -> u32 {
        let set: u32 = self.0.iter().map(|word| word.count_ones()).sum();
        let bits = BITS as f64;
        // Full, it says as much as with one bit left.
        let clear = (bits - f64::from(set)).max(1.0);
        (bits * (bits / clear).ln()).round() as u32
    }
}

/// Addresses and ports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    pub(crate) addresses: Sketch,
    pub(crate) ports: Sketch,
}

impl Reach {
    fn merge(&mut self, other: &Self) -> bool {
        self.addresses.merge(&other.addresses) | self.ports.merge(&other.ports)
    }
}

/// What a device sought, in all and in the busiest minute.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sought {
    all: Reach,
    minute: Reach,
    /// Minutes since 1970.
    minute_at: u64,
    most: Seeks,
    last: Option<(IpAddr, Option<u16>)>,
}

/// How many different ones a device sought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seeks {
    /// Addresses.
    pub addresses: u32,
    /// TCP and UDP ports.
    pub ports: u32,
}

impl Seeks {
    fn of(reach: &Reach) -> Self {
        Self { addresses: reach.addresses.count(), ports: reach.ports.count() }
    }

    fn or_more(self, other: Self) -> Self {
        Self { addresses: self.addresses.max(other.addresses), ports: self.ports.max(other.ports) }
    }
}

impl Sought {
    /// It seeks an address, or a port of one.
    pub(crate) fn add(&mut self, now_ns: u64, address: IpAddr, port: Option<u16>) {
        let minute_at = now_ns / MINUTE_NS;
        // Nearly all packets go where the last one went.
        if self.last == Some((address, port)) && self.minute_at == minute_at {
            return;
        }
        self.last = Some((address, port));
        let mut reach = Reach::default();
        reach.addresses.add(address_hash(address));
        port.into_iter().for_each(|port| reach.ports.add(port_hash(port)));
        self.all.merge(&reach);
        self.turn(minute_at);
        self.minute.merge(&reach);
    }

    /// What the kernel saw, until `now_ns`. What was known already may be of a minute ago.
    pub(crate) fn merge(&mut self, now_ns: u64, seen: &Reach) {
        if self.all.merge(seen) {
            self.turn(now_ns / MINUTE_NS);
            self.minute.merge(seen);
        }
    }

    fn turn(&mut self, minute_at: u64) {
        if minute_at != self.minute_at {
            (self.most, self.minute, self.minute_at) = (self.in_a_minute(), Reach::default(), minute_at);
        }
    }

    #[cfg(test)]
    pub(crate) fn reach(&self) -> Reach {
        self.all
    }

    /// In all.
    pub(crate) fn in_all(&self) -> Seeks {
        Seeks::of(&self.all)
    }

    /// At most, in a minute of the clock.
    pub(crate) fn in_a_minute(&self) -> Seeks {
        self.most.or_more(Seeks::of(&self.minute))
    }
}

/// Where a packet seeks something, if it does.
pub(crate) fn target(packet: &Packet<'_>) -> Option<(IpAddr, Option<u16>)> {
    let port = match &packet.carried {
        Transport::Tcp(tcp) if !tcp.ack() && !tcp.rst() => tcp.destination_port(),
        Transport::Udp(udp) if udp.target < udp.source => udp.target,
        _ => return None,
    };
    Some((packet.target, Some(port)))
}

/// The end of MurmurHash3: every bit of the result hangs on every bit of `word`.
fn mix(mut word: u32) -> u32 {
    word ^= word >> 16;
    word = word.wrapping_mul(MIX[0]);
    word ^= word >> 13;
    word = word.wrapping_mul(MIX[1]);
    word ^ word >> 16
}

/// What [`mix`] multiplies by.
pub(crate) const MIX: [u32; 2] = [0x85eb_ca6b, 0xc2b2_ae35];

/// An address of IPv4 is followed by zeros; bytes are as on the wire.
fn address_hash(address: IpAddr) -> u32 {
    let mut bytes = [0; 16];
    match address {
        IpAddr::V4(v4) => bytes[..4].copy_from_slice(&v4.octets()),
        IpAddr::V6(v6) => bytes = v6.octets(),
    }
    let words = bytes.as_chunks().0.iter().map(|word| u32::from_ne_bytes(*word));
    words.fold(0, |hash, word| mix(hash ^ word))
}

fn port_hash(port: u16) -> u32 {
    mix(u32::from(u16::from_ne_bytes(port.to_be_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn the_estimate_is_near_and_full_is_told_as_much() {
        for count in [0u16, 1, 5, 12, 100, 1000, 3000] {
            let mut sought = Sought::default();
            (1..=count).for_each(|port| sought.add(0, Ipv4Addr::LOCALHOST.into(), Some(port)));
            let ports = sought.in_all().ports;
            let off = (f64::from(ports) - f64::from(count)).abs();
            assert!(off <= f64::from(count) * 0.08, "{count}: {ports}");
        }
        let mut sought = Sought::default();
        (1..=65_535).for_each(|port| sought.add(0, Ipv4Addr::LOCALHOST.into(), Some(port)));
        assert_eq!((sought.in_all().ports, sought.in_all().addresses), (7098, 1));
    }

    #[test]
    fn the_busiest_minute_counts() {
        let mut sought = Sought::default();
        for (minute, ports) in [(5, 0..10), (6, 10..30), (7, 30..35)] {
            ports.for_each(|port| sought.add(minute * MINUTE_NS, Ipv4Addr::LOCALHOST.into(), Some(port)));
        }
        assert!((33..=36).contains(&sought.in_all().ports), "{:?}", sought.in_all());
        assert!((19..=21).contains(&sought.in_a_minute().ports), "{:?}", sought.in_a_minute());
        // What is known is not of this minute; what is new is.
        let known = sought.all;
        sought.merge(9 * MINUTE_NS, &known);
        assert_eq!(sought.minute_at, 7);
        let mut new = Reach::default();
        new.addresses.add(address_hash(Ipv4Addr::BROADCAST.into()));
        sought.merge(9 * MINUTE_NS, &new);
        assert_eq!(
            (sought.minute_at, Seeks::of(&sought.minute).addresses, sought.in_all().addresses),
            (9, 1, 2)
        );
    }
}

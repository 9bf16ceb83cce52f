//! Neighbour discovery (RFC 4861) and multicast listeners (RFC 2710, RFC 3810): who has which address, who routes.
//!
//! A message of neighbour discovery counts only with all 255 hops left, which no router lets through: then it is a neighbour's.

use crate::cursor::{Cursor, Malformed, Read, SHORT};
use crate::packet::Packet;
use crate::signal::{Claim, Role, Said, Signal};
use std::net::{IpAddr, Ipv6Addr};

const PREFIX_INFORMATION: u8 = 3;
const RESOLVERS: u8 = 25;
const RECORDS_MAX: usize = 64;

pub(super) fn decode(bytes: &[u8], packet: &Packet<'_>, said: &mut Said) -> Read<()> {
    let source = packet.source;
    let mut cursor = Cursor::new(bytes);
    let kind = cursor.u8()?;
    cursor.take(3)?;
    match kind {
        133..=137 if packet.hops != 255 => Err(Malformed("comes from beyond a router")),
        134 => router(bytes, said),
        135 => {
            cursor.take(4)?;
            let target = Ipv6Addr::from(cursor.array::<16>()?);
            // A host that asks from nowhere whether an address is free is about to take it.
            let address = if source.is_unspecified() { IpAddr::V6(target) } else { source };
            said.say(Signal::Address(address, Claim::Announced));
            Ok(())
        }
        136 => {
            let flags = cursor.u8()?;
            cursor.take(3)?;
            let target = Ipv6Addr::from(cursor.array::<16>()?);
            said.say(Signal::Address(IpAddr::V6(target), Claim::Announced));
            if flags & 0x80 != 0 {
                said.say(Signal::Role(Role::Router));
            }
            Ok(())
        }
        131 => {
            cursor.take(4)?;
            group(Ipv6Addr::from(cursor.array::<16>()?), said);
            Ok(())
        }
        143 => listener(cursor, said),
        _ => Ok(()),
    }
}

/// What a router says of the network and itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Advertisement {
    /// How long it wants to be a default router; 0: not at all, or no longer.
    pub(crate) lifetime_s: u16,
    /// It wants to be taken before others (RFC 4191).
    pub(crate) preferred: bool,
    /// In /64.
    pub(crate) prefixes: Vec<[u8; 8]>,
    /// RFC 8106.
    pub(crate) resolvers: Vec<Ipv6Addr>,
}

/// The advertisement in a message of ICMPv6, if it is one; with what came before a break.
pub(crate) fn advertisement(bytes: &[u8]) -> Option<(Advertisement, Read<()>)> {
    let (head, options) = bytes.split_first_chunk::<16>()?;
    let [134, _, _, _, _, flags, high, low, ..] = *head else { return None };
    let mut told = Advertisement {
        lifetime_s: u16::from_be_bytes([high, low]),
        preferred: flags & 0x18 == 0x08,
        ..Advertisement::default()
    };
    let whole = told.options(Cursor::new(options));
    Some((told, whole))
}

impl Advertisement {
    fn options(&mut self, mut cursor: Cursor<'_>) -> Read<()> {
        while !cursor.is_empty() {
            let (kind, length) = (cursor.u8()?, usize::from(cursor.u8()?));
            if length == 0 {
                return Err(Malformed("has an option of no length"));
            }
            let option = cursor.take(length * 8 - 2)?;
            match kind {
                // Length, flags, two lifetimes, reserved: twelve bytes and two before the prefix.
                PREFIX_INFORMATION => {
                    self.prefixes.extend(option.get(14..22).and_then(<[u8]>::first_chunk).copied());
                }
                RESOLVERS => {
                    let addresses = option.get(6..).unwrap_or_default().as_chunks::<16>().0;
                    self.resolvers.extend(addresses.iter().copied().map(Ipv6Addr::from));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn router(bytes: &[u8], said: &mut Said) -> Read<()> {
    let (told, whole) = advertisement(bytes).ok_or(SHORT)?;
    if told.lifetime_s > 0 {
        said.say(Signal::Role(Role::Router));
    }
    told.prefixes.into_iter().for_each(|prefix| said.say(Signal::Prefix(prefix)));
    whole
}

fn listener(mut cursor: Cursor<'_>, said: &mut Said) -> Read<()> {
    cursor.take(2)?;
    for _ in 0..usize::from(cursor.u16()?).min(RECORDS_MAX) {
        let (kind, auxiliary) = (cursor.u8()?, usize::from(cursor.u8()?));
        let sources = usize::from(cursor.u16()?);
        let address = Ipv6Addr::from(cursor.array::<16>()?);
        cursor.take(sources * 16 + auxiliary * 4)?;
        // Not those that are left: "include none".
        if !(matches!(kind, 1 | 3) && sources == 0) {
            group(address, said);
        }
    }
    Ok(())
}

/// Groups made from an address (RFC 4291, 2.7.1) say only what that address is.
fn group(address: Ipv6Addr, said: &mut Said) {
    let solicited =
        address.segments()[..7] == [0xff02, 0, 0, 0, 0, 1, 0xff00] || address.octets()[11..13] == [1, 0xff];
    if address.is_multicast() && !solicited {
        said.say(Signal::Group(IpAddr::V6(address)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Transport;

    fn signals(bytes: &[u8], source: &str) -> (Vec<Signal>, Read<()>) {
        let mut said = Said::default();
        said.start(crate::Mac([2; 6]));
        let source = source.parse().expect("an address");
        let (target, carried) = (source, Transport::Icmp6(bytes));
        let packet = Packet { source, target, hops: 255, bytes: 0, whole: false, carried };
        let result = decode(bytes, &packet, &mut said);
        // What a router passed on is not of a neighbour.
        let heard = said.signals.len();
        let beyond = decode(bytes, &Packet { hops: 254, ..packet }, &mut said);
        assert!(bytes[0] == 143 || (said.signals.len() == heard && beyond.is_err()));
        said.signals.truncate(heard);
        (said.signals.into_iter().map(|(_, signal)| signal).collect(), result)
    }

    #[test]
    fn a_router_announces_itself_and_its_prefix() {
        let mut bytes = vec![134, 0, 0, 0, 64, 0, 7, 8];
        bytes.extend([0; 8]);
        bytes.extend([3, 4, 64, 0xc0]);
        bytes.extend([0; 12]);
        bytes.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0]);
        let prefix = Signal::Prefix([0x20, 1, 0xd, 0xb8, 0, 0, 0, 7]);
        assert_eq!(signals(&bytes, "fe80::1"), (vec![Signal::Role(Role::Router), prefix], Ok(())));
        bytes[17] = 0;
        assert!(signals(&bytes, "fe80::1").1.is_err());
    }

    #[test]
    fn an_address_that_is_tried_out_is_claimed() {
        let mut bytes = vec![135, 0, 0, 0, 0, 0, 0, 0];
        let address: Ipv6Addr = "fe80::7".parse().expect("an address");
        bytes.extend(address.octets());
        let claimed = Signal::Address(IpAddr::V6(address), Claim::Announced);
        assert_eq!(signals(&bytes, "::"), (vec![claimed], Ok(())));
    }

    #[test]
    fn groups_are_those_that_say_something() {
        let mut bytes = vec![143, 0, 0, 0, 0, 0, 0, 2];
        for group in ["ff02::fb", "ff02::1:ff00:7"] {
            bytes.extend([4, 0, 0, 0]);
            bytes.extend(group.parse::<Ipv6Addr>().expect("an address").octets());
        }
        let group = Signal::Group("ff02::fb".parse().expect("an address"));
        assert_eq!(signals(&bytes, "fe80::1"), (vec![group], Ok(())));
    }
}

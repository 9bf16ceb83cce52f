//! The first bytes of a frame: who sent it, and what is inside.
//!
//! Ethernet II, IEEE 802.3 with LLC and SNAP, VLAN tags (three at most, QinQ included), Linux cooked capture.

use crate::Mac;
use crate::capture::LinkType;
use crate::cursor::{Cursor, Malformed, Read};

const VLAN_TAGS_MAX: usize = 3;
const SNAP: [u8; 3] = [0xaa, 0xaa, 0x03];

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carried {
    /// By EtherType.
    Ether(u16),
    /// By LLC service access point (802.2); the payload begins behind the control byte.
    Llc(u8),
    /// By organisation and protocol (SNAP).
    Snap([u8; 3], u16),
}

/// A frame without its first header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link<'a> {
    /// Zero where the capture does not tell.
    pub(crate) source: Mac,
    /// To whom it goes; zero where the capture does not tell.
    pub(crate) target: Mac,
    pub(crate) carried: Carried,
    pub(crate) payload: &'a [u8],
}

/// Takes the first header off. `None`: a link type that names no sender, or that is not read.
pub(crate) fn read(link: LinkType, bytes: &[u8]) -> Read<Option<Link<'_>>> {
    let mut cursor = Cursor::new(bytes);
    let mut target = Mac::default();
    let (source, kind) = match link {
        LinkType::Ethernet => {
            target = Mac(cursor.array()?);
            (Mac(cursor.array()?), cursor.u16()?)
        }
        LinkType::LinuxSll => {
            cursor.take(4)?;
            let source = address(cursor.u16()?, cursor.array()?);
            (source, cursor.u16()?)
        }
        LinkType::LinuxSll2 => {
            let kind = cursor.u16()?;
            cursor.take(9)?;
            (address(u16::from(cursor.u8()?), cursor.array()?), kind)
        }
        LinkType::RawIp | LinkType::Other(_) => return Ok(None),
    };
    let carried = carried(kind, link, &mut cursor)?;
    Ok(Some(Link { source, target, carried, payload: cursor.rest() }))
}

/// Cooked captures give eight bytes for the address, and how many of them count.
fn address(length: u16, bytes: [u8; 8]) -> Mac {
    let [a, b, c, d, e, f, ..] = bytes;
    if length == 6 { Mac([a, b, c, d, e, f]) } else { Mac::default() }
}

fn carried(mut kind: u16, link: LinkType, cursor: &mut Cursor<'_>) -> Read<Carried> {
    for _ in 0..VLAN_TAGS_MAX {
        if !matches!(kind, 0x8100 | 0x88a8 | 0x9100) {
            break;
        }
        cursor.take(2)?;
        kind = cursor.u16()?;
    }
    let llc = match link {
        // Cooked captures have a number of their own for 802.2.
        LinkType::LinuxSll | LinkType::LinuxSll2 => kind == 4,
        _ => kind <= 1500,
    };
    if !llc {
        return Ok(Carried::Ether(kind));
    }
    if kind != 4 {
        *cursor = cursor.sub_cut(usize::from(kind));
    }
    let header: [u8; 3] = cursor.array()?;
    if header == SNAP {
        let organisation = cursor.array()?;
        let protocol = cursor.u16()?;
        return Ok(match organisation {
            // RFC 1042: an EtherType in a roundabout way.
            [0, 0, 0] => Carried::Ether(protocol),
            other => Carried::Snap(other, protocol),
        });
    }
    match header {
        [0xff, 0xff, _] => Err(Malformed("is raw IPX, which is not read")),
        [service, ..] => Ok(Carried::Llc(service)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ethernet(tail: &[u8]) -> Vec<u8> {
        [&[1, 0, 0, 0, 0, 2, 4, 0, 0, 0, 0, 6], tail].concat()
    }

    #[test]
    fn tags_are_taken_off_and_llc_is_told_from_ethernet() {
        let cases: [(&[u8], Carried, &[u8]); 5] = [
            (&[0x08, 0x00, 9], Carried::Ether(0x0800), &[9]),
            (&[0x88, 0xa8, 0, 1, 0x81, 0x00, 0, 2, 0x08, 0x06, 9], Carried::Ether(0x0806), &[9]),
            (&[0, 5, 0x42, 0x42, 0x03, 7, 8, 0, 0], Carried::Llc(0x42), &[7, 8]),
            (&[0, 9, 0xaa, 0xaa, 3, 0, 0, 0x0c, 0x20, 0, 5], Carried::Snap([0, 0, 0x0c], 0x2000), &[5]),
            (&[0, 9, 0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0, 5], Carried::Ether(0x0800), &[5]),
        ];
        for (tail, carried, payload) in cases {
            let frame = ethernet(tail);
            let link = read(LinkType::Ethernet, &frame).expect("reads").expect("ethernet");
            assert_eq!((link.carried, link.payload), (carried, payload));
            assert_eq!(link.source.0[0], 4);
        }
    }

    #[test]
    fn cooked_captures_name_the_sender() {
        let v1 = [0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 0x08, 0, 9];
        let v2 = [0x08, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 9];
        for (link, bytes) in [(LinkType::LinuxSll, &v1[..]), (LinkType::LinuxSll2, &v2[..])] {
            let link = read(link, bytes).expect("reads").expect("cooked");
            assert_eq!((link.source, link.carried), (Mac([1, 2, 3, 4, 5, 6]), Carried::Ether(0x0800)));
            assert_eq!(link.payload, [9]);
        }
    }

    #[test]
    fn a_frame_that_ends_within_its_header_is_an_error() {
        for length in 0..14 {
            assert!(read(LinkType::Ethernet, &ethernet(&[8, 0])[..length]).is_err());
        }
    }
}

//! LLDP (IEEE 802.1AB): switches, phones and access points tell their neighbours what they are.

use crate::cursor::{Cursor, Read};
use crate::signal::{Claim, Role, Said, Signal, Via, text};
use std::net::IpAddr;

const END: u16 = 0;
const PORT_DESCRIPTION: u16 = 4;
const SYSTEM_NAME: u16 = 5;
const SYSTEM_DESCRIPTION: u16 = 6;
const CAPABILITIES: u16 = 7;
const MANAGEMENT: u16 = 8;
const ORGANISATION: u16 = 127;
const PARTS_MAX: usize = 128;
/// Capability bits, and what they make of a device.
const BITS: [(u16, Role); 4] =
    [(1 << 2, Role::Bridge), (1 << 3, Role::AccessPoint), (1 << 4, Role::Router), (1 << 5, Role::Phone)];
/// TIA-1057 (LLDP-MED) inventory, by subtype.
const MED: [u8; 3] = [0x00, 0x12, 0xbb];
/// IANA's own: MUD (RFC 8520).
const IANA: [u8; 3] = [0x00, 0x00, 0x5e];

pub(super) fn decode(bytes: &[u8], said: &mut Said) -> Read<()> {
    let mut cursor = Cursor::new(bytes);
    for _ in 0..PARTS_MAX {
        let head = cursor.u16()?;
        let mut value = cursor.sub(usize::from(head & 0x1ff))?;
        match head >> 9 {
            END => break,
            PORT_DESCRIPTION => said.say(Signal::Neighbour("port", text(value.rest()))),
            SYSTEM_NAME => said.say(Signal::Name(text(value.rest()), Via::Lldp)),
            SYSTEM_DESCRIPTION => said.say(Signal::Neighbour("description", text(value.rest()))),
            CAPABILITIES => {
                value.take(2)?;
                let enabled = value.u16()?;
                let roles = BITS.iter().filter(|(bit, _)| enabled & bit != 0);
                roles.for_each(|(_, role)| said.say(Signal::Role(*role)));
            }
            MANAGEMENT => management(value, said)?,
            ORGANISATION => organisation(value, said)?,
            _ => {}
        }
    }
    Ok(())
}

/// The address that it is managed by, which may be that of another of its ports: whoever announces it has it.
fn management(mut value: Cursor<'_>, said: &mut Said) -> Read<()> {
    let length = usize::from(value.u8()?);
    let mut address = value.sub(length)?;
    let address: IpAddr = match address.u8()? {
        1 => address.array::<4>()?.into(),
        2 => address.array::<16>()?.into(),
        _ => return Ok(()),
    };
    if !address.is_unspecified() && !address.is_multicast() && !address.is_loopback() {
        said.say(Signal::Address(address, Claim::Sent));
    }
    Ok(())
}

fn organisation(mut value: Cursor<'_>, said: &mut Said) -> Read<()> {
    let organisation: [u8; 3] = value.array()?;
    let subtype = value.u8()?;
    let field = match (organisation, subtype) {
        (MED, 5) => "hardware",
        (MED, 6) => "firmware",
        (MED, 7) => "software",
        (MED, 9) => "manufacturer",
        (MED, 10) => "model",
        (IANA, 1) => {
            said.say(Signal::MudUrl(text(value.rest())));
            return Ok(());
        }
        _ => return Ok(()),
    };
    said.say(Signal::Neighbour(field, text(value.rest())));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_says_what_it_is() {
        let bytes = [
            &[0x0a, 2, b's', b'w'][..],
            &[0x0e, 4, 0, 0x24, 0, 0x24],
            &[0x10, 12, 5, 1, 192, 0, 2, 9, 2, 0, 0, 0, 1, 0],
            &[0xfe, 7, 0x00, 0x12, 0xbb, 10, b'x', b'1', 0],
            &[0, 0],
        ]
        .concat();
        let mut said = Said::default();
        said.start(crate::Mac([2; 6]));
        assert_eq!(decode(&bytes, &mut said), Ok(()));
        let expected = [
            Signal::Name("sw".to_owned(), Via::Lldp),
            Signal::Role(Role::Bridge),
            Signal::Role(Role::Phone),
            Signal::Address(IpAddr::from([192, 0, 2, 9]), Claim::Sent),
            Signal::Neighbour("model", "x1".to_owned()),
        ];
        assert_eq!(said.signals.into_iter().map(|(_, signal)| signal).collect::<Vec<_>>(), expected);
        assert!(decode(&bytes[..9], &mut Said::default()).is_err());
    }
}

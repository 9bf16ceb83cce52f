//! DHCP for IPv6 (RFC 8415): identifiers, vendor class, and what a client asks for in its own order.

use super::message;
use crate::Mac;
use crate::cursor::{Cursor, Read};
use crate::signal::{Claim, Role, Said, Signal, Via, text};
use std::net::{IpAddr, Ipv6Addr};

/// Messages in which a client gives up the addresses that it names.
const RELEASE: u8 = 8;
const DECLINE: u8 = 9;
const CLIENT_ID: u16 = 1;
const NON_TEMPORARY: u16 = 3;
const TEMPORARY: u16 = 4;
const ADDRESS: u16 = 5;
const REQUESTED: u16 = 6;
const RELAYED: u16 = 9;
const USER_CLASS: u16 = 15;
const VENDOR_CLASS: u16 = 16;
const FQDN: u16 = 39;
const MUD_URL: u16 = 112;
const OPTIONS_MAX: usize = 128;
/// Relays that pass a message on from one to the next.
const RELAYS_MAX: usize = 8;

pub(super) fn decode(bytes: &[u8], said: &mut Said) -> Read<()> {
    let mut cursor = Cursor::new(bytes);
    let mut relayed = false;
    for _ in 0..RELAYS_MAX {
        let kind = cursor.u8()?;
        match kind {
            12 | 13 => {
                cursor.take(33)?;
                let Some(inner) = find(cursor, RELAYED)? else { return Ok(()) };
                cursor = inner;
                relayed = true;
            }
            2 | 7 | 10 => {
                cursor.take(3)?;
                if !relayed {
                    said.say(Signal::Role(Role::DhcpServer));
                }
                return Ok(());
            }
            1 | 3..=6 | RELEASE | DECLINE | 11 => {
                cursor.take(3)?;
                return of_client(kind, cursor, relayed, said);
            }
            _ => return Ok(()),
        }
    }
    Ok(())
}

fn of_client(kind: u8, cursor: Cursor<'_>, relayed: bool, said: &mut Said) -> Read<()> {
    let duid = find(cursor, CLIENT_ID)?.map(|duid| duid.rest()).unwrap_or_default();
    // Behind a relay the sender is another; an identifier made from a hardware address names the client.
    let mac = match (relayed, hardware(duid)) {
        (false, _) => said.speaker(),
        (true, Some(mac)) => mac,
        (true, None) => return Ok(()),
    };
    if !duid.is_empty() {
        said.about(mac, Signal::Duid(duid.iter().take(130).copied().collect()));
    }
    each(cursor, |code, mut value| {
        let signal = match code {
            REQUESTED => {
                let mut codes = Vec::new();
                while let Ok(code) = value.u16() {
                    codes.push(code);
                }
                codes.truncate(OPTIONS_MAX);
                Signal::Dhcp6Options(codes)
            }
            VENDOR_CLASS => {
                let enterprise = value.u32()?;
                let length = usize::from(value.u16()?);
                Signal::Dhcp6Vendor(enterprise, text(value.take(length)?))
            }
            USER_CLASS => {
                let length = usize::from(value.u16()?);
                Signal::DhcpUser(text(value.take(length)?))
            }
            FQDN => {
                value.u8()?;
                Signal::Name(message::plain_name(value.rest())?, Via::Dhcp6)
            }
            MUD_URL => Signal::MudUrl(text(value.rest())),
            NON_TEMPORARY | TEMPORARY if !matches!(kind, RELEASE | DECLINE) => {
                value.take(if code == NON_TEMPORARY { 12 } else { 4 })?;
                let Some(mut address) = find(value, ADDRESS)? else { return Ok(()) };
                let address = Ipv6Addr::from(address.array::<16>()?);
                // A client that asks for any address tells the one of all zeroes.
                if address.is_unspecified() {
                    return Ok(());
                }
                Signal::Address(IpAddr::V6(address), Claim::Announced)
            }
            _ => return Ok(()),
        };
        said.about(mac, signal);
        Ok(())
    })
}

/// The hardware address in an identifier of type 1 or 3, over Ethernet.
fn hardware(duid: &[u8]) -> Option<Mac> {
    match duid {
        [0, 1, 0, 1, _, _, _, _, mac @ ..] | [0, 3, 0, 1, mac @ ..] if mac.len() == 6 => Mac::read(mac),
        _ => None,
    }
}

fn find<'a>(cursor: Cursor<'a>, wanted: u16) -> Read<Option<Cursor<'a>>> {
    let mut found = None;
    each(cursor, |code, value| {
        if code == wanted {
            found.get_or_insert(value);
        }
        Ok(())
    })?;
    Ok(found)
}

fn each<'a>(mut cursor: Cursor<'a>, mut visit: impl FnMut(u16, Cursor<'a>) -> Read<()>) -> Read<()> {
    for _ in 0..OPTIONS_MAX {
        if cursor.is_empty() {
            break;
        }
        let code = cursor.u16()?;
        let length = usize::from(cursor.u16()?);
        visit(code, cursor.sub(length)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_known_by_what_it_asks_for_also_through_a_relay() {
        let solicit = [
            &[1, 0, 0, 1][..],
            &[0, 1, 0, 10, 0, 3, 0, 1, 2, 0, 0, 0, 0, 7],
            &[0, 6, 0, 4, 0, 24, 0, 23],
            &[0, 16, 0, 8, 0, 0, 1, 55, 0, 2, b'M', b'S'],
            &[0, 39, 0, 5, 0, 2, b'h', b'u', 0],
        ]
        .concat();
        let relay = [&[12, 0][..], &[0; 32], &[0, 9, 0, solicit.len() as u8], &solicit].concat();
        let client = Mac([2, 0, 0, 0, 0, 7]);
        for (bytes, speaker) in [(&solicit, client), (&relay, Mac([2, 0, 0, 0, 0, 1]))] {
            let mut said = Said::default();
            said.start(speaker);
            assert_eq!(decode(bytes, &mut said), Ok(()));
            let expected = [
                Signal::Duid(vec![0, 3, 0, 1, 2, 0, 0, 0, 0, 7]),
                Signal::Dhcp6Options(vec![24, 23]),
                Signal::Dhcp6Vendor(311, "MS".to_owned()),
                Signal::Name("hu".to_owned(), Via::Dhcp6),
            ];
            assert_eq!(said.signals, expected.map(|signal| (client, signal)));
        }
    }
}

//! Cisco's discovery protocol: name, addresses, version, platform, capabilities.

use crate::cursor::{Cursor, Malformed, Read};
use crate::signal::{Claim, Role, Said, Signal, Via, text};
use std::net::IpAddr;

const DEVICE_ID: u16 = 1;
const ADDRESSES: u16 = 2;
const CAPABILITIES: u16 = 4;
const VERSION: u16 = 5;
const PLATFORM: u16 = 6;
const MANAGEMENT: u16 = 0x16;
const PARTS_MAX: usize = 128;
const ADDRESSES_MAX: u32 = 16;
/// IP among the network layer's protocols.
const IP: &[u8] = &[0xcc];
const BITS: [(u32, Role); 4] =
    [(1, Role::Router), (1 << 1, Role::Bridge), (1 << 3, Role::Bridge), (1 << 7, Role::Phone)];

pub(super) fn decode(bytes: &[u8], said: &mut Said) -> Read<()> {
    let mut cursor = Cursor::new(bytes);
    cursor.take(4)?;
    for _ in 0..PARTS_MAX {
        if cursor.is_empty() {
            break;
        }
        let (kind, length) = (cursor.u16()?, usize::from(cursor.u16()?));
        let length = length.checked_sub(4).ok_or(Malformed("has a part shorter than its header"))?;
        let mut value = cursor.sub(length)?;
        match kind {
            DEVICE_ID => said.say(Signal::Name(text(value.rest()), Via::Cdp)),
            ADDRESSES | MANAGEMENT => addresses(value, said)?,
            VERSION => said.say(Signal::Neighbour("description", text(value.rest()))),
            PLATFORM => said.say(Signal::Neighbour("model", text(value.rest()))),
            CAPABILITIES => {
                let bits = value.u32()?;
                BITS.iter()
                    .filter(|(bit, _)| bits & bit != 0)
                    .for_each(|(_, role)| said.say(Signal::Role(*role)));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Addresses of IPv4, which may be those of another of its ports: whoever announces one has it.
fn addresses(mut value: Cursor<'_>, said: &mut Said) -> Read<()> {
    for _ in 0..value.u32()?.min(ADDRESSES_MAX) {
        value.u8()?;
        let length = usize::from(value.u8()?);
        let protocol = value.take(length)?;
        let length = usize::from(value.u16()?);
        let address = value.take(length)?;
        if let (IP, Some(address)) = (protocol, address.first_chunk::<4>().filter(|_| length == 4)) {
            said.say(Signal::Address(IpAddr::from(*address), Claim::Sent));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_tells_its_platform() {
        let bytes = [2, 180, 0, 0, 0, 1, 0, 6, b's', b'w', 0, 4, 0, 8, 0, 0, 0, 8, 0, 6, 0, 6, b'W', b'S'];
        let mut said = Said::default();
        said.start(crate::Mac([2; 6]));
        assert_eq!(decode(&bytes, &mut said), Ok(()));
        let expected = [
            Signal::Name("sw".to_owned(), Via::Cdp),
            Signal::Role(Role::Bridge),
            Signal::Neighbour("model", "WS".to_owned()),
        ];
        assert_eq!(said.signals.into_iter().map(|(_, signal)| signal).collect::<Vec<_>>(), expected);
        let bytes = [2, 180, 0, 0, 0, 2, 0, 17, 0, 0, 0, 1, 1, 1, 0xcc, 0, 4, 192, 0, 2, 9];
        let mut said = Said::default();
        said.start(crate::Mac([2; 6]));
        assert_eq!(decode(&bytes, &mut said), Ok(()));
        let address = Signal::Address(IpAddr::from([192, 0, 2, 9]), Claim::Sent);
        assert_eq!(said.signals, [(crate::Mac([2; 6]), address)]);
        assert!(decode(&[2, 180, 0, 0, 0, 1, 0, 3], &mut Said::default()).is_err());
    }
}

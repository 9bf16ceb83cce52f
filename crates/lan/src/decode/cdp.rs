//! Cisco's discovery protocol: name, version, platform, capabilities.

use crate::cursor::{Cursor, Malformed, Read};
use crate::signal::{Role, Said, Signal, Via, text};

const DEVICE_ID: u16 = 1;
const CAPABILITIES: u16 = 4;
const VERSION: u16 = 5;
const PLATFORM: u16 = 6;
const PARTS_MAX: usize = 128;
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
        assert!(decode(&[2, 180, 0, 0, 0, 1, 0, 3], &mut Said::default()).is_err());
    }
}

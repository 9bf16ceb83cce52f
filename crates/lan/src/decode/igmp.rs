//! IGMP (RFC 2236, RFC 3376): the groups that a host joins.

use crate::cursor::{Cursor, Read};
use crate::signal::{Said, Signal};
use std::net::{IpAddr, Ipv4Addr};

const RECORDS_MAX: usize = 64;

pub(super) fn decode(bytes: &[u8], said: &mut Said) -> Read<()> {
    let mut cursor = Cursor::new(bytes);
    let kind = cursor.u8()?;
    cursor.take(3)?;
    match kind {
        0x12 | 0x16 => group(Ipv4Addr::from(cursor.u32()?), said),
        0x22 => {
            cursor.take(2)?;
            for _ in 0..usize::from(cursor.u16()?).min(RECORDS_MAX) {
                let (kind, auxiliary) = (cursor.u8()?, usize::from(cursor.u8()?));
                let sources = usize::from(cursor.u16()?);
                let address = Ipv4Addr::from(cursor.u32()?);
                cursor.take(sources * 4 + auxiliary * 4)?;
                if !(matches!(kind, 1 | 3) && sources == 0) {
                    group(address, said);
                }
            }
        }
        _ => {}
    }
    Ok(())
}

fn group(address: Ipv4Addr, said: &mut Said) {
    if address.is_multicast() {
        said.say(Signal::Group(IpAddr::V4(address)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_groups_count_and_left_ones_do_not() {
        let joins = [0x22, 0, 0, 0, 0, 0, 0, 2, 4, 0, 0, 0, 224, 0, 0, 251, 3, 0, 0, 0, 239, 0, 0, 1];
        for bytes in [&joins[..], &[0x16, 0, 0, 0, 224, 0, 0, 251]] {
            let mut said = Said::default();
            said.start(crate::Mac([2; 6]));
            assert_eq!(decode(bytes, &mut said), Ok(()));
            let mdns = Signal::Group(IpAddr::V4(Ipv4Addr::new(224, 0, 0, 251)));
            assert_eq!(said.signals, [(crate::Mac([2; 6]), mdns)]);
        }
        assert!(decode(&joins[..20], &mut Said::default()).is_err());
    }
}

//! ARP for IPv4 over Ethernet (RFC 826): who claims which address. Probes (RFC 5227) claim none.

use crate::Mac;
use crate::cursor::{Cursor, Malformed, Read};
use crate::signal::{Claim, Said, Signal};
use std::net::{IpAddr, Ipv4Addr};

const REQUEST: u16 = 1;
const REPLY: u16 = 2;

pub(super) fn decode(bytes: &[u8], said: &mut Said) -> Read<()> {
    let mut cursor = Cursor::new(bytes);
    let (hardware, protocol) = (cursor.u16()?, cursor.u16()?);
    let lengths: [u8; 2] = cursor.array()?;
    let operation = cursor.u16()?;
    // Ethernet, or the 802 networks that use the same addresses.
    if !matches!(hardware, 1 | 6) || protocol != 0x0800 {
        return Ok(());
    }
    if lengths != [6, 4] {
        return Err(Malformed("has addresses of other lengths than its types have"));
    }
    if !matches!(operation, REQUEST | REPLY) {
        return Ok(());
    }
    let sender = Mac(cursor.array()?);
    let address = Ipv4Addr::from(cursor.u32()?);
    cursor.take(6)?;
    let target = Ipv4Addr::from(cursor.u32()?);
    if sender.is_device() && !address.is_unspecified() && !address.is_multicast() && !address.is_broadcast() {
        said.about(sender, Signal::Address(IpAddr::V4(address), Claim::Announced));
        if address == target {
            said.about(sender, Signal::Announces);
        } else if operation == REQUEST {
            said.about(sender, Signal::Seeks(IpAddr::V4(target)));
        }
    }
    Ok(())
}

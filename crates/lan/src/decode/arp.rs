//! ARP for IPv4 over Ethernet (RFC 826): who claims which address. Probes (RFC 5227) claim none.

use crate::Mac;
use crate::cursor::{Cursor, Malformed, Read};
use crate::signal::{Claim, Said, Signal};
use std::net::{IpAddr, Ipv4Addr};

const REQUEST: u16 = 1;
const REPLY: u16 = 2;

/// A request or a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) is_reply: bool,
    /// Who says that it has the address.
    pub(crate) sender: Mac,
    pub(crate) address: Ipv4Addr,
    /// Whom it asks for, or tells.
    pub(crate) target: Ipv4Addr,
}

/// `None`: a message of another sort, or one that claims no address.
pub(crate) fn read(bytes: &[u8]) -> Read<Option<Message>> {
    let mut cursor = Cursor::new(bytes);
    let (hardware, protocol) = (cursor.u16()?, cursor.u16()?);
    let lengths: [u8; 2] = cursor.array()?;
    let operation = cursor.u16()?;
    // Ethernet, or the 802 networks that use the same addresses.
    if !matches!(hardware, 1 | 6) || protocol != 0x0800 {
        return Ok(None);
    }
    if lengths != [6, 4] {
        return Err(Malformed("has addresses of other lengths than its types have"));
    }
    let sender = Mac(cursor.array()?);
    let address = Ipv4Addr::from(cursor.u32()?);
    cursor.take(6)?;
    let target = Ipv4Addr::from(cursor.u32()?);
    let claims = !address.is_unspecified() && !address.is_multicast() && !address.is_broadcast();
    let message = Message { is_reply: operation == REPLY, sender, address, target };
    Ok(Some(message).filter(|_| matches!(operation, REQUEST | REPLY) && sender.is_device() && claims))
}

pub(super) fn decode(bytes: &[u8], said: &mut Said) -> Read<()> {
    let Some(Message { is_reply, sender, address, target }) = read(bytes)? else { return Ok(()) };
    said.about(sender, Signal::Address(IpAddr::V4(address), Claim::Announced));
    if address == target {
        said.about(sender, Signal::Announces);
    } else if !is_reply {
        said.about(sender, Signal::Seeks(IpAddr::V4(target)));
    }
    Ok(())
}

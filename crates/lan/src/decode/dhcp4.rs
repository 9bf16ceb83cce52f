//! DHCP for IPv4 (RFC 2131, RFC 2132): the options of a client in its own order, which differs from client to client.
//!
//! Options that are told in pieces are joined (RFC 3396), and those in the fields of overloaded messages are read. What a
//! client says is about the hardware address in the message, which is not the sender's where a relay passes it on.

use super::message;
use crate::Mac;
use crate::cursor::{Cursor, Malformed, Read};
use crate::signal::{Claim, Role, Said, Signal, Via, text};
use std::net::{IpAddr, Ipv4Addr};

const COOKIE: [u8; 4] = [0x63, 0x82, 0x53, 0x63];
const PAD: u8 = 0;
const MASK: u8 = 1;
const ROUTER: u8 = 3;
const RESOLVERS: u8 = 6;
const HOSTNAME: u8 = 12;
const VENDOR_SPECIFIC: u8 = 43;
const OVERLOAD: u8 = 52;
const MESSAGE_TYPE: u8 = 53;
const SERVER_ID: u8 = 54;
const PARAMETERS: u8 = 55;
const VENDOR_CLASS: u8 = 60;
const CLIENT_ID: u8 = 61;
const USER_CLASS: u8 = 77;
const FQDN: u8 = 81;
const ARCHITECTURE: u8 = 93;
const MUD_URL: u8 = 161;
const END: u8 = 255;
/// A message has at most this many options that count.
const OPTIONS_MAX: usize = 128;

/// The option codes in order of appearance, and their joined values.
#[derive(Debug, Default)]
struct Options {
    order: Vec<u8>,
    values: Vec<(u8, Vec<u8>)>,
}

/// A message taken apart.
#[derive(Debug)]
struct Message {
    operation: u8,
    /// The client's hardware address, if it has one as Ethernet's.
    hardware: Option<Mac>,
    client: Ipv4Addr,
    yours: Ipv4Addr,
    relay: Ipv4Addr,
    options: Options,
}

/// What a server tells its clients about the network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offer {
    /// Its own address.
    pub(crate) server: Option<Ipv4Addr>,
    pub(crate) routers: Vec<Ipv4Addr>,
    pub(crate) resolvers: Vec<Ipv4Addr>,
}

/// What a server offers or grants by itself, not through a relay.
pub(crate) fn offer(bytes: &[u8]) -> Option<Offer> {
    let (message, _) = read(bytes).ok()?;
    let is_grant = matches!(message.options.get(MESSAGE_TYPE), Some([2 | 5]));
    let addresses = |code| -> Vec<Ipv4Addr> {
        let value = message.options.get(code).unwrap_or_default();
        value.as_chunks().0.iter().map(|bytes: &[u8; 4]| Ipv4Addr::from(*bytes)).collect()
    };
    (message.operation == 2 && message.relay.is_unspecified() && is_grant).then(|| Offer {
        server: addresses(SERVER_ID).first().copied(),
        routers: addresses(ROUTER),
        resolvers: addresses(RESOLVERS),
    })
}

pub(super) fn decode(bytes: &[u8], said: &mut Said) -> Read<()> {
    let (message, whole) = read(bytes)?;
    let Message { operation, hardware, client, yours, relay, options } = message;
    match operation {
        1 => of_client(&options, hardware.unwrap_or(said.speaker()), client, said),
        2 => of_server(&options, hardware, yours, relay, said),
        _ => return Err(Malformed("is neither a request nor a reply")),
    }
    whole
}

/// Takes a message apart; and whether its options are whole.
fn read(bytes: &[u8]) -> Read<(Message, Read<()>)> {
    let mut cursor = Cursor::new(bytes);
    let [operation, hardware, length, _] = cursor.array()?;
    cursor.take(8)?;
    let [client, yours, _, relay] =
        [cursor.u32()?, cursor.u32()?, cursor.u32()?, cursor.u32()?].map(Ipv4Addr::from);
    let address: [u8; 16] = cursor.array()?;
    let (server_name, file) = (cursor.take(64)?, cursor.take(128)?);
    let cookie: [u8; 4] = cursor.array()?;
    if cookie != COOKIE {
        return Err(Malformed("is BOOTP without DHCP's cookie"));
    }
    let mut options = Options::default();
    // What came before a break is used.
    let mut whole = options.read(cursor);
    let overload = options.get(OVERLOAD).and_then(<[u8]>::first).copied().unwrap_or(0);
    for (bit, field) in [(1, file), (2, server_name)] {
        if overload & bit != 0 {
            whole = whole.and(options.read(Cursor::new(field)));
        }
    }
    let hardware = match (hardware, length) {
        (1, 6) => Mac::read(&address).filter(|mac| mac.is_device()),
        _ => None,
    };
    Ok((Message { operation, hardware, client, yours, relay, options }, whole))
}

fn of_client(options: &Options, mac: Mac, address: Ipv4Addr, said: &mut Said) {
    if !address.is_unspecified() {
        said.about(mac, Signal::Address(IpAddr::V4(address), Claim::Announced));
    }
    if matches!(options.get(MESSAGE_TYPE), Some([1])) {
        said.about(mac, Signal::DhcpDiscover);
    }
    // A DECLINE or RELEASE has options of its own; only what asks for a lease tells clients apart.
    if matches!(options.get(MESSAGE_TYPE), Some([1 | 3 | 8])) {
        said.about(mac, Signal::DhcpOptions(options.order.clone()));
    }
    for (code, value) in &options.values {
        let signal = match *code {
            PARAMETERS => Signal::DhcpParameters(value.clone()),
            HOSTNAME => Signal::Name(text(value), Via::Dhcp),
            FQDN => match fqdn(value) {
                Some(name) => Signal::Name(name, Via::Dhcp),
                None => continue,
            },
            VENDOR_CLASS => Signal::DhcpVendor(text(value)),
            USER_CLASS => Signal::DhcpUser(text(value)),
            CLIENT_ID => match value.split_first() {
                Some((kind, _)) => Signal::DhcpClientId(*kind),
                None => continue,
            },
            VENDOR_SPECIFIC => Signal::DhcpSpecific(hex(value)),
            ARCHITECTURE => match value.first_chunk() {
                Some(number) => Signal::DhcpArchitecture(u16::from_be_bytes(*number)),
                None => continue,
            },
            MUD_URL => Signal::MudUrl(text(value)),
            _ => continue,
        };
        said.about(mac, signal);
    }
}

fn of_server(options: &Options, client: Option<Mac>, yours: Ipv4Addr, relay: Ipv4Addr, said: &mut Said) {
    // An OFFER, ACK or NAK; through a relay the frame's sender is not the server.
    if relay.is_unspecified() && matches!(options.get(MESSAGE_TYPE), Some([2 | 5 | 6])) {
        said.say(Signal::Role(Role::DhcpServer));
    }
    if !matches!(options.get(MESSAGE_TYPE), Some([5])) {
        return;
    }
    if let (Some(client), false) = (client, yours.is_unspecified()) {
        said.about(client, Signal::Address(IpAddr::V4(yours), Claim::Announced));
    }
    if let (Some(gateway), Some(_)) = (options.get(ROUTER).and_then(<[u8]>::first_chunk), options.get(MASK)) {
        said.say(Signal::Gateway(IpAddr::V4(Ipv4Addr::from(*gateway))));
    }
}

/// RFC 4702: flags, two bytes out of use, a name in ASCII or in DNS form.
fn fqdn(value: &[u8]) -> Option<String> {
    let (&[flags, _, _], name) = value.split_first_chunk()?;
    let name = if flags & 4 == 0 { text(name) } else { message::plain_name(name).ok()? };
    Some(name).filter(|name| !name.is_empty())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(64).map(|byte| format!("{byte:02x}")).collect()
}

impl Options {
    /// Reads one field of options. The order is that of first appearance.
    fn read(&mut self, mut cursor: Cursor<'_>) -> Read<()> {
        while !cursor.is_empty() {
            let code = match cursor.u8()? {
                PAD => continue,
                END => return Ok(()),
                code => code,
            };
            let length = usize::from(cursor.u8()?);
            let value = cursor.take(length)?;
            if let Some((_, joined)) = self.values.iter_mut().find(|(known, _)| *known == code) {
                joined.extend_from_slice(value);
            } else if self.values.len() < OPTIONS_MAX {
                self.order.push(code);
                self.values.push((code, value.to_vec()));
            }
        }
        Ok(())
    }

    fn get(&self, code: u8) -> Option<&[u8]> {
        self.values.iter().find(|(known, _)| *known == code).map(|(_, value)| value.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: Mac = Mac([2, 0, 0, 0, 0, 7]);

    fn message(operation: u8, options: &[u8], file: &[u8]) -> Vec<u8> {
        let mut bytes = vec![operation, 1, 6, 0];
        bytes.extend([0; 12]);
        bytes.extend([192, 0, 2, 9]);
        bytes.extend([0; 8]);
        bytes.extend(CLIENT.0);
        bytes.extend([0; 10 + 64]);
        bytes.extend(file);
        bytes.resize(236, 0);
        bytes.extend(COOKIE);
        bytes.extend(options);
        bytes
    }

    fn said(bytes: &[u8]) -> (Vec<(Mac, Signal)>, Read<()>) {
        let mut said = Said::default();
        said.start(Mac([2, 0, 0, 0, 0, 1]));
        let result = decode(bytes, &mut said);
        (said.signals, result)
    }

    #[test]
    fn a_client_tells_its_options_in_order_and_pieces_are_joined() {
        let options = [53, 1, 1, 55, 2, 1, 3, 12, 2, b'h', b'u', 55, 1, 6, 60, 3, b'a', b'b', 0, 255];
        let (signals, result) = said(&message(1, &options, &[]));
        let expected = [
            Signal::DhcpDiscover,
            Signal::DhcpOptions(vec![53, 55, 12, 60]),
            Signal::DhcpParameters(vec![1, 3, 6]),
            Signal::Name("hu".to_owned(), Via::Dhcp),
            Signal::DhcpVendor("ab".to_owned()),
        ];
        assert_eq!((signals, result), (expected.map(|signal| (CLIENT, signal)).to_vec(), Ok(())));
    }

    #[test]
    fn options_in_the_file_field_are_read_when_the_message_says_so() {
        let (signals, _) = said(&message(1, &[53, 1, 3, 52, 1, 1, 255], &[12, 1, b'x', 255]));
        assert!(signals.contains(&(CLIENT, Signal::Name("x".to_owned(), Via::Dhcp))));
        let (signals, _) = said(&message(1, &[53, 1, 3, 255], &[12, 1, b'x', 255]));
        assert!(!signals.iter().any(|(_, signal)| matches!(signal, Signal::Name(..))));
    }

    #[test]
    fn an_ack_tells_of_server_client_and_gateway() {
        let (signals, _) =
            said(&message(2, &[53, 1, 5, 1, 4, 255, 255, 255, 0, 3, 4, 192, 0, 2, 1, 255], &[]));
        let address = |last| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last));
        let server = Mac([2, 0, 0, 0, 0, 1]);
        let expected = [
            (server, Signal::Role(Role::DhcpServer)),
            (CLIENT, Signal::Address(address(9), Claim::Announced)),
            (server, Signal::Gateway(address(1))),
        ];
        assert_eq!(signals, expected);
    }

    #[test]
    fn what_came_before_a_break_is_used() {
        let (signals, result) = said(&message(1, &[53, 1, 1, 12, 1, b'x', 60, 9, b'a'], &[]));
        assert!(signals.contains(&(CLIENT, Signal::Name("x".to_owned(), Via::Dhcp))));
        assert!(result.is_err());
    }
}

//! NetBIOS name service (RFC 1002): a host registers its own names, and answers for them. A name server (WINS) answers for
//! others: whoever's address is not in the answer is not who has the name.

use super::message::{self, Record};
use crate::cursor::Read;
use crate::signal::{Said, Signal, Via, text};
use std::net::IpAddr;

const REGISTRATION: u8 = 5;
const REFRESH: u8 = 8;
/// Type of the record that holds a name's addresses.
const ADDRESSES: u16 = 0x20;
/// Suffixes of a workstation and of a file server: the host's own name.
const OWN: [u8; 2] = [0x00, 0x20];

/// `source` sent the packet.
pub(super) fn decode(bytes: &[u8], source: IpAddr, said: &mut Said) -> Read<()> {
    let (message, whole) = message::read(bytes)?;
    let registers = !message.is_response && matches!(message.opcode, REGISTRATION | REFRESH | 9);
    let answers = message.is_response && message.opcode == 0;
    // In the data of a registration the highest bit marks the name of a group.
    let group =
        message.records.iter().any(|record| record.data().first().is_some_and(|flags| flags & 0x80 != 0));
    let names: Vec<_> = if registers {
        message.questions.iter().map(|question| (&question.name, !group)).collect()
    } else if answers {
        message.records.iter().map(|record| (&record.name, !group && is_of(record, source))).collect()
    } else {
        Vec::new()
    };
    for (name, own) in names {
        let Some((name, suffix)) = name.first().and_then(|label| decoded(label)) else { continue };
        if registers || own {
            said.say(Signal::NetbiosSuffix(suffix));
        }
        if own && OWN.contains(&suffix) {
            said.say(Signal::Name(name, Via::Nbns));
        }
    }
    whole
}

/// Whether a record says that a name is of the host with this address: flags and address, as often as it has any.
fn is_of(record: &Record<'_>, source: IpAddr) -> bool {
    let IpAddr::V4(source) = source else { return false };
    record.kind == ADDRESSES
        && record.data().as_chunks::<6>().0.iter().any(|entry| entry[2..] == source.octets())
}

/// A name is 32 letters, a half byte each: 15 characters and the suffix.
pub(super) fn decoded(label: &[u8]) -> Option<(String, u8)> {
    if label.len() != 32 || !label.iter().all(|byte| (b'A'..=b'P').contains(byte)) {
        return None;
    }
    let bytes: Vec<u8> = label.chunks_exact(2).map(|pair| (pair[0] - b'A') << 4 | (pair[1] - b'A')).collect();
    let (suffix, name) = bytes.split_last()?;
    Some((text(name), *suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registration_names_the_host() {
        let encoded = encoded(b"PC             \0");
        let head = [0, 1, 0x29, 0x10, 0, 1, 0, 0, 0, 0, 0, 1, 32];
        let tail = [0, 0, 32, 0, 1, 0xc0, 12, 0, 32, 0, 1, 0, 0, 0, 0, 0, 6, 0, 0, 192, 0, 2, 9];
        let mut bytes = [&head[..], &encoded, &tail].concat();
        let name = Signal::Name("PC".to_owned(), Via::Nbns);
        assert!(has_name(&bytes, &name));
        // The name of a group is no host's.
        let flags = bytes.len() - 6;
        bytes[flags] = 0x80;
        assert!(!has_name(&bytes, &name));
    }

    #[test]
    fn an_answer_names_the_host_whose_address_is_in_it() {
        let encoded = encoded(b"PC             \0");
        let head = [0, 1, 0x85, 0x00, 0, 0, 0, 1, 0, 0, 0, 0, 32];
        let tail = [0, 0, 32, 0, 1, 0, 0, 0, 0, 0, 6, 0, 0, 192, 0, 2, 9];
        let mut bytes = [&head[..], &encoded, &tail].concat();
        let name = Signal::Name("PC".to_owned(), Via::Nbns);
        assert!(has_name(&bytes, &name));
        // A name server's answer about another.
        *bytes.last_mut().expect("an address") = 8;
        assert!(!has_name(&bytes, &name));
    }

    fn encoded(name: &[u8; 16]) -> Vec<u8> {
        name.iter().flat_map(|byte| [b'A' + (byte >> 4), b'A' + (byte & 15)]).collect()
    }

    /// Whether a message of 192.0.2.9 names its sender so.
    fn has_name(bytes: &[u8], name: &Signal) -> bool {
        let mut said = Said::default();
        said.start(crate::Mac([2; 6]));
        assert_eq!(decode(bytes, IpAddr::from([192, 0, 2, 9]), &mut said), Ok(()));
        said.signals.iter().any(|(_, signal)| signal == name)
    }
}

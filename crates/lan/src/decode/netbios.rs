//! NetBIOS name service (RFC 1002): a host registers its own names.

use super::message;
use crate::cursor::Read;
use crate::signal::{Said, Signal, Via, text};

const REGISTRATION: u8 = 5;
const REFRESH: u8 = 8;
const STATUS: u16 = 0x21;
/// Suffixes of a workstation and of a file server: the host's own name.
const OWN: [u8; 2] = [0x00, 0x20];

pub(super) fn decode(bytes: &[u8], said: &mut Said) -> Read<()> {
    let (message, whole) = message::read(bytes)?;
    let registers = !message.is_response && matches!(message.opcode, REGISTRATION | REFRESH | 9);
    let answers = message.is_response && message.opcode == 0;
    let questions = message.questions.iter().map(|question| (&question.name, question.kind));
    let records = message.records.iter().map(|record| (&record.name, record.kind));
    let names: Vec<_> = if registers {
        questions.collect()
    } else if answers {
        records.collect()
    } else {
        Vec::new()
    };
    // In the data of a registration the highest bit marks the name of a group.
    let group =
        message.records.iter().any(|record| record.data().first().is_some_and(|flags| flags & 0x80 != 0));
    for (name, kind) in names {
        let Some((name, suffix)) = name.first().and_then(|label| decoded(label)) else { continue };
        said.say(Signal::NetbiosSuffix(suffix));
        if kind != STATUS && !group && OWN.contains(&suffix) {
            said.say(Signal::Name(name, Via::Nbns));
        }
    }
    whole
}

/// A name is 32 letters, a half byte each: 15 characters and the suffix.
fn decoded(label: &[u8]) -> Option<(String, u8)> {
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
        let encoded: Vec<u8> =
            b"PC             \0".iter().flat_map(|byte| [b'A' + (byte >> 4), b'A' + (byte & 15)]).collect();
        let head = [0, 1, 0x29, 0x10, 0, 1, 0, 0, 0, 0, 0, 1, 32];
        let tail = [0, 0, 32, 0, 1, 0xc0, 12, 0, 32, 0, 1, 0, 0, 0, 0, 0, 6, 0, 0, 192, 0, 2, 9];
        let mut bytes = [&head[..], &encoded, &tail].concat();
        let name = Signal::Name("PC".to_owned(), Via::Nbns);
        let has_name = |bytes: &[u8]| {
            let mut said = Said::default();
            said.start(crate::Mac([2; 6]));
            assert_eq!(decode(bytes, &mut said), Ok(()));
            said.signals.iter().any(|(_, signal)| *signal == name)
        };
        assert!(has_name(&bytes));
        // The name of a group is no host's.
        let flags = bytes.len() - 6;
        bytes[flags] = 0x80;
        assert!(!has_name(&bytes));
    }
}

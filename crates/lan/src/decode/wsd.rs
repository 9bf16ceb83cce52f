//! WS-Discovery (OASIS, 2009): types that a device has (Hello, ProbeMatch) or seeks (Probe). ONVIF cameras and printers.

use crate::cursor::{Malformed, Read};
use crate::signal::{Said, Signal, text};

const BYTES_MAX: usize = 8192;

pub(super) fn decode(bytes: &[u8], said: &mut Said) -> Read<()> {
    let bytes = &bytes[..bytes.len().min(BYTES_MAX)];
    if !contains(bytes, b"Envelope") {
        return Err(Malformed("is no SOAP envelope"));
    }
    // A probe tells what its sender looks for.
    let offers = [&b":Hello"[..], b":ProbeMatches", b":ResolveMatches", b"<Hello"]
        .iter()
        .any(|part| contains(bytes, part));
    if !offers {
        return Ok(());
    }
    let Some(at) = find(bytes, b"Types") else { return Ok(()) };
    let Some(open) = bytes[at..].iter().position(|byte| *byte == b'>') else { return Ok(()) };
    let value = &bytes[at + open + 1..];
    let Some(end) = value.iter().position(|byte| *byte == b'<') else { return Ok(()) };
    for name in value[..end].split(u8::is_ascii_whitespace).filter(|name| !name.is_empty()).take(16) {
        // The prefix of a name space is the sender's choice.
        let local = name.rsplit(|byte| *byte == b':').next().unwrap_or(name);
        said.say(Signal::WsdType(text(local)));
    }
    Ok(())
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    find(bytes, part).is_some()
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_those_of_who_offers() {
        let hello = b"<s:Envelope><s:Body><d:Hello><d:Types>dn:NetworkVideoTransmitter wsdp:Device</d:Types>";
        let probe = b"<s:Envelope><s:Body><d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types>";
        for (bytes, count) in [(&hello[..], 2), (probe, 0)] {
            let mut said = Said::default();
            said.start(crate::Mac([2; 6]));
            assert_eq!(decode(bytes, &mut said), Ok(()));
            assert_eq!(said.signals.len(), count);
        }
        assert!(decode(b"junk", &mut Said::default()).is_err());
    }
}

//! Edimax' discovery on UDP port 8765: lines of XML, every byte turned by some bits.
//!
//! The first byte is `<` plus the number of bits by which the others are turned to the right. Found by looking at what the
//! plugs send; the model is in it in words.

use crate::cursor::{Malformed, Read};
use crate::signal::{Said, Signal, text};

const BYTES_MAX: usize = 2048;
const FIELDS: [(&str, &str); 2] = [("<model value=\"", "model"), ("<version value=\"", "firmware")];

pub(super) fn decode(bytes: &[u8], said: &mut Said) -> Read<()> {
    let (first, rest) = bytes.split_first().ok_or(Malformed("is empty"))?;
    let turns = u32::from(first.wrapping_sub(b'<'));
    let plain: Vec<u8> = rest.iter().take(BYTES_MAX).map(|byte| byte.rotate_left(turns)).collect();
    if turns > 7 || !plain.starts_with(b"param>") {
        // Others may use the port.
        return Ok(());
    }
    for (open, field) in FIELDS {
        let Some(at) = plain.windows(open.len()).position(|window| window == open.as_bytes()) else {
            continue;
        };
        let value = &plain[at + open.len()..];
        let Some(end) = value.iter().position(|byte| *byte == b'"') else { continue };
        said.say(Signal::Neighbour(field, text(&value[..end])));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_read_whatever_the_turn() {
        let plain = b"<param>\n<code value=\"1010\" />\n<model value=\"SP2101W\" />\n</param>";
        for turns in 0..8 {
            let mut bytes: Vec<u8> = plain.iter().map(|byte| byte.rotate_right(turns)).collect();
            bytes[0] = b'<' + turns as u8;
            let mut said = Said::default();
            said.start(crate::Mac([2; 6]));
            assert_eq!(decode(&bytes, &mut said), Ok(()));
            let model = Signal::Neighbour("model", "SP2101W".to_owned());
            assert_eq!(said.signals, [(crate::Mac([2; 6]), model)], "{turns}");
        }
        let mut said = Said::default();
        said.start(crate::Mac([2; 6]));
        assert_eq!(decode(b"\x22\x16\x45\x80", &mut said), Ok(()));
        assert!(said.signals.is_empty());
    }
}

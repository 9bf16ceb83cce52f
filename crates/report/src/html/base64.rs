//! Base64 (RFC 4648, section 4), as bytes come.

use std::io::{self, Write};

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// Bytes that are encoded at once: a multiple of three.
const CHUNK: usize = 3 * 4096;

/// The text of `bytes`.
pub(super) fn text(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    encode(bytes, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    for group in bytes.chunks(3) {
        let (a, b, c) = (group[0], group.get(1).copied(), group.get(2).copied());
        let bits = u32::from(a) << 16 | u32::from(b.unwrap_or(0)) << 8 | u32::from(c.unwrap_or(0));
        let letter = |shift: u32| LETTERS[(bits >> shift & 63) as usize];
        out.extend([letter(18), letter(12), b.map_or(b'=', |_| letter(6)), c.map_or(b'=', |_| letter(0))]);
    }
}

/// Writes the base64 of what is written to it.
#[derive(Debug)]
pub(super) struct Encoder<W> {
    to: W,
    held: Vec<u8>,
    text: Vec<u8>,
}

impl<W: Write> Encoder<W> {
    /// Onto `to`.
    pub(super) fn new(to: W) -> Self {
        Self { to, held: Vec::with_capacity(CHUNK), text: Vec::with_capacity(CHUNK / 3 * 4) }
    }

    /// Writes the rest; gives back what was written to.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.write_held()?;
        Ok(self.to)
    }

    fn write_held(&mut self) -> io::Result<()> {
        self.text.clear();
        encode(&self.held, &mut self.text);
        self.held.clear();
        self.to.write_all(&self.text)
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(CHUNK - self.held.len());
        self.held.extend_from_slice(&bytes[..taken]);
        if self.held.len() == CHUNK {
            self.write_held()?;
        }
        Ok(taken)
    }

    /// What is no whole group stays here until the end.
    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648, section 10.
    #[test]
    fn the_vectors_of_the_standard() {
        let vectors = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        for (plain, encoded) in vectors {
            assert_eq!(text(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn pieces_give_what_the_whole_gives() {
        let bytes: Vec<u8> = (0..50_000u32).map(|n| (n * 7 + n / 256) as u8).collect();
        let mut encoder = Encoder::new(Vec::new());
        for piece in bytes.chunks(1001) {
            encoder.write_all(piece).expect("memory");
        }
        assert_eq!(encoder.finish().expect("memory"), text(&bytes).into_bytes());
    }
}

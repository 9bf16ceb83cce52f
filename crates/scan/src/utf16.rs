//! UTF-16, read as UTF-8, with the way back to its offsets.
//!
//! Each UTF-16 unit of a character of one to three bytes in UTF-8 is two bytes, and the pair of one of four bytes is four.
//! So offsets need no table: what stands before a place in UTF-8 says how many bytes of UTF-16 it was.

use std::io::{self, Read};

/// Bytes that must look like UTF-16 where no mark says that it is.
const SURE_BYTES: usize = 16;
/// Of so many units one may be no Latin letter.
const OTHERS: usize = 8;
/// Units that are turned at a time.
const UNITS: usize = 4096;

/// How bytes are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    /// As they are.
    Bytes,
    /// As UTF-16 with the low byte first, or not; so many bytes of mark in front.
    Utf16 { little: bool, mark: usize },
}

impl Text {
    /// Of data that begins so: by its mark; else where nearly every other byte is zero, as in text of Latin letters.
    pub(crate) fn of(head: &[u8]) -> Self {
        match head {
            [0xff, 0xfe, 0, 0, ..] => Self::Bytes,
            [0xff, 0xfe, ..] => Self::Utf16 { little: true, mark: 2 },
            [0xfe, 0xff, ..] => Self::Utf16 { little: false, mark: 2 },
            _ => Self::unmarked(head),
        }
    }

    fn unmarked(head: &[u8]) -> Self {
        let head = &head[..head.len().min(256) & !1];
        if head.len() < SURE_BYTES {
            return Self::Bytes;
        }
        let is_text = |low: u8| matches!(low, b'\t' | b'\n' | b'\r' | b' '..=b'~' | 0xa0..);
        for little in [true, false] {
            let (mut others, mut zeros) = (0, 0);
            for pair in head.chunks_exact(2) {
                let (low, high) = if little { (pair[0], pair[1]) } else { (pair[1], pair[0]) };
                others += usize::from(high != 0 || !is_text(low));
                zeros += usize::from(high == 0 && low == 0);
            }
            if zeros == 0 && others * OTHERS <= head.len() / 2 {
                return Self::Utf16 { little, mark: 0 };
            }
        }
        Self::Bytes
    }
}

/// Bytes of UTF-16 that `text`, a part of UTF-8, was. A character that is cut counts where it begins.
pub(crate) fn bytes_before(text: &[u8]) -> u64 {
    text.iter()
        .map(|byte| match byte {
            0x80..=0xbf => 0,
            0xf0.. => 4,
            _ => 2,
        })
        .sum()
}

/// Gives UTF-8; what is no character becomes U+FFFD.
pub(crate) struct Utf8Of<R> {
    reader: R,
    little: bool,
    /// Bytes of UTF-16 that have been read; the first `used` have been turned.
    raw: Box<[u8; UNITS * 2]>,
    len: usize,
    ended: bool,
    out: String,
    given: usize,
}

impl<R: Read> Utf8Of<R> {
    /// `reader` is behind the mark.
    pub(crate) fn new(reader: R, little: bool) -> Self {
        let raw = Box::new([0; UNITS * 2]);
        Self { reader, little, raw, len: 0, ended: false, out: String::new(), given: 0 }
    }

    fn turn(&mut self) -> io::Result<()> {
        let bytes = self.reader.read(&mut self.raw[self.len..])?;
        self.ended = bytes == 0;
        self.len += bytes;
        self.out.clear();
        self.given = 0;
        let mut whole = self.len / 2;
        // Half of a pair waits for the other.
        if !self.ended && whole > 0 && matches!(self.unit(whole - 1), 0xd800..=0xdbff) {
            whole -= 1;
        }
        let units: Vec<u16> = (0..whole).map(|at| self.unit(at)).collect();
        self.out.extend(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
        self.raw.copy_within(whole * 2..self.len, 0);
        self.len -= whole * 2;
        if self.ended && self.len > 0 {
            self.out.push(char::REPLACEMENT_CHARACTER);
            self.len = 0;
        }
        Ok(())
    }

    fn unit(&self, at: usize) -> u16 {
        let pair = [self.raw[at * 2], self.raw[at * 2 + 1]];
        if self.little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) }
    }
}

impl<R: Read> Read for Utf8Of<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.out.len() && !self.ended {
            self.turn()?;
        }
        let left = &self.out.as_bytes()[self.given..];
        let bytes = left.len().min(buffer.len());
        buffer[..bytes].copy_from_slice(&left[..bytes]);
        self.given += bytes;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, little: bool) -> Vec<u8> {
        let turn = |unit: u16| if little { unit.to_le_bytes() } else { unit.to_be_bytes() };
        text.encode_utf16().flat_map(turn).collect()
    }

    #[test]
    fn text_comes_back_whatever_the_pieces() {
        let text = "aé€😀".repeat(5000);
        for little in [true, false] {
            for piece in [1, 2, 3, 7, 8191] {
                let raw = utf16(&text, little);
                let mut out = String::new();
                Utf8Of::new(Slow(&raw, piece), little).read_to_string(&mut out).expect("UTF-8");
                assert!(out == text, "{little} {piece}");
            }
        }
    }

    /// Gives so many bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let bytes = self.1.min(buffer.len()).min(self.0.len());
            buffer[..bytes].copy_from_slice(&self.0[..bytes]);
            self.0 = &self.0[bytes..];
            Ok(bytes)
        }
    }

    #[test]
    fn offsets_are_those_of_utf16() {
        let text = "aé€😀z";
        for (at, _) in text.char_indices() {
            assert_eq!(bytes_before(&text.as_bytes()[..at]), utf16(&text[..at], true).len() as u64);
        }
        assert_eq!(bytes_before(&text.as_bytes()[..8]), 10, "a cut character counts where it begins");
    }

    #[test]
    fn what_is_no_utf16_stays_bytes() {
        assert_eq!(Text::of(&utf16("\u{feff}a", true)), Text::Utf16 { little: true, mark: 2 });
        assert_eq!(Text::of(&utf16("\u{feff}a", false)), Text::Utf16 { little: false, mark: 2 });
        assert_eq!(Text::of(&utf16("key = value\r\n", true)), Text::Utf16 { little: true, mark: 0 });
        assert_eq!(Text::of(&utf16("key = value\r\n", false)), Text::Utf16 { little: false, mark: 0 });
        let german = utf16("Schlüssel ☃ = geheim", true);
        assert_eq!(Text::of(&german), Text::Utf16 { little: true, mark: 0 });
        for plain in [&b"key = value of bytes"[..], &[0; 64], b"\xff\xfe\0\0", b"a\0b\0", b""] {
            assert_eq!(Text::of(plain), Text::Bytes, "{plain:?}");
        }
    }

    #[test]
    fn halves_are_told() {
        let mut out = String::new();
        Utf8Of::new(&b"a\0\x3d\xd8b\0x"[..], true).read_to_string(&mut out).expect("UTF-8");
        assert_eq!(out, "a\u{fffd}b\u{fffd}");
    }
}

//! tar: ustar, pax and GNU names, front to back.
//!
//! Source: POSIX.1-2024, pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format". Of a sparse file the parts that
//! are there are read, one behind the other.

use super::{broken, fill};
use std::io::{self, Read};

const BLOCK: usize = 512;
/// Longest name; longer ones are cut.
const NAME_MOST: u64 = 64 << 10;

/// Whether a block is a header: its sum is right.
pub(super) fn is_header(block: &[u8]) -> bool {
    if block.len() < BLOCK || block[0] == 0 {
        return false;
    }
    let blank = |at: usize| (148..156).contains(&at);
    let sum: u64 =
        block[..BLOCK].iter().enumerate().map(|(at, b)| if blank(at) { 32 } else { u64::from(*b) }).sum();
    number(&block[148..156]) == Some(sum)
}

/// Members, one by one.
pub(crate) struct Tar<R> {
    reader: R,
    /// Bytes of the member that were not read, and of what fills its last block.
    left: u64,
    padding: u64,
}

impl<R: Read> Tar<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, left: 0, padding: 0 }
    }

    /// The name of the next file; what it holds is read from `self` then.
    pub(crate) fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let (mut name, mut size) = (None, None);
        loop {
            self.skip(self.left.saturating_add(self.padding))?;
            let Some(block) = self.header()? else { return Ok(None) };
            self.begin(number(&block[124..136]).ok_or_else(|| broken("a size in the tar is no number"))?);
            match block[156] {
                b'L' => name = Some(self.text()?),
                b'x' => self.extended(&mut name, &mut size)?,
                b'g' | b'K' => {}
                0 | b'0' | b'7' | b'S' => {
                    self.begin(size.unwrap_or(self.left));
                    if block[156] == b'S' && block[482] != 0 {
                        self.skip_map()?;
                    }
                    return Ok(Some(name.unwrap_or_else(|| own_name(&block))));
                }
                // Links, directories and devices hold nothing, and what is not known is skipped.
                _ => (name, size) = (None, None),
            }
        }
    }

    fn header(&mut self) -> io::Result<Option<[u8; BLOCK]>> {
        let mut block = [0; BLOCK];
        self.begin(0);
        match fill(&mut self.reader, &mut block)? {
            0 => Ok(None),
            BLOCK if block.iter().all(|byte| *byte == 0) => Ok(None),
            BLOCK if is_header(&block) => Ok(Some(block)),
            BLOCK => Err(broken("a header of the tar has a wrong sum")),
            _ => Err(broken("the tar ends within a header")),
        }
    }

    /// A member of so many bytes comes.
    fn begin(&mut self, bytes: u64) {
        (self.left, self.padding) = (bytes, bytes.wrapping_neg() % BLOCK as u64);
    }

    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let skipped = io::copy(&mut (&mut self.reader).take(bytes), &mut io::sink())?;
        match skipped == bytes {
            true => Ok(()),
            false => Err(broken("the tar ends within a member")),
        }
    }

    /// What the member holds, as far as a name may go, without the zero behind it.
    fn text(&mut self) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        (&mut *self).take(NAME_MOST).read_to_end(&mut text)?;
        text.truncate(text.iter().position(|byte| *byte == 0).unwrap_or(text.len()));
        Ok(text)
    }

    /// Lines of `length key=value`.
    fn extended(&mut self, name: &mut Option<Vec<u8>>, size: &mut Option<u64>) -> io::Result<()> {
        let mut text = Vec::new();
        (&mut *self).take(NAME_MOST).read_to_end(&mut text)?;
        let mut rest = &text[..];
        while let Some(space) = rest.iter().position(|byte| *byte == b' ') {
            let len = std::str::from_utf8(&rest[..space]).ok().and_then(|digits| digits.parse().ok());
            let Some(line) = len.and_then(|len: usize| rest.get(space + 1..len)) else { break };
            rest = &rest[space + 1 + line.len()..];
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            if let Some(path) = line.strip_prefix(b"path=") {
                *name = Some(path.to_vec());
            } else if let Some(digits) = line.strip_prefix(b"size=") {
                *size = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
            }
        }
        Ok(())
    }

    /// Blocks that say more of where the parts of a sparse file belong.
    fn skip_map(&mut self) -> io::Result<()> {
        let mut block = [0; BLOCK];
        loop {
            if fill(&mut self.reader, &mut block)? < BLOCK {
                return Err(broken("the tar ends within a map"));
            }
            if block[504] == 0 {
                return Ok(());
            }
        }
    }
}

impl<R: Read> Read for Tar<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        // A decoder may take a read of nothing for the end.
        if most == 0 {
            return Ok(0);
        }
        let bytes = self.reader.read(&mut buffer[..most])?;
        if bytes == 0 {
            return Err(broken("the tar ends within a member"));
        }
        self.left -= bytes as u64;
        Ok(bytes)
    }
}

/// A number: octal digits, or, with the first bit set, the bytes themselves.
fn number(field: &[u8]) -> Option<u64> {
    if let Some(([0x80, front @ ..], number)) = field.split_last_chunk() {
        return front.iter().all(|byte| *byte == 0).then(|| u64::from_be_bytes(*number));
    }
    let digits = field.trim_ascii_start();
    let end = digits.iter().position(|byte| matches!(byte, 0 | b' ')).unwrap_or(digits.len());
    if end == 0 {
        return Some(0);
    }
    u64::from_str_radix(std::str::from_utf8(&digits[..end]).ok()?, 8).ok()
}

/// The name in the header; of ustar with what stands before it.
fn own_name(block: &[u8]) -> Vec<u8> {
    let field = |from: usize, to: usize| {
        let field = &block[from..to];
        &field[..field.iter().position(|byte| *byte == 0).unwrap_or(field.len())]
    };
    let (prefix, name) = (field(345, 500), field(0, 100));
    match block[257..263] == *b"ustar\0" && !prefix.is_empty() {
        true => [prefix, b"/", name].concat(),
        false => name.to_vec(),
    }
}

//! Bytes of a file, a block at a time, in one buffer that is used again.

use super::{FRAME_BYTES_MAX, Fault};
use std::io::{ErrorKind, Read};

const READ_BYTES: usize = 256 * 1024;

/// A reader with a buffer of which the unused part is `start..end`.
#[derive(Debug)]
pub(super) struct Source<R> {
    reader: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset in the file of the next unused byte.
    pub(super) at: u64,
}

impl<R: Read> Source<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, buffer: vec![0; READ_BYTES], start: 0, end: 0, at: 0 }
    }

    /// Tries to have `count` bytes ready; gives how many there are (more are not told).
    pub(super) fn fill(&mut self, count: usize) -> Result<usize, Fault> {
        debug_assert!(count <= FRAME_BYTES_MAX, "lengths are checked before they are believed");
        if self.end - self.start < count {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            if self.buffer.len() < count {
                self.buffer.resize(count, 0);
            }
        }
        while self.end - self.start < count {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(0) => break,
                Ok(read) => self.end += read,
                Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
                Err(cause) => return Err(cause.into()),
            }
        }
        Ok((self.end - self.start).min(count))
    }

    /// The next `count` bytes, not used yet.
    pub(super) fn peek(&mut self, count: usize) -> Result<&[u8], Fault> {
        if self.fill(count)? < count {
            return Err(Fault::Cut(self.at));
        }
        Ok(&self.buffer[self.start..self.start + count])
    }

    /// The next `count` bytes.
    pub(super) fn take(&mut self, count: usize) -> Result<&[u8], Fault> {
        if self.fill(count)? < count {
            return Err(Fault::Cut(self.at));
        }
        let from = self.start;
        self.start += count;
        self.at += count as u64;
        Ok(&self.buffer[from..from + count])
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }
}

/// Byte order of a file or section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    pub(super) fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    pub(super) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }
}

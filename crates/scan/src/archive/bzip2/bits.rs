//! Bits, the highest of each byte first.

use std::io::{self, BufRead};

pub(super) struct Bits<R> {
    source: R,
    /// The lowest `count` bits are still to be taken.
    held: u64,
    count: u32,
}

impl<R: BufRead> Bits<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, held: 0, count: 0 }
    }

    /// The next `bits`, at most 32, which stay.
    pub(super) fn peek(&mut self, bits: u32) -> io::Result<u64> {
        while self.count < bits {
            let mut byte = [0];
            self.source.read_exact(&mut byte)?;
            self.held = self.held << 8 | u64::from(byte[0]);
            self.count += 8;
        }
        Ok(self.held >> (self.count - bits) & ((1 << bits) - 1))
    }

    /// The next `bits`, at most 32.
    pub(super) fn take(&mut self, bits: u32) -> io::Result<u64> {
        let taken = self.peek(bits)?;
        self.count -= bits;
        Ok(taken)
    }

    /// Drops bits that have been looked at.
    pub(super) fn drop(&mut self, bits: u32) {
        debug_assert!(bits <= self.count);
        self.count -= bits;
    }

    /// Drops what is left of a byte.
    pub(super) fn align(&mut self) {
        self.count -= self.count % 8;
    }

    /// Whether nothing is left.
    pub(super) fn is_at_end(&mut self) -> io::Result<bool> {
        Ok(self.count == 0 && self.source.fill_buf()?.is_empty())
    }
}

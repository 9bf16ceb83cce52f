//! bzip2: streams of blocks, one block in memory at a time (at most 3.6 MB), every sum checked.
//!
//! The format has no standard; source: the block layout that bzip2 1.0.8 writes, as Wikipedia's article and
//! "BZIP2: Format Specification" (J. Tsai, 2016) give it. Blocks with randomised order, which no bzip2 since 0.9.5 writes, are
//! refused.

mod bits;
mod block;
mod huffman;

use super::broken;
use bits::Bits;
use block::Block;
use std::io::{self, BufRead, Read};

/// Begins a block: pi.
const BLOCK: u64 = 0x3141_5926_5359;
/// Ends a stream: its square root.
const END: u64 = 0x1772_4538_5090;
/// A byte that comes so often in a row has a count behind it.
const RUN: u8 = 4;

/// What a stream was.
pub(super) struct Bzip2<R> {
    bits: Bits<R>,
    /// Bytes of a block at the most; 0 between streams.
    most: usize,
    block: Block,
    /// The sum of the sums of blocks.
    sums: u32,
    sum: u32,
    last: u8,
    run: u8,
    repeat: u8,
}

impl<R: BufRead> Bzip2<R> {
    pub(super) fn new(source: R) -> Self {
        let (bits, block) = (Bits::new(source), Block::default());
        Self { bits, most: 0, block, sums: 0, sum: !0, last: 0, run: 0, repeat: 0 }
    }

    /// Goes on to the next block; `false`: there is none.
    fn advance(&mut self) -> io::Result<bool> {
        loop {
            if self.most == 0 {
                if self.bits.is_at_end()? {
                    return Ok(false);
                }
                self.begin()?;
            }
            match self.bits.take(24)? << 24 | self.bits.take(24)? {
                BLOCK => {
                    self.block = Block::read(&mut self.bits, self.most)?;
                    (self.sum, self.run) = (!0, 0);
                    return Ok(true);
                }
                END if self.bits.take(32)? as u32 == self.sums => {
                    self.most = 0;
                    self.bits.align();
                }
                END => return Err(broken("the bzip2 has a wrong sum")),
                _ => return Err(broken("there is no block where the bzip2 should have one")),
            }
        }
    }

    fn begin(&mut self) -> io::Result<()> {
        let head = self.bits.take(32)? as u32;
        let level = head.wrapping_sub(u32::from_be_bytes(*b"BZh0"));
        if !(1..=9).contains(&level) {
            return Err(broken("something that is no bzip2 is behind the bzip2"));
        }
        (self.most, self.sums) = (level as usize * 100_000, 0);
        Ok(())
    }

    /// The block is at its end.
    fn check(&mut self) -> io::Result<()> {
        let sum = std::mem::take(&mut self.block).sum;
        self.sums = self.sums.rotate_left(1) ^ sum;
        if sum == !self.sum { Ok(()) } else { Err(broken("a block of the bzip2 has a wrong sum")) }
    }

    fn give(&mut self) -> u8 {
        self.sum = self.sum << 8 ^ TABLE[usize::from((self.sum >> 24) as u8 ^ self.last)];
        self.last
    }
}

impl<R: BufRead> Read for Bzip2<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            if self.repeat > 0 {
                self.repeat -= 1;
            } else if let Some(byte) = self.block.next() {
                if self.run == RUN {
                    (self.run, self.repeat) = (0, byte);
                    continue;
                }
                self.run = if byte == self.last { self.run + 1 } else { 1 };
                self.last = byte;
            } else if filled > 0 {
                // What went well is given before what may not.
                break;
            } else {
                if self.block.is_whole() {
                    self.check()?;
                }
                if !self.advance()? {
                    break;
                }
                continue;
            }
            buffer[filled] = self.give();
            filled += 1;
        }
        Ok(filled)
    }
}

/// CRC-32 with the highest bit first.
const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut sum, mut bit) = ((byte as u32) << 24, 0);
        while bit < 8 {
            sum = sum << 1 ^ if sum >> 31 == 1 { 0x04c1_1db7 } else { 0 };
            bit += 1;
        }
        table[byte] = sum;
        byte += 1;
    }
    table
};

//! Canonical Huffman codes of at most 20 bits.

use super::bits::Bits;
use crate::archive::broken;
use std::io::{self, BufRead};

const MOST: u32 = 20;

pub(super) struct Code {
    /// For each length: what is below this, in bits of the longest code, is of that length or shorter.
    below: [u32; MOST as usize + 1],
    /// For each length: what a code of that length is more than its place in `symbols`.
    shift: [u32; MOST as usize + 1],
    /// In the order of their codes.
    symbols: Vec<u16>,
}

impl Code {
    /// Reads the lengths of so many codes.
    pub(super) fn read<R: BufRead>(bits: &mut Bits<R>, count: usize) -> io::Result<Self> {
        let mut len = bits.take(5)? as u32;
        let mut lens = Vec::with_capacity(count);
        while lens.len() < count {
            if !(1..=MOST).contains(&len) {
                return Err(broken("a code of the bzip2 is too long"));
            }
            match bits.take(1)? {
                0 => lens.push(len),
                _ => len = if bits.take(1)? == 0 { len + 1 } else { len - 1 },
            }
        }
        Self::new(&lens)
    }

    fn new(lens: &[u32]) -> io::Result<Self> {
        let mut symbols: Vec<u16> = (0..lens.len() as u16).collect();
        symbols.sort_by_key(|symbol| lens[usize::from(*symbol)]);
        let (mut below, mut shift) = ([0; MOST as usize + 1], [0; MOST as usize + 1]);
        let (mut code, mut place) = (0u32, 0);
        for len in 1..=MOST {
            code <<= 1;
            shift[len as usize] = code.wrapping_sub(place);
            let count = lens.iter().filter(|own| **own == len).count() as u32;
            (code, place) = (code + count, place + count);
            if code > 1 << len {
                return Err(broken("codes of the bzip2 are no codes"));
            }
            below[len as usize] = code << (MOST - len);
        }
        Ok(Self { below, shift, symbols })
    }

    /// The next symbol.
    pub(super) fn next<R: BufRead>(&self, bits: &mut Bits<R>) -> io::Result<u16> {
        // Behind the last symbol of a stream come 80 bits more.
        let ahead = bits.peek(MOST)? as u32;
        let len = (1..=MOST).find(|len| ahead < self.below[*len as usize]);
        let len = len.ok_or_else(|| broken("a code of the bzip2 stands for nothing"))?;
        bits.drop(len);
        let place = (ahead >> (MOST - len)).wrapping_sub(self.shift[len as usize]);
        Ok(self.symbols[place as usize])
    }
}

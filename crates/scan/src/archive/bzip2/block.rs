//! A block: Huffman codes, then move-to-front, then the Burrows-Wheeler transform, each undone.

use super::bits::Bits;
use super::huffman::Code;
use crate::archive::broken;
use std::io::{self, BufRead};

/// Symbols that one code stands for, before the next selector.
const GROUP: usize = 50;
/// Symbols that stand for counts.
const RUN_A: u16 = 0;
const RUN_B: u16 = 1;

/// Bytes of a block, to be taken in order.
#[derive(Default)]
pub(super) struct Block {
    /// The sum that the block says its data has; runs are counted out there.
    pub(super) sum: u32,
    /// For each place of the sorted rotations: the byte, and above it the place of the next.
    places: Vec<u32>,
    at: u32,
    left: usize,
}

impl Block {
    /// Reads one of at most `most` bytes.
    pub(super) fn read<R: BufRead>(bits: &mut Bits<R>, most: usize) -> io::Result<Self> {
        let sum = bits.take(32)? as u32;
        if bits.take(1)? != 0 {
            return Err(broken("a block of the bzip2 is randomised, as no program does since 1999"));
        }
        let origin = bits.take(24)? as usize;
        let bytes = used(bits)?;
        let (codes, selectors) = codes(bits, bytes.len() + 2)?;
        let mut places = unmoved(bits, bytes, &codes, &selectors, most)?;
        if origin >= places.len() {
            return Err(broken("a block of the bzip2 begins behind its end"));
        }
        link(&mut places);
        let (at, left) = (places[origin] >> 8, places.len());
        Ok(Self { sum, places, at, left })
    }

    /// The next byte.
    pub(super) fn next(&mut self) -> Option<u8> {
        self.left = self.left.checked_sub(1)?;
        let place = self.places[self.at as usize];
        self.at = place >> 8;
        Some(place as u8)
    }

    /// Whether it has been read and taken to its end.
    pub(super) fn is_whole(&self) -> bool {
        self.left == 0 && !self.places.is_empty()
    }
}

/// The bytes that are in it at all.
fn used<R: BufRead>(bits: &mut Bits<R>) -> io::Result<Vec<u8>> {
    let (rows, mut bytes) = (bits.take(16)?, Vec::new());
    for row in 0..16u8 {
        if rows >> (15 - row) & 1 == 1 {
            let columns = bits.take(16)?;
            bytes.extend(
                (0..16).filter(|column| columns >> (15 - column) & 1 == 1).map(|column| row * 16 + column),
            );
        }
    }
    if bytes.is_empty() { Err(broken("a block of the bzip2 has no bytes")) } else { Ok(bytes) }
}

/// The codes, and which is used when.
fn codes<R: BufRead>(bits: &mut Bits<R>, symbols: usize) -> io::Result<(Vec<Code>, Vec<u8>)> {
    let (count, groups) = (bits.take(3)? as u8, bits.take(15)?);
    if !(2..=6).contains(&count) || groups == 0 {
        return Err(broken("a block of the bzip2 has no codes"));
    }
    let mut order: Vec<u8> = (0..count).collect();
    let mut selectors = Vec::with_capacity(groups as usize);
    for _ in 0..groups {
        let mut place = 0;
        while bits.take(1)? == 1 {
            place += 1;
            if place == order.len() {
                return Err(broken("a block of the bzip2 uses a code that it does not have"));
            }
        }
        order[..=place].rotate_right(1);
        selectors.push(order[0]);
    }
    let codes = (0..count).map(|_| Code::read(bits, symbols)).collect::<io::Result<_>>()?;
    Ok((codes, selectors))
}

/// Bytes, in the order of the sorted rotations.
fn unmoved<R: BufRead>(
    bits: &mut Bits<R>,
    mut order: Vec<u8>,
    codes: &[Code],
    selectors: &[u8],
    most: usize,
) -> io::Result<Vec<u32>> {
    let end = order.len() as u16 + 1;
    let (mut places, mut run, mut weight) = (Vec::new(), 0, 1);
    for selector in selectors {
        for _ in 0..GROUP {
            let symbol = codes[usize::from(*selector)].next(bits)?;
            if symbol <= RUN_B {
                // A number with the digits 1 and 2.
                run += weight << (symbol - RUN_A);
                weight <<= 1;
                if run > most {
                    return Err(broken("a block of the bzip2 is too large"));
                }
                continue;
            }
            places.resize(places.len() + run, u32::from(order[0]));
            (run, weight) = (0, 1);
            if symbol == end {
                return if places.len() <= most {
                    Ok(places)
                } else {
                    Err(broken("a block of the bzip2 is too large"))
                };
            }
            order[..usize::from(symbol)].rotate_right(1);
            places.push(u32::from(order[0]));
            if places.len() > most {
                return Err(broken("a block of the bzip2 is too large"));
            }
        }
    }
    Err(broken("a block of the bzip2 has no end"))
}

/// Puts above each byte the place that comes behind it.
fn link(places: &mut [u32]) {
    let mut starts = [0u32; 257];
    places.iter().for_each(|place| starts[(*place & 0xff) as usize + 1] += 1);
    (1..257).for_each(|byte| starts[byte] += starts[byte - 1]);
    for at in 0..places.len() {
        let byte = (places[at] & 0xff) as usize;
        places[starts[byte] as usize] |= (at as u32) << 8;
        starts[byte] += 1;
    }
}

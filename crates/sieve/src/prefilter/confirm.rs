//! Which literal it is, at a place where one may be.

use crate::simd::WINDOW;

/// Bits of a hash.
const HASH_BITS: u32 = 16;
/// Odd, so that hashing loses nothing before the shift; the golden ratio of 32 bits.
const MULTIPLIER: u32 = 0x9e37_79b1;
/// Makes letters lower-case, and other bytes something that they are taken for as well.
const FOLD: u32 = 0x2020_2020;

/// Literals by their grams.
#[derive(Clone, Debug)]
pub(super) struct Confirm {
    literals: Vec<Vec<u8>>,
    /// By hash of a gram: whether there is one. Small, so that it stays in the fastest cache.
    marks: Vec<u64>,
    /// By the first two bytes: whether a literal begins with them that has no gram.
    pairs: Vec<u64>,
    /// By hash of a gram: where in `entries` its own begin. One more, for the end of the last.
    starts: Vec<u32>,
    entries: Vec<Entry>,
    /// Literals that have no gram, by their first byte.
    short: Vec<Vec<u32>>,
}

/// A gram of a literal.
#[derive(Clone, Copy, Debug)]
struct Entry {
    literal: u32,
    /// Where the gram is in it.
    offset: u32,
}

impl Confirm {
    /// For lower-case literals, and where the gram of each begins.
    pub(super) fn new(literals: Vec<Vec<u8>>, offsets: &[usize]) -> Self {
        let mut hashed = Vec::new();
        let mut short = vec![Vec::new(); 256];
        let mut pairs = vec![0; 1024];
        for (number, (literal, &offset)) in literals.iter().zip(offsets).enumerate() {
            match literal[..] {
                [] => {}
                [_, _, _, _, ..] => hashed.push((
                    hash(&literal[offset..]),
                    Entry { literal: number as u32, offset: offset as u32 },
                )),
                [first, ..] => {
                    short[usize::from(first)].push(number as u32);
                    let seconds = literal.get(1).map_or(0..=255, |&second| second..=second);
                    seconds.for_each(|second| mark(&mut pairs, pair([first, second])));
                }
            }
        }
        hashed.sort_by_key(|(hash, _)| *hash);
        let mut marks = vec![0; 1024];
        let mut starts = vec![0; (1 << HASH_BITS) + 1];
        for (hash, _) in &hashed {
            mark(&mut marks, *hash);
            starts[hash + 1] += 1;
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let entries = hashed.into_iter().map(|(_, entry)| entry).collect();
        Self { marks, pairs, entries, starts, short, literals }
    }

    /// The literals, in lower case.
    pub(super) fn literals(&self) -> &[Vec<u8>] {
        &self.literals
    }

    /// Brings those of these places together in front at which [`Confirm::at`] may find something; how many there are. Without
    /// a branch for each: none could be foreseen.
    #[inline(always)]
    pub(super) fn keep_marked(&self, data: &[u8], places: &mut [u16]) -> usize {
        let mut kept = 0;
        for number in 0..places.len() {
            let place = places[number];
            let window = data.get(usize::from(place)..).and_then(|rest| rest.first_chunk());
            places[kept] = place;
            kept += usize::from(window.is_none_or(|window| self.is_marked(*window)));
        }
        kept
    }

    #[inline(always)]
    fn is_marked(&self, window: [u8; WINDOW]) -> bool {
        let [first, second, ..] = window;
        is_marked(&self.marks, hash(&window)) | is_marked(&self.pairs, pair([first, second]))
    }

    /// Calls `hit` with each literal whose gram is at `place`, and where it begins.
    pub(super) fn at(&self, data: &[u8], place: usize, hit: &mut dyn FnMut(usize, usize)) {
        let rest = &data[place..];
        if rest.len() >= WINDOW {
            let hash = hash(rest);
            for entry in &self.entries[self.starts[hash] as usize..self.starts[hash + 1] as usize] {
                let Some(start) = place.checked_sub(entry.offset as usize) else { continue };
                self.compare(data, entry.literal, start, hit);
            }
        }
        for number in &self.short[usize::from(rest[0].to_ascii_lowercase())] {
            self.compare(data, *number, place, hit);
        }
    }

    fn compare(&self, data: &[u8], number: u32, start: usize, hit: &mut dyn FnMut(usize, usize)) {
        let literal = &self.literals[number as usize];
        if data.get(start..start + literal.len()).is_some_and(|here| here.eq_ignore_ascii_case(literal)) {
            hit(number as usize, start);
        }
    }
}

/// Two bytes, whatever their case.
#[inline(always)]
fn pair(bytes: [u8; 2]) -> usize {
    usize::from(u16::from_le_bytes(bytes) | FOLD as u16)
}

fn mark(bits: &mut [u64], at: usize) {
    bits[at / 64] |= 1 << (at % 64);
}

#[inline(always)]
fn is_marked(bits: &[u64], at: usize) -> bool {
    bits[at / 64] >> (at % 64) & 1 == 1
}

/// Hash of the first four bytes.
#[inline(always)]
fn hash(bytes: &[u8]) -> usize {
    let word = bytes.first_chunk::<WINDOW>().map_or(0, |bytes| u32::from_le_bytes(*bytes)) | FOLD;
    (word.wrapping_mul(MULTIPLIER) >> (32 - HASH_BITS)) as usize
}

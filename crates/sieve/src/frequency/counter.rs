//! One byte, counted in the window that begins at a place.

use crate::simd::{BLOCK, Vector};

/// A threshold, and how often its byte is in one window.
#[derive(Clone, Debug)]
pub(super) struct Counter {
    byte: u8,
    need: usize,
    window: usize,
    /// Where the counted window begins.
    at: usize,
    count: usize,
    /// Whether `at` and `count` are of this data.
    known: bool,
    weight: f64,
}

impl Counter {
    pub(super) fn new(byte: u8, need: u32, window: usize) -> Counter {
        Counter { byte, need: need as usize, window, at: 0, count: 0, known: false, weight: 0.0 }
    }

    /// Forgets the data.
    pub(super) fn forget(&mut self) {
        self.known = false;
    }

    /// Looks at a sample of the data.
    #[inline(always)]
    pub(super) fn weigh<V: Vector>(&mut self, v: V, sample: &[&[u8]]) {
        let (mut bytes, mut found) = (0, 0);
        for part in sample {
            bytes += part.len();
            found += count(v, part, 0, part.len(), self.byte);
        }
        // Half a byte more, so that of two that are not in the sample the one that is needed more often is first.
        self.weight = (found as f64 + 0.5) / bytes as f64 * self.window as f64 / self.need as f64;
    }

    /// The share of what is needed that the sample let expect: the less, the more the threshold rejects.
    pub(super) fn weight(&self) -> f64 {
        self.weight
    }

    /// Counts in the window at `at`, from what is known or anew, whichever is less.
    #[inline(always)]
    pub(super) fn move_to<V: Vector>(&mut self, v: V, data: &[u8], at: usize) {
        let (from, window) = (self.at, self.window);
        if from == at && self.known {
            return;
        }
        if !self.known || from.abs_diff(at) > window / 2 {
            self.count = count(v, data, at, at + window, self.byte);
        } else if from < at {
            self.count += count(v, data, from + window, at + window, self.byte);
            self.count -= count(v, data, from, at, self.byte);
        } else {
            self.count += count(v, data, at, from, self.byte);
            self.count -= count(v, data, at + window, from + window, self.byte);
        }
        (self.at, self.known) = (at, true);
    }

    /// Whether the window at `at` has enough.
    #[inline(always)]
    pub(super) fn met<V: Vector>(&mut self, v: V, data: &[u8], at: usize) -> bool {
        self.move_to(v, data, at);
        self.count >= self.need
    }

    /// Which of the 64 windows from `at` on have enough; moves behind them.
    #[inline(always)]
    pub(super) fn block<V: Vector>(&mut self, v: V, data: &[u8], at: usize) -> u64 {
        self.move_to(v, data, at);
        self.step(v, data)
    }

    /// The first block of 64 windows from `at` on, up to one at `end` or later, in which some have enough.
    #[inline(always)]
    pub(super) fn find<V: Vector>(
        &mut self,
        v: V,
        data: &[u8],
        at: usize,
        end: usize,
    ) -> Option<(usize, u64)> {
        self.move_to(v, data, at);
        while self.at < end {
            let at = self.at;
            let mask = self.step(v, data);
            if mask != 0 {
                return Some((at, mask));
            }
        }
        None
    }

    #[inline(always)]
    fn step<V: Vector>(&mut self, v: V, data: &[u8]) -> u64 {
        let enter = equal(v, data, self.at + self.window, self.byte);
        let leave = equal(v, data, self.at, self.byte);
        let (count, need) = (self.count, self.need);
        let (most, gone) = (count + enter.count_ones() as usize, leave.count_ones() as usize);
        self.at += BLOCK;
        self.count = most - gone;
        if most < need {
            0
        } else if count >= need + gone {
            u64::MAX
        } else {
            // Between -64 and 64: less than need + gone, and no more than the bits of `enter` below need.
            v.reaches(enter, leave, (need as isize - count as isize) as i8)
        }
    }
}

/// How often the byte is in the data from `from` to `to`, as far as there is any.
#[inline(always)]
fn count<V: Vector>(v: V, data: &[u8], from: usize, to: usize, byte: u8) -> usize {
    let Some(range) = data.get(from..to.min(data.len())) else { return 0 };
    let (blocks, rest) = range.as_chunks::<BLOCK>();
    let mut sum = 0;
    for block in blocks {
        sum += v.equal(block, byte).count_ones() as usize;
    }
    if rest.is_empty() {
        return sum;
    }
    // Mostly there is more data behind, so that a whole block can be looked at for the few bytes.
    let mask = equal(v, data, from + blocks.len() * BLOCK, byte);
    sum + (mask & ((1 << rest.len()) - 1)).count_ones() as usize
}

/// Where the byte is in the 64 bytes from `at` on, as far as there are any.
#[inline(always)]
fn equal<V: Vector>(v: V, data: &[u8], at: usize, byte: u8) -> u64 {
    let rest = data.get(at..).unwrap_or_default();
    match rest.first_chunk::<BLOCK>() {
        Some(block) => v.equal(block, byte),
        None => partial(rest, byte),
    }
}

/// Where the byte is in less than a block.
#[cold]
#[inline(never)]
fn partial(rest: &[u8], byte: u8) -> u64 {
    rest.iter().rev().fold(0, |mask, &here| mask << 1 | u64::from(here == byte))
}

//! Grams in buckets, so that a few look-ups pass over most places.
//!
//! At each place of a window a bucket takes the bytes that any of its grams has there: "key_" and "hook" in one bucket let
//! "heyk" through as well. So grams that are alike go together. A literal may be looked for by any four bytes in a row of
//! it; one literal after the other, those four bytes and that bucket are taken that let least more through.

use super::common::Common;
use crate::simd::{BUCKETS, Columns, Form, WINDOW, code};
use kernscope_kit::compile::share;

/// Grams of a literal that are weighed: its rarest ones.
const CHOICE: usize = 8;

/// How much more a place costs where a gram is than one that the buckets let through for nothing.
const EXACT: f64 = 4.0;

/// Where the gram of each lower-case literal begins, 0 in those that are shorter than a window; and the tables for them.
pub(super) fn lay_out(literals: &[Vec<u8>], form: Form) -> (Vec<usize>, Columns) {
    let (weights, common) = (Weights::of_text(), Common::new());
    let mut buckets: [Bucket; BUCKETS] = std::array::from_fn(|_| Bucket::default());
    let (mut offsets, mut columns) = (vec![0; literals.len()], Columns::none());
    let mut order: Vec<usize> = (0..literals.len()).filter(|&number| !literals[number].is_empty()).collect();
    // Short ones first: they have least choice, and decide most about their bucket.
    order.sort_unstable_by_key(|&number| (literals[number].len(), &literals[number]));
    for number in order {
        let literal = &literals[number];
        let mut least: Option<(f64, usize, usize)> = None;
        for (offset, own) in choice(literal, &common) {
            let gram = gram(literal, offset);
            for (number, bucket) in buckets.iter_mut().enumerate() {
                let cost = own + bucket.passes_with(gram, form, &weights) - bucket.passes();
                if least.is_none_or(|(least, ..)| cost < least) {
                    least = Some((cost, offset, number));
                }
            }
        }
        let Some((_, offset, best)) = least else { continue };
        let gram = gram(literal, offset);
        buckets[best].add(gram, form, &weights);
        offsets[number] = offset;
        for (place, byte) in gram.into_iter().enumerate() {
            columns.take_any_case(place, best, byte);
        }
    }
    (offsets, columns)
}

/// The four bytes of a literal from `offset` on, as far as there are so many.
fn gram(literal: &[u8], offset: usize) -> [Option<u8>; WINDOW] {
    std::array::from_fn(|place| literal.get(offset + place).copied())
}

/// Where a literal's gram may begin, and what that costs: its share of text, weighed.
fn choice(literal: &[u8], common: &Common) -> Vec<(usize, f64)> {
    if literal.len() < WINDOW {
        return vec![(0, share(literal, true))];
    }
    let weigh = |gram| EXACT * share(gram, true).max(common.share(gram));
    let mut grams: Vec<_> = literal.windows(WINDOW).map(weigh).enumerate().collect();
    grams.sort_by(|a, b| a.1.total_cmp(&b.1));
    grams.truncate(CHOICE);
    grams
}

/// What a bucket takes at each place.
#[derive(Default)]
struct Bucket([Place; WINDOW]);

impl Bucket {
    /// Share of places that it lets through, if the bytes of text did not depend on each other.
    fn passes(&self) -> f64 {
        self.0.iter().map(|place| place.taken.share).product()
    }

    /// The same, were this gram in it.
    fn passes_with(&mut self, gram: [Option<u8>; WINDOW], form: Form, weights: &Weights) -> f64 {
        self.0.iter_mut().zip(gram).map(|(place, byte)| place.share_with(byte, form, weights)).product()
    }

    fn add(&mut self, gram: [Option<u8>; WINDOW], form: Form, weights: &Weights) {
        for (place, byte) in self.0.iter_mut().zip(gram) {
            *place = Place { taken: place.taken.with(byte, form, weights), shares: None };
        }
    }
}

/// One place of a bucket.
#[derive(Default)]
struct Place {
    taken: Taken,
    /// What its share would be with each byte, as far as that was asked for; far below zero where it was not.
    shares: Option<Box<[f64; 256]>>,
}

impl Place {
    fn share_with(&mut self, byte: Option<u8>, form: Form, weights: &Weights) -> f64 {
        let Some(at) = byte else { return 1.0 };
        let shares = self.shares.get_or_insert_with(|| Box::new([f64::NEG_INFINITY; 256]));
        let share = &mut shares[usize::from(at)];
        if *share < 0.0 {
            *share = self.taken.with(byte, form, weights).share;
        }
        *share
    }
}

/// What is taken at one place, as each form of the tables sees it.
#[derive(Clone, Copy, Default)]
struct Taken {
    /// A bit a code.
    codes: u64,
    /// A bit a lower half of a byte.
    low: u16,
    /// A bit an upper half.
    high: u16,
    /// Share of the bytes of text that the form in use takes.
    share: f64,
}

impl Taken {
    /// With a byte of any case, or with all where a gram has none.
    fn with(mut self, byte: Option<u8>, form: Form, weights: &Weights) -> Self {
        let Some(byte) = byte else {
            return Self { codes: u64::MAX, low: u16::MAX, high: u16::MAX, share: 1.0 };
        };
        self.add(byte, form, weights);
        self.add(byte.to_ascii_uppercase(), form, weights);
        self
    }

    fn add(&mut self, byte: u8, form: Form, weights: &Weights) {
        let (code, low, high) = (code(byte), byte & 0xf, byte >> 4);
        match form {
            Form::Codes if self.codes >> code & 1 == 0 => self.share += weights.codes[usize::from(code)],
            Form::Codes => {}
            Form::Halves => {
                if self.low >> low & 1 == 0 {
                    self.share += sum(self.high, |high| weights.halves[high][usize::from(low)]);
                }
                let lows = self.low | 1 << low;
                if self.high >> high & 1 == 0 {
                    self.share += sum(lows, |low| weights.halves[usize::from(high)][low]);
                }
            }
        }
        self.codes |= 1 << code;
        self.low |= 1 << low;
        self.high |= 1 << high;
    }
}

/// The sum over the bits that are set.
fn sum(mut bits: u16, weight: impl Fn(usize) -> f64) -> f64 {
    let mut sum = 0.0;
    while bits != 0 {
        sum += weight(bits.trailing_zeros() as usize);
        bits &= bits - 1;
    }
    sum
}

/// Shares of the bytes of text.
struct Weights {
    /// By code.
    codes: [f64; 64],
    /// By upper half, then by lower half.
    halves: [[f64; 16]; 16],
}

impl Weights {
    fn of_text() -> Self {
        let mut weights = Self { codes: [0.0; 64], halves: [[0.0; 16]; 16] };
        for byte in 0..=u8::MAX {
            let share = share(&[byte], false);
            weights.codes[usize::from(code(byte))] += share;
            weights.halves[usize::from(byte >> 4)][usize::from(byte & 0xf)] = share;
        }
        weights
    }
}

//! Grams in buckets, so that a few look-ups pass over most places.
//!
//! At each place of a window a bucket takes the bytes that any of its grams has there: "key_" and "hook" in one bucket let
//! "heyk" through as well. So grams that are alike go together, one by one, each to where it lets least more through.

use crate::simd::{BUCKETS, Columns, WINDOW, code};
use kernscope_kit::compile::share;

/// What a bucket takes at each place, a bit a code, and the share of text that has it there.
#[derive(Clone, Copy, Default)]
struct Bucket {
    codes: [u64; WINDOW],
    shares: [f64; WINDOW],
}

impl Bucket {
    fn passes(&self) -> f64 {
        self.shares.iter().product()
    }

    fn with(mut self, codes: &[u64; WINDOW], weights: &[f64; 64]) -> Self {
        for (place, new) in codes.iter().enumerate() {
            let mut new = new & !self.codes[place];
            self.codes[place] |= new;
            while new != 0 {
                self.shares[place] += weights[new.trailing_zeros() as usize];
                new &= new - 1;
            }
        }
        self
    }
}

/// The tables for lower-case grams, some of them shorter than a window.
pub(super) fn columns<'a>(grams: impl Iterator<Item = &'a [u8]>) -> Columns {
    let weights = weights();
    let mut grams: Vec<&[u8]> = grams.collect();
    // Short ones first: they decide most about their bucket.
    grams.sort_unstable_by_key(|gram| (gram.len(), *gram));
    grams.dedup();
    let mut buckets = [Bucket::default(); BUCKETS];
    let mut columns = Columns::none();
    for gram in grams {
        let codes: [u64; WINDOW] =
            std::array::from_fn(|place| gram.get(place).map_or(u64::MAX, |&byte| 1 << code(byte)));
        let more = |bucket: &Bucket| bucket.with(&codes, &weights).passes() - bucket.passes();
        let costs = buckets.iter().map(more).enumerate();
        let Some((best, _)) = costs.min_by(|a, b| a.1.total_cmp(&b.1)) else { continue };
        buckets[best] = buckets[best].with(&codes, &weights);
        for place in 0..WINDOW {
            match gram.get(place) {
                Some(byte) => [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()]
                    .into_iter()
                    .for_each(|byte| columns.take(place, best, byte)),
                None => (0..=255).for_each(|byte| columns.take(place, best, byte)),
            }
        }
    }
    columns
}

/// Share of text that has each code.
fn weights() -> [f64; 64] {
    let mut weights = [0.0; 64];
    (0..=255).for_each(|byte| weights[usize::from(code(byte))] += share(&[byte], false));
    weights
}

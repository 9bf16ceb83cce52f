//! Finds many literals at once, whatever the case of their letters, at the speed of memory where there are none.
//!
//! Of each literal, four bytes in a row are its gram. One pass over the data looks at 64 places together: could
//! a gram begin here? (`buckets` says how that is laid out for vector instructions.) Of the few places that are left, a
//! table of hashes says which gram it is, and the literal is compared as a whole. So what is told is exactly where
//! literals are, on every kind of CPU.
//!
//! ```
//! use kernscope_sieve::prefilter::Prefilter;
//!
//! let prefilter = Prefilter::new(["acme_key", "AKIA"]);
//! let mut found = Vec::new();
//! prefilter.find(b"x = AcmE_kEy; akia", &mut |literal, at| found.push((literal, at)));
//! assert_eq!(found, [(0, 4), (1, 14)]);
//! ```
//!
//! It is no filter for literals that are everywhere: each place is told, and to be told takes longer than to be passed.

mod buckets;
mod common;
mod confirm;
#[cfg(test)]
mod tests;

use crate::simd::{BLOCK, Columns, Level, Op, Vector, WINDOW};
use confirm::Confirm;
use std::ops::ControlFlow;

/// Literals, laid out to be found.
#[derive(Clone, Debug)]
pub struct Prefilter {
    columns: Box<Columns>,
    confirm: Confirm,
    level: Level,
}

impl Prefilter {
    /// For these literals. An empty one is nowhere.
    pub fn new<L: AsRef<[u8]>>(literals: impl IntoIterator<Item = L>) -> Self {
        let literals: Vec<Vec<u8>> =
            literals.into_iter().map(|literal| literal.as_ref().to_ascii_lowercase()).collect();
        Self::for_level(literals, Level::best())
    }

    fn for_level(literals: Vec<Vec<u8>>, level: Level) -> Self {
        let (offsets, columns) = buckets::lay_out(&literals, level.form());
        Self { columns: Box::new(columns), confirm: Confirm::new(literals, &offsets), level }
    }

    /// Uses other vector instructions: for tests and measurements.
    pub fn with_level(self, level: Level) -> Self {
        Self::for_level(self.confirm.literals().to_vec(), level)
    }

    /// Calls `hit` with the number of a literal and where it begins, for every place where one is: those of one block of 64
    /// bytes after those of the one before it.
    pub fn find(&self, data: &[u8], hit: &mut dyn FnMut(usize, usize)) {
        let sweep = Sweep {
            prefilter: self,
            data,
            at: &mut |place| {
                self.confirm.at(data, place, hit);
                ControlFlow::Continue(())
            },
        };
        let _ = self.level.run(sweep);
    }

    /// Whether none of the literals is in the data.
    pub fn rejects(&self, data: &[u8]) -> bool {
        let sweep = Sweep {
            prefilter: self,
            data,
            at: &mut |place| {
                let mut any = ControlFlow::Continue(());
                self.confirm.at(data, place, &mut |_, _| any = ControlFlow::Break(()));
                any
            },
        };
        self.level.run(sweep).is_continue()
    }
}

/// Blocks that are looked at before any place in them is looked at closer.
const BATCH: usize = 32;
/// Places that are written down together, whether there are so many or not: cheaper than to foresee how many there are.
const TOGETHER: usize = 4;

/// Calls `at` with places at which a gram may be, until it breaks off.
struct Sweep<'a> {
    prefilter: &'a Prefilter,
    data: &'a [u8],
    at: &'a mut dyn FnMut(usize) -> ControlFlow<()>,
}

impl Op for Sweep<'_> {
    type Output = ControlFlow<()>;

    #[inline(always)]
    fn run<V: Vector>(self, vector: V) -> ControlFlow<()> {
        let mut places = [0; BATCH * BLOCK + TOGETHER];
        let mut base = 0;
        loop {
            let data = &self.data[base..];
            let (mut count, mut end) = (0, 0);
            while end < BATCH * BLOCK
                && let Some(block) = data[end..].first_chunk::<{ BLOCK + WINDOW }>()
            {
                let mask = vector.windows(&self.prefilter.columns, block);
                count += note(&mut places[count..], mask, end);
                end += BLOCK;
            }
            if end == 0 {
                // The last few places are each looked at.
                return (base..self.data.len()).try_for_each(self.at);
            }
            let marked = self.prefilter.confirm.keep_marked(data, &mut places[..count]);
            places[..marked].iter().try_for_each(|&place| (self.at)(base + usize::from(place)))?;
            base += end;
        }
    }
}

/// Writes down the places of a block that begins at `base`; how many there are.
#[inline(always)]
fn note(places: &mut [u16], mut mask: u64, base: usize) -> usize {
    let count = mask.count_ones() as usize;
    for group in places.chunks_exact_mut(TOGETHER).take(count.div_ceil(TOGETHER)) {
        for place in group {
            *place = (base as u32 + mask.trailing_zeros()) as u16;
            mask &= mask.wrapping_sub(1);
        }
    }
    count
}

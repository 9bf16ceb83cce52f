//! Finds windows that meet all thresholds, in one slice.

use super::Filter;
use super::counter::Counter;
use crate::Level;
use crate::simd::{BLOCK, Op, Vector};

/// Windows from one sample of the data to the next.
const STRETCH: usize = 1 << 20;
/// Parts of a sample.
const SAMPLES: usize = 32;
/// Windows that a run may cover before it is told, so that what comes of it can be limited.
const RUN: usize = 1 << 20;
/// Bytes of a window from which on it pays to look a whole one ahead inside a region.
const LEAP: usize = 512;

/// Where windows begin that meet all thresholds, each at most a window after the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// The first one's first byte.
    pub(super) first: usize,
    /// The last one's first byte.
    pub(super) last: usize,
}

/// The search, forwards through one slice.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    counters: Vec<Counter>,
    window: usize,
    level: Level,
    /// Windows from `block` on that meet all thresholds and were not told yet, a bit each.
    mask: u64,
    block: usize,
    /// The first window that was not looked at.
    next: usize,
    /// Where the thresholds' order is looked at again.
    sample_at: usize,
}

impl Scan {
    /// For windows of `window` bytes, the filter's or, if fewer, those of all data.
    pub(super) fn new(filter: &Filter, window: usize) -> Scan {
        let counters = filter.counts.iter().map(|&(byte, need)| Counter::new(byte, need, window)).collect();
        Scan { counters, window, level: filter.level, mask: 0, block: 0, next: 0, sample_at: 0 }
    }

    /// Forgets the data, for other data.
    pub(super) fn reset(&mut self) {
        self.counters.iter_mut().for_each(Counter::forget);
        (self.mask, self.next, self.sample_at) = (0, 0, 0);
    }

    /// The next run of windows. The data must be what it was at the last call.
    pub(super) fn next(&mut self, data: &[u8]) -> Option<Run> {
        let last = data.len().checked_sub(self.window)?;
        if self.counters.is_empty() {
            let first = std::mem::replace(&mut self.next, last + 1);
            return (first <= last).then_some(Run { first, last });
        }
        self.level.run(Next { scan: self, data, last })
    }

    #[inline(always)]
    fn run<V: Vector>(&mut self, v: V, data: &[u8], last: usize) -> Option<Run> {
        if self.mask == 0 {
            self.find(v, data, last)?;
        }
        let first = self.block + self.mask.trailing_zeros() as usize;
        let (mut good, mut refused) = (first, 0);
        loop {
            good = self.take(good);
            let reach = last.min(good + self.window);
            if self.mask != 0 || self.next > reach || good - first >= RUN {
                return Some(Run { first, last: good });
            }
            if self.window >= LEAP && self.next > refused {
                // What lies between two windows that touch need not be known.
                if self.met(v, data, reach) {
                    (good, self.next) = (reach, reach + 1);
                    continue;
                }
                refused = reach;
            }
            self.look(v, data, last);
        }
    }

    /// Takes windows out of the mask that begin at most a window after the one at `good`; the last of them.
    #[inline(always)]
    fn take(&mut self, mut good: usize) -> usize {
        if self.window >= BLOCK && self.mask != 0 {
            // Of 64 windows all are near each other.
            if self.block + self.mask.trailing_zeros() as usize <= good + self.window {
                good = self.block + self.mask.ilog2() as usize;
                self.mask = 0;
            }
            return good;
        }
        while self.mask != 0 {
            let start = self.mask.trailing_zeros();
            let from = self.block + start as usize;
            if from > good + self.window {
                break;
            }
            // A row of windows, one at each byte.
            good = from + (self.mask >> start).trailing_ones() as usize - 1;
            self.mask &= self.mask.wrapping_add(1 << start);
        }
        good
    }

    /// Looks at the next 64 windows.
    #[inline(always)]
    fn look<V: Vector>(&mut self, v: V, data: &[u8], last: usize) {
        let mut mask = up_to(self.next, last);
        for counter in &mut self.counters {
            mask &= counter.block(v, data, self.next);
            if mask == 0 {
                break;
            }
        }
        (self.mask, self.block) = (mask, self.next);
        self.next += BLOCK;
    }

    /// Goes on until some of 64 windows meet all.
    #[inline(always)]
    fn find<V: Vector>(&mut self, v: V, data: &[u8], last: usize) -> Option<()> {
        while self.next <= last {
            if self.next >= self.sample_at {
                self.sample(v, data);
            }
            let end = self.sample_at.min(last + 1);
            let (lead, others) = self.counters.split_first_mut()?;
            let Some((at, mut mask)) = lead.find(v, data, self.next, end) else {
                self.next = end;
                continue;
            };
            for other in others {
                if mask == 0 {
                    break;
                }
                mask &= other.block(v, data, at);
            }
            (self.mask, self.block, self.next) = (mask & up_to(at, last), at, at + BLOCK);
            if self.mask != 0 {
                return Some(());
            }
        }
        None
    }

    /// Whether this window meets all.
    #[inline(always)]
    fn met<V: Vector>(&mut self, v: V, data: &[u8], at: usize) -> bool {
        for counter in &mut self.counters {
            if !counter.met(v, data, at) {
                return false;
            }
        }
        true
    }

    /// Puts the threshold first that the next stretch meets least.
    #[inline(always)]
    fn sample<V: Vector>(&mut self, v: V, data: &[u8]) {
        self.sample_at = self.next.saturating_add(STRETCH);
        let stretch = &data[self.next..data.len().min(self.sample_at)];
        if self.counters.len() < 2 || stretch.len() < SAMPLES * BLOCK {
            return;
        }
        let part = |place: usize| &stretch[stretch.len() / SAMPLES * place..][..BLOCK];
        let sample: [&[u8]; SAMPLES] = std::array::from_fn(part);
        for counter in &mut self.counters {
            counter.weigh(v, &sample);
        }
        self.counters.sort_by(|a, b| a.weight().total_cmp(&b.weight()));
    }
}

/// The bits of the windows from `at` on that begin at `last` or before.
#[inline(always)]
fn up_to(at: usize, last: usize) -> u64 {
    match last - at {
        64.. => u64::MAX,
        more => u64::MAX >> (63 - more.min(63)),
    }
}

struct Next<'s, 'd> {
    scan: &'s mut Scan,
    data: &'d [u8],
    last: usize,
}

impl Op for Next<'_, '_> {
    type Output = Option<Run>;

    #[inline(always)]
    fn run<V: Vector>(self, vector: V) -> Option<Run> {
        self.scan.run(vector, self.data, self.last)
    }
}

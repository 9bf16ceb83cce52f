//! Finds windows that meet all thresholds, in one slice.

use super::Filter;
use super::counter::Counter;
use crate::Level;
use crate::simd::{BLOCK, Op, Vector};

/// Windows from one sample of the data to the next.
const STRETCH: usize = 1 << 20;
/// Parts of a sample.
const SAMPLES: usize = 16;
/// Windows that a run may cover before it is told, so that what comes of it can be limited.
const RUN: usize = 1 << 20;

/// Where windows begin that meet all thresholds, each at most a window after the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// The first one's first byte.
    pub(super) first: usize,
    /// The last one's first byte.
    pub(super) last: usize,
    /// Where to go on.
    pub(super) next: usize,
}

/// The search. Knows counts at some place of the data that it was last asked about.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    counters: Vec<Counter>,
    window: usize,
    level: Level,
    /// Where the thresholds' order is looked at again.
    sample_at: usize,
}

impl Scan {
    /// For windows of `window` bytes, the filter's or, if fewer, those of all data.
    pub(super) fn new(filter: &Filter, window: usize) -> Scan {
        let counters = filter.counts.iter().map(|&(byte, need)| Counter::new(byte, need, window)).collect();
        Scan { counters, window, level: filter.level, sample_at: 0 }
    }

    /// Forgets the data, for other data.
    pub(super) fn reset(&mut self) {
        self.counters.iter_mut().for_each(Counter::forget);
        self.sample_at = 0;
    }

    /// The next run of windows, of those that begin at `from` or later.
    pub(super) fn next(&mut self, data: &[u8], from: usize) -> Option<Run> {
        let last = data.len().checked_sub(self.window)?;
        if from > last {
            return None;
        }
        if self.counters.is_empty() {
            return Some(Run { first: from, last, next: last + 1 });
        }
        self.level.run(Next { scan: self, data, from, last })
    }

    #[inline(always)]
    fn run<V: Vector>(&mut self, v: V, data: &[u8], from: usize, last: usize) -> Option<Run> {
        let first = self.first(v, data, from, last)?;
        let (mut good, mut known) = (first, first);
        while known < last && good - first < RUN {
            let next = last.min(good + self.window);
            if self.met(v, data, next) {
                good = next;
            } else if let Some(found) = self.last(v, data, known + 1, next) {
                good = found;
            } else {
                known = next;
                break;
            }
            known = next;
        }
        Some(Run { first, last: good, next: known + 1 })
    }

    /// The first window that meets all, of those from `from` to `last`.
    #[inline(always)]
    fn first<V: Vector>(&mut self, v: V, data: &[u8], mut from: usize, last: usize) -> Option<usize> {
        loop {
            if from >= self.sample_at {
                self.sample(v, data, from);
            }
            let end = self.sample_at.min(last + 1);
            let [lead, others @ ..] = self.counters.as_mut_slice() else { return Some(from) };
            while let Some((at, mut mask)) = lead.find(v, data, from, end) {
                for other in others.iter_mut() {
                    if mask == 0 {
                        break;
                    }
                    mask &= other.block(v, data, at);
                }
                mask &= up_to(at, last);
                if mask != 0 {
                    return Some(at + mask.trailing_zeros() as usize);
                }
                from = at + BLOCK;
                if from >= end {
                    break;
                }
            }
            from = from.max(end);
            if from > last {
                return None;
            }
        }
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

    /// The last window that meets all, of those from `from` to `last`.
    #[inline(always)]
    fn last<V: Vector>(&mut self, v: V, data: &[u8], from: usize, last: usize) -> Option<usize> {
        let mut found = None;
        for at in (from..=last).step_by(BLOCK) {
            let mut mask = up_to(at, last);
            for counter in &mut self.counters {
                mask &= counter.block(v, data, at);
                if mask == 0 {
                    break;
                }
            }
            if mask != 0 {
                found = Some(at + mask.ilog2() as usize);
            }
        }
        found
    }

    /// Puts the threshold first that the next stretch meets least.
    #[inline(always)]
    fn sample<V: Vector>(&mut self, v: V, data: &[u8], from: usize) {
        self.sample_at = from.saturating_add(STRETCH);
        let stretch = &data[from..data.len().min(self.sample_at)];
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
    from: usize,
    last: usize,
}

impl Op for Next<'_, '_> {
    type Output = Option<Run>;

    #[inline(always)]
    fn run<V: Vector>(self, vector: V) -> Option<Run> {
        self.scan.run(vector, self.data, self.from, self.last)
    }
}

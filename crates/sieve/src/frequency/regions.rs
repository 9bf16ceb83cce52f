//! The regions of a slice.

use super::Filter;
use super::limits::{Gate, LimitError, Piece, Tally};
use super::merge::Merge;
use super::scan::Scan;
use std::ops::Range;

/// The regions of a slice, found as they are asked for; see [`Filter::regions`].
#[derive(Clone, Debug)]
pub struct Regions<'d> {
    data: &'d [u8],
    scan: Scan,
    merge: Merge,
    window: usize,
}

impl<'d> Regions<'d> {
    pub(super) fn new(filter: &Filter, data: &'d [u8], most: Option<u64>) -> Regions<'d> {
        let window = data.len().min(filter.window as usize);
        Regions { data, scan: Scan::new(filter, window), merge: Merge::new(window as u32, most), window }
    }

    fn piece(&mut self) -> Option<Piece> {
        loop {
            if let Some(piece) = self.merge.cut() {
                return Some(piece);
            }
            let Some(run) = self.scan.next(self.data) else { return self.merge.end() };
            if let Some(piece) = self.merge.add(run.first as u64, (run.last + self.window) as u64) {
                return Some(piece);
            }
        }
    }
}

impl Iterator for Regions<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        self.piece().map(|Piece { range, .. }| range.start as usize..range.end as usize)
    }
}

impl std::iter::FusedIterator for Regions<'_> {}

/// The regions of a slice, within limits; see [`Filter::limited`]. Ends after an error.
#[derive(Clone, Debug)]
pub struct Limited<'d> {
    regions: Regions<'d>,
    gate: Gate,
    failed: bool,
}

impl<'d> Limited<'d> {
    pub(super) fn new(filter: &Filter, data: &'d [u8]) -> Limited<'d> {
        let regions = Regions::new(filter, data, filter.limits.region_bytes);
        Limited { regions, gate: Gate::new(filter.limits), failed: false }
    }

    /// What became of the regions so far.
    pub fn tally(&self) -> Tally {
        self.gate.tally()
    }
}

impl Iterator for Limited<'_> {
    type Item = Result<Range<usize>, LimitError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.failed {
            let admitted = self.gate.admit(self.regions.piece()?);
            self.failed = admitted.is_err();
            match admitted {
                Ok(None) => {}
                Ok(Some(range)) => return Some(Ok(range.start as usize..range.end as usize)),
                Err(error) => return Some(Err(error)),
            }
        }
        None
    }
}

impl std::iter::FusedIterator for Limited<'_> {}

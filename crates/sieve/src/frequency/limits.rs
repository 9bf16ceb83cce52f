//! How much is told, and what becomes of more.

use std::ops::Range;

/// Bounds on regions. Without any, there are as many as there are, as large as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of one region; at least two windows.
    pub region_bytes: Option<u64>,
    /// Most regions.
    pub regions: Option<u64>,
    /// What happens beyond.
    pub exceed: Exceed,
}

/// What happens beyond a limit. Nothing is ever left out without a word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Exceed {
    /// It is an error, and the end.
    #[default]
    Fail,
    /// It is counted, see [`Tally`]: a region that is too large is handed out in pieces, which overlap by a window less a
    /// byte, so that each window is whole in one of them; regions beyond the most are not handed out.
    Count,
}

/// What became of the regions so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Regions handed out.
    pub regions: u64,
    /// Their bytes; those in two pieces of one region are counted twice.
    pub bytes: u64,
    /// Pieces that are not the last of their region.
    pub cut: u64,
    /// Regions that were found but, beyond the limit, not handed out.
    pub withheld: u64,
    /// Their bytes.
    pub withheld_bytes: u64,
}

/// A limit was reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// A region is too large.
    #[error(
        "find regions: the one at byte {start} is larger than {most} bytes; raise region_bytes, or let it be cut by exceed = count"
    )]
    Region {
        /// Where it begins.
        start: u64,
        /// Most bytes allowed.
        most: u64,
    },
    /// There are too many regions.
    #[error(
        "find regions: there are more than {most}, the next at byte {start}; raise regions, ask for more bytes, or let them be counted by exceed = count"
    )]
    Regions {
        /// Where the first one too many begins.
        start: u64,
        /// Most regions allowed.
        most: u64,
    },
}

/// A region, or the front part of one that goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) range: Range<u64>,
    /// Whether the region goes on.
    pub(super) cut: bool,
}

/// Holds pieces to limits.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    limits: Limits,
    tally: Tally,
}

impl Gate {
    pub(super) fn new(limits: Limits) -> Gate {
        Gate { limits, tally: Tally::default() }
    }

    pub(super) fn tally(&self) -> Tally {
        self.tally
    }

    /// The range to hand out, nothing if it is only counted.
    pub(super) fn admit(&mut self, piece: Piece) -> Result<Option<Range<u64>>, LimitError> {
        let Piece { range, cut } = piece;
        let fail = self.limits.exceed == Exceed::Fail;
        if let Some(most) = self.limits.region_bytes.filter(|_| cut && fail) {
            return Err(LimitError::Region { start: range.start, most });
        }
        let bytes = range.end - range.start;
        match self.limits.regions.filter(|&most| self.tally.regions >= most) {
            Some(most) if fail => Err(LimitError::Regions { start: range.start, most }),
            Some(_) => {
                self.tally.withheld += 1;
                self.tally.withheld_bytes += bytes;
                Ok(None)
            }
            None => {
                self.tally.regions += 1;
                self.tally.bytes += bytes;
                self.tally.cut += u64::from(cut);
                Ok(Some(range))
            }
        }
    }
}

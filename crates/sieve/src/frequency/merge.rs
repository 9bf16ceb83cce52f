//! Windows that overlap or touch become one region.

use super::limits::Piece;

/// Takes runs of windows in order, gives regions.
#[derive(Clone, Debug)]
pub(super) struct Merge {
    window: u64,
    most: Option<u64>,
    open: Option<(u64, u64)>,
}

impl Merge {
    /// Regions above `most` bytes, at least two windows, are cut.
    pub(super) fn new(window: u32, most: Option<u64>) -> Merge {
        Merge { window: u64::from(window), most, open: None }
    }

    /// Adds windows that cover the bytes from `start` to `end`. If they are not of the open region, that one is done
    /// and given back.
    pub(super) fn add(&mut self, start: u64, end: u64) -> Option<Piece> {
        match &mut self.open {
            Some(open) if start <= open.1 => {
                open.1 = open.1.max(end);
                None
            }
            open => open.replace((start, end)).map(|(start, end)| Piece { range: start..end, cut: false }),
        }
    }

    /// A piece of the open region, if that is larger than allowed.
    pub(super) fn cut(&mut self) -> Option<Piece> {
        let most = self.most?;
        let (start, _) = self.open.as_mut().filter(|(start, end)| *end - *start > most)?;
        let piece = *start..*start + most;
        *start = piece.end + 1 - self.window;
        Some(Piece { range: piece, cut: true })
    }

    /// The open region, if no window that begins at `next` or later belongs to it.
    pub(super) fn close(&mut self, next: u64) -> Option<Piece> {
        let (start, end) = self.open.take_if(|(_, end)| *end < next)?;
        Some(Piece { range: start..end, cut: false })
    }

    /// The open region: there are no more windows.
    pub(super) fn end(&mut self) -> Option<Piece> {
        let (start, end) = self.open.take()?;
        Some(Piece { range: start..end, cut: false })
    }
}

//! Where an offset is: line and column.

use std::ops::Range;

/// Finds lines of ascending offsets in one pass.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    data: &'a [u8],
    /// Offset of `data` in the whole.
    base: u64,
    at: usize,
    line: u64,
    line_start: u64,
}

impl<'a> Lines<'a> {
    /// Of a piece that begins `base` bytes into the whole, in line `line`, which begins at `line_start` of the whole.
    pub(super) fn behind(data: &'a [u8], base: u64, line: u64, line_start: u64) -> Self {
        Self { data, base, at: 0, line, line_start }
    }

    /// Line and column of `offset` in the piece, both counted from 1, the column in bytes. Offsets must not descend.
    pub(super) fn place(&mut self, offset: usize) -> (u64, u64) {
        let (line, start) = self.last(offset);
        (line, self.base + self.at as u64 - start + 1)
    }

    /// The line that `offset` is in, and where in the whole it begins.
    pub(super) fn last(&mut self, offset: usize) -> (u64, u64) {
        let offset = offset.clamp(self.at, self.data.len());
        for newline in memchr::memchr_iter(b'\n', &self.data[self.at..offset]) {
            self.line += 1;
            self.line_start = self.base + (self.at + newline + 1) as u64;
        }
        self.at = offset;
        (self.line, self.line_start)
    }
}

/// The lines that `span` is on, without the last line's end; at most `most` bytes before and behind it.
pub(crate) fn around(data: &[u8], span: &Range<usize>, most: usize) -> Range<usize> {
    let floor = span.start.saturating_sub(most);
    let ceiling = data.len().min(span.end.saturating_add(most));
    let start = memchr::memrchr(b'\n', &data[floor..span.start]).map_or(floor, |at| floor + at + 1);
    let end = memchr::memchr(b'\n', &data[span.end..ceiling]).map_or(ceiling, |at| span.end + at);
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_from_one() {
        let mut lines = Lines::behind(b"ab\ncd\n\nx", 0, 1, 0);
        let places: Vec<_> = [0, 1, 3, 4, 6, 7, 8].map(|at| lines.place(at)).to_vec();
        assert_eq!(places, [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (4, 1), (4, 2)]);
        let mut lines = Lines::behind(b"ab\ncd", 100, 7, 98);
        assert_eq!([lines.place(1), lines.place(4)], [(7, 4), (8, 2)]);
    }

    #[test]
    fn a_match_of_several_lines_has_all_of_them() {
        let data = b"one\ntwo\nthree\nfour";
        assert_eq!(around(data, &(5..9), 100), 4..13);
        assert_eq!(around(data, &(0..0), 100), 0..3);
        assert_eq!(around(data, &(15..18), 1), 14..18);
    }
}

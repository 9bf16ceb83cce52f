//! The search over data that comes in parts: what is common to readers of all kinds.
//!
//! The last bytes of a window less one are kept and looked at again together with what comes next, so that every
//! window is whole once. A part is looked at when a window's length of new data is there, or the data ends.

use super::Filter;
use super::limits::{Gate, LimitError, Piece, Tally};
use super::merge::Merge;
use super::scan::Scan;
use std::ops::Range;

/// Least bytes that are asked of a reader at once.
const READ_BYTES: usize = 128 << 10;

/// What to do next.
#[derive(Debug)]
pub(super) enum Step {
    /// Hand this out.
    Region(Range<u64>),
    /// Stop, and say why.
    Failed(LimitError),
    /// Put data into [`Feed::space`], and tell it by [`Feed::filled`].
    More,
    /// There is nothing left.
    Done,
}

#[derive(Debug)]
pub(super) struct Feed {
    filter: Filter,
    scan: Scan,
    merge: Merge,
    gate: Gate,
    /// Bytes of a window: fewer than asked for if there are no more in all.
    window: usize,
    buffer: Vec<u8>,
    /// Bytes of the buffer that are data, and where the first of them is in all data.
    filled: usize,
    offset: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// So many bytes are wanted before they are looked at.
    Filling(usize),
    Searching,
    /// There will be no more data.
    Ending,
    Done,
}

impl Feed {
    pub(super) fn new(filter: &Filter) -> Feed {
        let window = filter.window as usize;
        Feed {
            scan: Scan::new(filter, window),
            merge: Merge::new(filter.window, filter.limits.region_bytes),
            gate: Gate::new(filter.limits),
            window,
            buffer: vec![0; window + window.max(READ_BYTES)],
            filled: 0,
            offset: 0,
            state: State::Filling(window),
            filter: filter.clone(),
        }
    }

    pub(super) fn tally(&self) -> Tally {
        self.gate.tally()
    }

    /// Bytes that were given so far.
    pub(super) fn given(&self) -> u64 {
        self.offset + self.filled as u64
    }

    /// Room for data; never empty when more is asked for.
    pub(super) fn space(&mut self) -> &mut [u8] {
        &mut self.buffer[self.filled..]
    }

    /// So many bytes of the space are data now; none is the end of all data.
    pub(super) fn filled(&mut self, bytes: usize) {
        if bytes == 0 {
            return self.end();
        }
        self.filled = self.buffer.len().min(self.filled + bytes);
        if let State::Filling(wanted) = &mut self.state {
            *wanted = wanted.saturating_sub(bytes);
            if *wanted == 0 {
                self.state = State::Searching;
            }
        }
    }

    fn end(&mut self) {
        if self.given() < self.window as u64 {
            // All there is is one window.
            self.window = self.filled;
            self.scan = Scan::new(&self.filter, self.window);
        }
        self.state = State::Ending;
    }

    /// The reader failed: what was found stands, and there will be no more.
    pub(super) fn break_off(&mut self) {
        self.state = State::Ending;
    }

    pub(super) fn step(&mut self) -> Step {
        loop {
            let piece = match (self.merge.cut(), self.state) {
                (Some(piece), _) => Some(piece),
                (None, State::Filling(_)) => return Step::More,
                (None, State::Done) => return Step::Done,
                (None, State::Searching | State::Ending) => self.search(),
            };
            match piece.map(|piece| self.gate.admit(piece)) {
                None | Some(Ok(None)) => {}
                Some(Ok(Some(range))) => return Step::Region(range),
                Some(Err(error)) => {
                    self.state = State::Done;
                    self.merge.end();
                    return Step::Failed(error);
                }
            }
        }
    }

    /// Goes on with what is in the buffer.
    fn search(&mut self) -> Option<Piece> {
        if let Some(run) = self.scan.next(&self.buffer[..self.filled]) {
            let (start, end) =
                (self.offset + run.first as u64, self.offset + (run.last + self.window) as u64);
            return self.merge.add(start, end);
        }
        if self.state == State::Ending {
            self.state = State::Done;
            return self.merge.end();
        }
        let known = self.filled + 1 - self.window;
        self.buffer.copy_within(known..self.filled, 0);
        self.offset += known as u64;
        self.filled -= known;
        self.scan.reset();
        self.state = State::Filling(self.window);
        self.merge.close(self.offset)
    }
}

//! The regions of what a reader gives.

use super::Filter;
use super::feed::{Feed, Step};
use super::limits::{LimitError, Tally};
use std::io::{self, ErrorKind, Read};
use std::ops::Range;

/// Why there are no more regions of a reader.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The reader failed. Regions up to there were told.
    #[error("read data to filter: at byte {offset}: {source}")]
    Io {
        /// Bytes that were read before.
        offset: u64,
        /// What the reader said.
        source: io::Error,
    },
    /// A limit was reached.
    #[error(transparent)]
    Limit(#[from] LimitError),
}

/// The regions of what a reader gives, as byte ranges from where it stood; see [`Filter::read`]. Ends after an error.
#[derive(Debug)]
pub struct Regions<R> {
    reader: R,
    feed: Feed,
    broken: Option<ReadError>,
}

impl<R: Read> Regions<R> {
    pub(super) fn new(filter: &Filter, reader: R) -> Regions<R> {
        Regions { reader, feed: Feed::new(filter), broken: None }
    }

    /// What became of the regions so far.
    pub fn tally(&self) -> Tally {
        self.feed.tally()
    }

    /// Bytes that were read so far.
    pub fn bytes_read(&self) -> u64 {
        self.feed.given()
    }

    fn fill(&mut self) {
        match self.reader.read(self.feed.space()) {
            Ok(bytes) => self.feed.filled(bytes),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(source) => {
                self.broken = Some(ReadError::Io { offset: self.feed.given(), source });
                self.feed.break_off();
            }
        }
    }
}

impl<R: Read> Iterator for Regions<R> {
    type Item = Result<Range<u64>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.feed.step() {
                Step::Region(range) => return Some(Ok(range)),
                Step::Failed(error) => return Some(Err(error.into())),
                Step::Done => return self.broken.take().map(Err),
                Step::More => self.fill(),
            }
        }
    }
}

impl<R: Read> std::iter::FusedIterator for Regions<R> {}

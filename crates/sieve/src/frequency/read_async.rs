//! The regions of what a reader of tokio's gives.

use super::feed::{Feed, Step};
use super::{Filter, ReadError, Tally};
use std::future::poll_fn;
use std::ops::Range;
use std::pin::Pin;
use tokio::io::{AsyncRead, ReadBuf};

/// The regions of what a reader of tokio's gives; see [`Filter::read_async`]. Ends after an error.
#[derive(Debug)]
pub struct Regions<R> {
    reader: R,
    feed: Feed,
    broken: Option<ReadError>,
}

impl<R: AsyncRead + Unpin> Regions<R> {
    pub(super) fn new(filter: &Filter, reader: R) -> Regions<R> {
        Regions { reader, feed: Feed::new(filter), broken: None }
    }

    /// The next region, as a byte range from where the reader stood; `None` at the end.
    ///
    /// # Errors
    /// What the reader says, and limits; there is nothing more then.
    ///
    /// # Cancel safety
    /// Nothing is lost if the future is dropped: what was read is kept for the next call.
    pub async fn next(&mut self) -> Result<Option<Range<u64>>, ReadError> {
        loop {
            match self.feed.step() {
                Step::Region(range) => return Ok(Some(range)),
                Step::Failed(error) => return Err(error.into()),
                Step::Done => return self.broken.take().map_or(Ok(None), Err),
                Step::More => self.fill().await,
            }
        }
    }

    /// What became of the regions so far.
    pub fn tally(&self) -> Tally {
        self.feed.tally()
    }

    /// Bytes that were read so far.
    pub fn bytes_read(&self) -> u64 {
        self.feed.given()
    }

    async fn fill(&mut self) {
        let Regions { reader, feed, broken } = self;
        poll_fn(|context| {
            let mut space = ReadBuf::new(feed.space());
            let read = std::task::ready!(Pin::new(&mut *reader).poll_read(context, &mut space));
            let bytes = space.filled().len();
            match read {
                Ok(()) => feed.filled(bytes),
                Err(source) => {
                    *broken = Some(ReadError::Io { offset: feed.given(), source });
                    feed.break_off();
                }
            }
            std::task::Poll::Ready(())
        })
        .await;
    }
}

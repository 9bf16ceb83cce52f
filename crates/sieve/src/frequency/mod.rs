//! Byte counts in a sliding window: where enough of certain bytes come together.
//!
//! A [`Filter`] says how often which bytes must occur within how many bytes. It gives the regions of some data that
//! hold every window which meets all of that, and nothing else: exact, not a guess. What is outside need not be shown
//! to a matcher that needs those bytes. It is the userspace side of
//! [`Content::Thresholds`](kernscope_kit::compile::Content::Thresholds) and has its answers: data shorter than a window
//! is one window.
//!
//! ```
//! use kernscope_sieve::frequency::Filter;
//!
//! // A line of dotted numbers: three dots in fifteen bytes.
//! let filter = Filter::builder().at_least(b'.', 3).at_least(b'1', 1).window(15).build()?;
//! let log = b"accepted connection from 192.0.2.17, closed";
//! let region = filter.regions(log).next();
//! assert_eq!(region, Some(18..43));
//! # Ok::<(), kernscope_sieve::frequency::FilterError>(())
//! ```
//!
//! Data comes as a slice or a memory map ([`Filter::regions`]), from a reader ([`Filter::read`]) or from a reader of
//! tokio's (`Filter::read_async`, feature `tokio`). Regions that overlap or touch are one. What comes from a reader is
//! the same however the reader cuts it, in memory of two windows and a buffer.
//!
//! # How
//! 64 bytes give a mask of where a byte is. The windows that begin in these 64 bytes hold what the one before them
//! holds, plus what the mask 64 bytes further on says has entered, less what has left: two counts of bits tell in most
//! cases that none of the 64 meets the threshold, or all do, and else their running difference tells which. The
//! threshold that the data meets least, by a sample of it, is looked at first; others only where it is met. Inside a
//! region one window is looked at for each window's length, since what lies between is in the region anyway.

mod builder;
mod counter;
mod error;
mod feed;
mod file;
mod filter;
mod limits;
mod merge;
mod read;
#[cfg(feature = "tokio")]
mod read_async;
mod regions;
mod scan;

pub use builder::Builder;
pub use error::FilterError;
pub use filter::Filter;
pub use limits::{Exceed, LimitError, Limits, Tally};
pub use read::{ReadError, Regions as ReadRegions};
#[cfg(feature = "tokio")]
pub use read_async::Regions as AsyncRegions;
pub use regions::{Limited, Regions};

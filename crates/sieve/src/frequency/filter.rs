//! The filter itself: thresholds and a window.

use super::{Builder, FilterError, Limited, Limits, ReadRegions, Regions, file};
use crate::Level;
use kernscope_kit::compile::{Content, parse_thresholds};
use std::io::Read;
use std::str::FromStr;

/// How often which bytes must occur in a window of how many bytes. See [the module](super).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Each byte once, each with a count above 0.
    pub(super) counts: Vec<(u8, u32)>,
    pub(super) window: u32,
    pub(super) limits: Limits,
    pub(super) level: Level,
}

impl Filter {
    /// Begins one from code.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Reads one from TOML:
    ///
    /// ```
    /// let filter = kernscope_sieve::frequency::Filter::from_toml(r#"
    ///     window = 64              # bytes
    ///     [[threshold]]
    ///     byte = "="               # one ASCII character, or a number from 0 to 255
    ///     min = 3
    ///     [[threshold]]
    ///     byte = 0
    ///     min = 1
    ///     [limits]                 # optional, see Limits
    ///     region_bytes = 1048576
    ///     regions = 10000
    ///     exceed = "count"         # or "fail", the default
    /// "#)?;
    /// assert_eq!(filter.thresholds(), [(0, 1), (b'=', 3)]);
    /// # Ok::<(), kernscope_sieve::frequency::FilterError>(())
    /// ```
    ///
    /// # Errors
    /// What is not TOML or not a filter, with its line; a filter that the builder would refuse.
    pub fn from_toml(text: &str) -> Result<Filter, FilterError> {
        file::read(text)
    }

    /// Takes the thresholds of a condition as they are: also those that everything meets, or nothing.
    ///
    /// # Errors
    /// Another condition, or a window of no bytes.
    pub fn from_content(content: &Content) -> Result<Filter, FilterError> {
        match content {
            Content::Thresholds { window: 0, .. } => Err(FilterError::NoWindow),
            Content::Thresholds { counts, window } => {
                Ok(Filter::new(counts.iter().copied(), *window, Limits::default()))
            }
            _ => Err(FilterError::NotThresholds),
        }
    }

    pub(super) fn new(counts: impl Iterator<Item = (u8, u32)>, window: u32, limits: Limits) -> Filter {
        let mut counts: Vec<_> = counts.filter(|&(_, min)| min > 0).collect();
        // Of a byte that is named twice the larger count comes first, and stays.
        counts.sort_unstable_by_key(|&(byte, min)| (byte, std::cmp::Reverse(min)));
        counts.dedup_by_key(|&mut (byte, _)| byte);
        Filter { counts, window, limits, level: Level::best() }
    }

    /// With other vector instructions than the best ones. For tests and measurements: the answers are the same.
    #[must_use]
    pub fn with_level(mut self, level: Level) -> Filter {
        self.level = level;
        self
    }

    /// Bytes and how often each must occur, by byte.
    pub fn thresholds(&self) -> &[(u8, u32)] {
        &self.counts
    }

    /// Bytes of a window.
    pub fn window(&self) -> u32 {
        self.window
    }

    /// What [`Filter::limited`] and the readers hold to.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The same thresholds, as the condition that becomes a kernel program.
    pub fn content(&self) -> Content {
        Content::Thresholds { counts: self.counts.clone(), window: self.window }
    }

    /// Whether some window of the data meets all thresholds.
    ///
    /// Stops at the first.
    pub fn is_match(&self, data: impl AsRef<[u8]>) -> bool {
        self.regions(&data).next().is_some()
    }

    /// The regions of the data that hold every window which meets all thresholds, found one at a time, as byte ranges.
    /// No two overlap or touch. A memory map is data too. Limits do not apply: no result is larger than the data.
    ///
    /// If there is nothing to count and no data, the empty region is the one window there is.
    pub fn regions<'d, D: AsRef<[u8]> + ?Sized>(&self, data: &'d D) -> Regions<'d> {
        Regions::new(self, data.as_ref(), None)
    }

    /// As [`Filter::regions`], within the limits.
    pub fn limited<'d, D: AsRef<[u8]> + ?Sized>(&self, data: &'d D) -> Limited<'d> {
        Limited::new(self, data.as_ref())
    }

    /// The regions of what a reader gives, within the limits, as they are found. Offsets count from where it stands.
    ///
    /// Memory: two windows, and a buffer of 128 KiB or a window.
    pub fn read<R: Read>(&self, reader: R) -> ReadRegions<R> {
        ReadRegions::new(self, reader)
    }

    /// The regions of what a reader of tokio's gives, as [`Filter::read`].
    #[cfg(feature = "tokio")]
    pub fn read_async<R: tokio::io::AsyncRead + Unpin>(&self, reader: R) -> super::AsyncRegions<R> {
        super::AsyncRegions::new(self, reader)
    }
}

/// The text form of `kernscope filter --bytes`: `a>=3,b>=1;window=64`.
impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Filter, FilterError> {
        let content =
            parse_thresholds(text).map_err(|error| FilterError::Text { cause: error.to_string() })?;
        let Content::Thresholds { counts, window } = content else { return Err(FilterError::NotThresholds) };
        let builder = Filter::builder().window(window);
        counts.into_iter().fold(builder, |builder, (byte, min)| builder.at_least(byte, min)).build()
    }
}

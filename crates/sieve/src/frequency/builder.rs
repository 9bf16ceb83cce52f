//! A filter from code.

use super::{Filter, FilterError, Limits};
use crate::Level;

/// Gathers what a filter is made of; see [`Filter::builder`].
#[derive(Clone, Debug, Default)]
pub struct Builder {
    counts: Vec<(u8, u32)>,
    window: u32,
    limits: Limits,
    level: Option<Level>,
}

impl Builder {
    /// Asks for `min` of this byte. Of a byte that is named twice the larger count holds.
    #[must_use]
    pub fn at_least(mut self, byte: u8, min: u32) -> Builder {
        self.counts.push((byte, min));
        self
    }

    /// Within so many bytes; must be said.
    #[must_use]
    pub fn window(mut self, bytes: u32) -> Builder {
        self.window = bytes;
        self
    }

    /// Holds regions to limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Builder {
        self.limits = limits;
        self
    }

    /// Uses other vector instructions than the best ones; see [`Filter::with_level`].
    #[must_use]
    pub fn level(mut self, level: Level) -> Builder {
        self.level = Some(level);
        self
    }

    /// Makes the filter.
    ///
    /// # Errors
    /// No thresholds, no window, a count of 0, more bytes asked for than a window has, a limit that is too small.
    pub fn build(self) -> Result<Filter, FilterError> {
        if self.counts.is_empty() {
            return Err(FilterError::NoThresholds);
        }
        if self.window == 0 {
            return Err(FilterError::NoWindow);
        }
        if let Some(&(byte, _)) = self.counts.iter().find(|&&(_, min)| min == 0) {
            return Err(FilterError::NoCount { byte });
        }
        let filter = Filter::new(self.counts.into_iter(), self.window, self.limits);
        let needed = filter.counts.iter().map(|&(_, min)| u64::from(min)).sum();
        if needed > u64::from(filter.window) {
            return Err(FilterError::Impossible { needed, window: filter.window });
        }
        if let Some(region_bytes) = self.limits.region_bytes.filter(|&most| most / 2 < u64::from(self.window))
        {
            return Err(FilterError::SmallRegions { region_bytes, window: filter.window });
        }
        Ok(match self.level {
            Some(level) => filter.with_level(level),
            None => filter,
        })
    }
}

//! Why a filter is not made.

/// What is wrong with a filter, and what to do about it, in one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// Every window would meet it.
    #[error("make byte-frequency filter: it has no thresholds, so nothing would be put aside; add one")]
    NoThresholds,
    /// Every window would meet it.
    #[error(
        "make byte-frequency filter: at least 0 of byte {byte:#04x} is met by anything; ask for 1 or more, or leave it out"
    )]
    NoCount {
        /// The byte.
        byte: u8,
    },
    /// There is no window to count in.
    #[error("make byte-frequency filter: a window of 0 bytes holds nothing; give a window of 1 byte or more")]
    NoWindow,
    /// No window can meet it.
    #[error(
        "make byte-frequency filter: {needed} bytes are asked for in a window of {window}; ask for fewer, or widen the window"
    )]
    Impossible {
        /// Sum of the counts of all bytes.
        needed: u64,
        /// Bytes of the window.
        window: u32,
    },
    /// A region of this size could not hold two windows.
    #[error(
        "make byte-frequency filter: regions of at most {region_bytes} bytes cannot hold two windows of {window}; allow {} or more", 2 * u64::from(*.window)
    )]
    SmallRegions {
        /// Most bytes of a region.
        region_bytes: u64,
        /// Bytes of the window.
        window: u32,
    },
    /// A condition of another kind.
    #[error("make byte-frequency filter: the condition is not one on byte counts; use Content::Thresholds")]
    NotThresholds,
    /// A text that is no filter.
    #[error("read byte-frequency filter: {cause}")]
    Text {
        /// What is wrong, and where.
        cause: String,
    },
}

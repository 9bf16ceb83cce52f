//! A set of byte values.

use std::fmt;

/// Which of the 256 bytes are meant.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ByteSet([u64; 4]);

impl ByteSet {
    /// No byte.
    pub const EMPTY: ByteSet = ByteSet([0; 4]);
    /// Every byte.
    pub const FULL: ByteSet = ByteSet([u64::MAX; 4]);

    /// Adds a byte.
    pub const fn insert(&mut self, byte: u8) {
        self.0[byte as usize / 64] |= 1 << (byte % 64);
    }

    /// With the bytes from `first` to `last`, both included, added.
    #[must_use]
    pub const fn with(mut self, first: u8, last: u8) -> ByteSet {
        let mut byte = first as u16;
        while byte <= last as u16 {
            self.insert(byte as u8);
            byte += 1;
        }
        self
    }

    /// Whether the byte is in it.
    pub const fn contains(&self, byte: u8) -> bool {
        self.0[byte as usize / 64] >> (byte % 64) & 1 == 1
    }

    /// Whether every byte of `other` is in it.
    pub fn covers(&self, other: &ByteSet) -> bool {
        self.0.iter().zip(other.0).all(|(ours, theirs)| ours & theirs == theirs)
    }

    /// What is in either.
    #[must_use]
    pub fn union(&self, other: &ByteSet) -> ByteSet {
        ByteSet(std::array::from_fn(|word| self.0[word] | other.0[word]))
    }

    /// Bytes in it.
    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether no byte is in it.
    pub fn is_empty(&self) -> bool {
        *self == Self::EMPTY
    }

    /// The bytes, lowest first.
    pub fn iter(&self) -> impl Iterator<Item = u8> + '_ {
        (0..=255).filter(|&byte| self.contains(byte))
    }
}

impl FromIterator<u8> for ByteSet {
    fn from_iter<I: IntoIterator<Item = u8>>(bytes: I) -> Self {
        let mut set = Self::EMPTY;
        bytes.into_iter().for_each(|byte| set.insert(byte));
        set
    }
}

impl fmt::Debug for ByteSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]", self.iter().collect::<Vec<_>>().escape_ascii())
    }
}

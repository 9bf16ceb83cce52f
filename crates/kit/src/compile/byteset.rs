//! A set of byte values.

use std::fmt;

/// In each word of a set, the bytes with the bit set by which cases of letters differ.
const FOLDED: u64 = 0xffff_ffff_0000_0000;

/// Which of the 256 bytes are meant.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

    /// This byte; with `fold`, of a letter both cases.
    pub(super) fn of(byte: u8, fold: bool) -> ByteSet {
        let mut set = ByteSet::EMPTY;
        set.insert(byte);
        if fold {
            set.insert(byte.to_ascii_lowercase());
            set.insert(byte.to_ascii_uppercase());
        }
        set
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

    /// Whether a letter is in it both ways.
    pub(super) fn has_both_cases(&self) -> bool {
        (b'a'..=b'z').any(|lower| self.contains(lower) && self.contains(lower.to_ascii_uppercase()))
    }

    /// With both cases of each letter.
    pub(super) fn in_both_cases(&self) -> ByteSet {
        self.iter().fold(ByteSet::EMPTY, |all, byte| all.union(&ByteSet::of(byte, true)))
    }

    /// Bytes in it, a letter in both cases counted once.
    pub(super) fn caseless_len(&self) -> usize {
        let twice = |lower: &u8| self.contains(*lower) && self.contains(lower.to_ascii_uppercase());
        self.len() - (b'a'..=b'z').filter(twice).count()
    }

    /// Its bytes with the bit set by which cases of letters differ.
    pub(super) fn folded(&self) -> ByteSet {
        ByteSet(self.0.map(|word| word & FOLDED | word << 32))
    }

    /// All bytes that fold to one of this set's, which are folded.
    pub(super) fn unfolded(&self) -> ByteSet {
        ByteSet(self.0.map(|word| word | (word & FOLDED) >> 32))
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
        self.0.iter().zip([0u8, 64, 128, 192]).flat_map(|(&word, first)| {
            let lowest = |word: &u64| (*word != 0).then(|| word & (word - 1));
            let words = std::iter::successors(Some(word), lowest).take_while(|&word| word != 0);
            words.map(move |word| first + word.trailing_zeros() as u8)
        })
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

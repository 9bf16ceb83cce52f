//! How many different names, exact until there are too many to remember.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

/// Names that are told apart; with more, the count is a lower bound.
pub const CAPACITY: usize = 65_536;

/// Counts different names by their hashes.
#[derive(Debug, Default)]
pub struct Distinct {
    hashes: HashSet<u64>,
    hasher: RandomState,
    overflowed: bool,
}

impl Distinct {
    /// Takes a name.
    pub fn insert(&mut self, name: &str) {
        let hash = self.hasher.hash_one(name);
        if self.hashes.len() < CAPACITY {
            self.hashes.insert(hash);
        } else if !self.hashes.contains(&hash) {
            self.overflowed = true;
        }
    }

    /// Different names, at least.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether there were none.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Whether [`Distinct::len`] is the number and not a lower bound.
    pub fn is_exact(&self) -> bool {
        !self.overflowed
    }
}

impl std::fmt::Display for Distinct {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bound = if self.overflowed { "at least " } else { "" };
        write!(f, "{bound}{}", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_counts_once_and_the_bound_is_told() {
        let mut distinct = Distinct::default();
        distinct.insert("a");
        distinct.insert("a");
        assert_eq!((distinct.to_string().as_str(), distinct.is_exact()), ("1", true));
        for n in 0..CAPACITY + 10 {
            distinct.insert(&n.to_string());
        }
        assert_eq!(distinct.to_string(), format!("at least {CAPACITY}"));
    }
}

//! The heaviest of many names, in bounded memory.
//!
//! Up to [`CAPACITY`] names are kept with their values. When one more comes, the lighter half goes. What was
//! let go and comes back starts from zero, so after that the values of light names are lower bounds; the
//! heavy ones, which a ranking shows, have been there all along unless they grew very late.

use std::collections::HashMap;

/// Names that are kept.
pub const CAPACITY: usize = 1024;

/// A value that can be ranked.
pub trait Weight {
    /// The larger, the earlier in the ranking.
    fn weight(&self) -> u64;
}

/// Keeps the heaviest names.
#[derive(Debug)]
pub struct Top<V> {
    values: HashMap<String, V>,
    let_go: u64,
}

impl<V> Default for Top<V> {
    fn default() -> Self {
        Self { values: HashMap::new(), let_go: 0 }
    }
}

impl<V: Weight + Default> Top<V> {
    /// Changes the value of `name`, which starts at its default.
    pub fn update(&mut self, name: &str, change: impl FnOnce(&mut V)) {
        if let Some(value) = self.values.get_mut(name) {
            change(value);
            return;
        }
        if self.values.len() >= CAPACITY {
            self.let_light_half_go();
        }
        change(self.values.entry(name.to_owned()).or_default());
    }

    fn let_light_half_go(&mut self) {
        let mut all: Vec<_> = self.values.drain().collect();
        let keep = CAPACITY / 2;
        all.select_nth_unstable_by_key(keep, |(_, value)| std::cmp::Reverse(value.weight()));
        self.let_go += (all.len() - keep) as u64;
        all.truncate(keep);
        self.values.extend(all);
    }

    /// The heaviest `n`, heaviest first; equals by name.
    pub fn ranked(&self, n: usize) -> Vec<(&str, &V)> {
        let mut all: Vec<_> = self.values.iter().map(|(name, value)| (name.as_str(), value)).collect();
        all.sort_by(|(a, x), (b, y)| y.weight().cmp(&x.weight()).then(a.cmp(b)));
        all.truncate(n);
        all
    }

    /// Names that are kept.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Times that a name was let go for want of room.
    pub fn let_go(&self) -> u64 {
        self.let_go
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::Count;

    #[test]
    fn heavy_names_outlive_a_flood_of_light_ones() {
        let mut top = Top::<Count>::default();
        top.update("heavy", |count| count.0 += 1000);
        top.update("second", |count| count.0 += 999);
        for n in 0..10 * CAPACITY {
            top.update(&n.to_string(), |count| count.0 += 1);
        }
        assert!(top.len() <= CAPACITY);
        assert!(top.let_go() > 0);
        let ranked = top.ranked(2);
        assert_eq!((ranked[0].0, ranked[0].1.0, ranked[1].0), ("heavy", 1000, "second"));
    }
}

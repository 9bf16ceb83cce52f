//! A map of bounded size that forgets what was not put into it for the longest time, a half at a time.

use std::collections::HashMap;
use std::hash::Hash;

/// What was put in lately: at least the last `half` different keys, at most twice as many.
#[derive(Clone, Debug)]
pub(super) struct Recent<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    half: usize,
}

impl<K: Eq + Hash, V> Recent<K, V> {
    pub(super) fn new(half: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), half: half.max(1) }
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        match self.young.get_mut(key) {
            Some(value) => Some(value),
            None => self.old.get_mut(key),
        }
    }

    pub(super) fn contains(&self, key: &K) -> bool {
        self.get(key).is_some()
    }

    pub(super) fn put(&mut self, key: K, value: V) {
        if self.young.len() >= self.half && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    /// The value of a key, put in anew with what `make` gives where there is none.
    pub(super) fn entry(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V
    where
        K: Clone,
    {
        if !self.young.contains_key(&key) {
            let value = self.old.remove(&key).unwrap_or_else(make);
            self.put(key.clone(), value);
        }
        self.young.entry(key).or_insert_with(|| unreachable!("it was put in"))
    }
}

/// The last few different ones that were met: frames of a talk come from the same two over and over.
#[derive(Clone, Debug)]
pub(super) struct Lately<T> {
    met: [Option<T>; 8],
    next: usize,
}

impl<T: PartialEq + Copy> Lately<T> {
    pub(super) fn new() -> Self {
        Self { met: [None; 8], next: 0 }
    }

    /// Meets one; whether it was met lately.
    pub(super) fn meet(&mut self, one: T) -> bool {
        if self.met.contains(&Some(one)) {
            return true;
        }
        self.met[self.next] = Some(one);
        self.next = (self.next + 1) % self.met.len();
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_eight_are_met_again() {
        let mut lately = Lately::new();
        assert!((0..8).all(|n| !lately.meet(n)) && (0..8).all(|n| lately.meet(n)));
        assert!(!lately.meet(8) && !lately.meet(0) && lately.meet(7));
    }

    #[test]
    fn what_is_new_stays_and_size_is_bounded() {
        let mut recent = Recent::new(10);
        for n in 0..1000 {
            recent.put(n, n);
            *recent.entry(7, || 0) += 1;
        }
        assert!((990..1000).all(|n| recent.contains(&n)) && !recent.contains(&8));
        assert!(recent.get(&7).is_some_and(|count| *count > 900), "what is used stays");
        assert!(recent.young.len() + recent.old.len() <= 20);
    }
}

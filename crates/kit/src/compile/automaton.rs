//! Deterministic automata: what patterns become when bytes are walked one by one.

use super::byteset::ByteSet;
use std::collections::VecDeque;

/// A state that does not exist, while an automaton is made.
const NONE: u32 = u32::MAX;

/// A complete automaton over classes of bytes. State 0 is where it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dfa {
    /// Class of each byte.
    pub(super) classes: [u8; 256],
    /// How many classes there are.
    pub(super) class_count: usize,
    /// Next state, by state and class.
    pub(super) next: Vec<u32>,
    /// Whether the end of the input, met in this state, makes a match.
    pub(super) at_end: Vec<bool>,
    /// What is accepted on entering the state: a set of up to 32 patterns.
    pub(super) accepts: Vec<u32>,
}

impl Dfa {
    /// States.
    pub fn len(&self) -> usize {
        self.accepts.len()
    }

    /// Whether there are no states; never so for one that was made here.
    pub fn is_empty(&self) -> bool {
        self.accepts.is_empty()
    }

    /// Everything accepted anywhere in `data`.
    pub fn accepted(&self, data: &[u8]) -> u32 {
        let mut state = 0;
        let mut accepted = self.accepts[0];
        for &byte in data {
            state =
                self.next[state * self.class_count + usize::from(self.classes[usize::from(byte)])] as usize;
            accepted |= self.accepts[state];
        }
        accepted | u32::from(self.at_end[state])
    }

    /// The automaton that knows at each byte which literals end there (Aho and Corasick, 1975). Each literal comes
    /// with the set of patterns it stands for. With `fold`, the case of ASCII letters does not matter.
    pub fn literals<'a>(list: impl IntoIterator<Item = (&'a [u8], u32)>, fold: bool) -> Dfa {
        let list: Vec<(&[u8], u32)> = list.into_iter().collect();
        let (classes, class_count) =
            classes_of(list.iter().flat_map(|(bytes, _)| bytes.iter().copied()), fold);
        let most = 1 + list.iter().map(|(bytes, _)| bytes.len()).sum::<usize>();
        let mut dfa = Dfa {
            classes,
            class_count,
            next: Vec::with_capacity(most * class_count),
            at_end: vec![false],
            accepts: vec![0],
        };
        dfa.next.resize(class_count, NONE);
        for (bytes, pattern) in list {
            dfa.add(bytes, pattern);
        }
        dfa.connect();
        dfa
    }

    /// Puts a literal into the trie.
    fn add(&mut self, bytes: &[u8], pattern: u32) {
        let mut state = 0;
        for &byte in bytes {
            let edge = state * self.class_count + usize::from(self.classes[usize::from(byte)]);
            if self.next[edge] == NONE {
                self.next[edge] = self.accepts.len() as u32;
                self.next.resize(self.next.len() + self.class_count, NONE);
                self.accepts.push(0);
                self.at_end.push(false);
            }
            state = self.next[edge] as usize;
        }
        self.accepts[state] |= pattern;
    }

    /// Makes the trie complete: where it has no edge, go where the longest suffix goes that is in it.
    fn connect(&mut self) {
        let mut suffix = vec![0u32; self.len()];
        let mut queue = VecDeque::from([0usize]);
        while let Some(state) = queue.pop_front() {
            self.accepts[state] |= self.accepts[suffix[state] as usize];
            let (row, fallback_row) = (state * self.class_count, suffix[state] as usize * self.class_count);
            for class in 0..self.class_count {
                let edge = row + class;
                let fallback = if state == 0 { 0 } else { self.next[fallback_row + class] };
                if self.next[edge] == NONE {
                    self.next[edge] = fallback;
                } else {
                    suffix[self.next[edge] as usize] = fallback;
                    queue.push_back(self.next[edge] as usize);
                }
            }
        }
    }
}

/// A class for each byte that is used, and class 0 for all others.
fn classes_of(used: impl Iterator<Item = u8>, fold: bool) -> ([u8; 256], usize) {
    let folded = |byte: u8| if fold { byte.to_ascii_lowercase() } else { byte };
    let used: ByteSet = used.map(folded).collect();
    let mut classes = [0; 256];
    // With all 256 in use the first needs no class of its own: class 0 is only its.
    let skipped = usize::from(used == ByteSet::FULL);
    for (class, byte) in used.iter().skip(skipped).enumerate() {
        classes[usize::from(byte)] = class as u8 + 1;
    }
    if fold {
        for upper in b'A'..=b'Z' {
            classes[usize::from(upper)] = classes[usize::from(upper.to_ascii_lowercase())];
        }
    }
    (classes, used.len() + 1 - skipped)
}

//! Deterministic automata: what patterns become when bytes are walked one by one.

use super::byteset::ByteSet;
use std::collections::{HashMap, VecDeque};

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

    /// No state yet, over these classes.
    pub(super) fn of_classes(classes: [u8; 256], class_count: usize) -> Dfa {
        Dfa { classes, class_count, next: Vec::new(), at_end: Vec::new(), accepts: Vec::new() }
    }

    /// The state after a byte.
    pub(super) fn step(&self, state: u32, byte: u8) -> u32 {
        self.next[state as usize * self.class_count + usize::from(self.classes[usize::from(byte)])]
    }

    /// Whether a state accepts nothing, nor does any that comes after it.
    pub(super) fn is_dead(&self, state: usize) -> bool {
        let next = &self.next[state * self.class_count..][..self.class_count];
        self.accepts[state] == 0 && !self.at_end[state] && next.iter().all(|&next| next as usize == state)
    }

    /// The automaton with the fewest states that accepts the same (Moore, 1956): states are taken for one until a byte
    /// leads to different ones.
    pub(super) fn minimal(&self) -> Dfa {
        let mut groups: Vec<u32> = vec![0; self.len()];
        let mut count = 0;
        loop {
            let mut known: HashMap<Vec<u32>, u32> = HashMap::new();
            let mut finer = Vec::with_capacity(self.len());
            for (state, next) in self.next.chunks_exact(self.class_count).enumerate() {
                let told = [groups[state], self.accepts[state], u32::from(self.at_end[state])];
                let key = told.into_iter().chain(next.iter().map(|&next| groups[next as usize])).collect();
                let number = known.len() as u32;
                finer.push(*known.entry(key).or_insert(number));
            }
            groups = finer;
            if known.len() == count {
                break;
            }
            count = known.len();
        }
        // Groups are numbered in the order of their first states: the first state stays the first.
        let mut dfa = Dfa::of_classes(self.classes, self.class_count);
        for (state, next) in self.next.chunks_exact(self.class_count).enumerate() {
            if groups[state] as usize == dfa.len() {
                dfa.next.extend(next.iter().map(|&next| groups[next as usize]));
                dfa.accepts.push(self.accepts[state]);
                dfa.at_end.push(self.at_end[state]);
            }
        }
        dfa
    }

    /// The same automaton with one class for all bytes that lead to the same states everywhere.
    pub(super) fn with_few_classes(&self) -> Dfa {
        let column = |class: usize| -> Vec<u32> {
            self.next.iter().skip(class).step_by(self.class_count).copied().collect()
        };
        let mut known: HashMap<Vec<u32>, u8> = HashMap::new();
        let mut kept: Vec<usize> = Vec::new();
        let mut of_class: Vec<u8> = Vec::new();
        for class in 0..self.class_count {
            let number = kept.len() as u8;
            let number = *known.entry(column(class)).or_insert_with(|| {
                kept.push(class);
                number
            });
            of_class.push(number);
        }
        let next = self.next.chunks_exact(self.class_count);
        Dfa {
            classes: self.classes.map(|class| of_class[usize::from(class)]),
            class_count: kept.len(),
            next: next.flat_map(|row| kept.iter().map(|&class| row[class])).collect(),
            at_end: self.at_end.clone(),
            accepts: self.accepts.clone(),
        }
    }

    /// Everything accepted anywhere in `data`.
    pub fn accepted(&self, data: &[u8]) -> u32 {
        let mut state = 0;
        let mut accepted = self.accepts[0];
        for &byte in data {
            state = self.step(state, byte);
            accepted |= self.accepts[state as usize];
        }
        accepted | u32::from(self.at_end[state as usize])
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

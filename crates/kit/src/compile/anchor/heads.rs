//! One automaton for the texts of anchors and for their tails.
//!
//! From state 0 all texts are followed at once, as Aho and Corasick do it, with a class of bytes at each place. A state
//! that completes a text says where the tails of its texts are walked from; if a tail is no more possible, the walk goes
//! on where it left. So a tail never meets with the texts, and states do not multiply.

use super::tail::Tail;
use super::{DEAD, MATCH, TAIL};
use crate::compile::automaton::Dfa;
use crate::compile::byteset::ByteSet;
use crate::compile::tables;
use crate::compile::text::Text;
use regex_syntax::hir::Hir;
use std::collections::HashMap;

/// Nodes of the texts' tree that are half way, lowest first.
type Nodes = Vec<u32>;

/// The tree of the texts.
#[derive(Default)]
struct Tree {
    /// Of each node, what leads on.
    next: Vec<Vec<(ByteSet, u32)>>,
    /// Of each node, the anchors that are complete there.
    complete: Vec<Vec<usize>>,
}

impl Tree {
    fn of(anchors: &[(Text, Option<usize>)]) -> Tree {
        let mut tree = Tree { next: vec![Vec::new()], complete: vec![Vec::new()] };
        for (number, (text, _)) in anchors.iter().enumerate() {
            let node = text.iter().fold(0, |node, set| tree.child(node, *set));
            tree.complete[node as usize].push(number);
        }
        tree
    }

    fn child(&mut self, node: u32, set: ByteSet) -> u32 {
        let known = self.next[node as usize].iter().find(|(known, _)| *known == set);
        if let Some((_, child)) = known {
            return *child;
        }
        let child = self.next.len() as u32;
        self.next[node as usize].push((set, child));
        self.next.push(Vec::new());
        self.complete.push(Vec::new());
        child
    }
}

/// Classes of bytes that none of the sets and automata tells apart, with one byte of each.
fn classes<'a>(
    sets: impl Iterator<Item = &'a ByteSet>,
    tails: impl Iterator<Item = &'a [u8; 256]>,
) -> ([u8; 256], Vec<u8>) {
    let mut classes = [0u8; 256];
    let mut split = |key: &dyn Fn(u8) -> u8| {
        let mut known: HashMap<(u8, u8), u8> = HashMap::new();
        for byte in 0..=255u8 {
            let count = known.len() as u8;
            let class = &mut classes[usize::from(byte)];
            *class = *known.entry((*class, key(byte))).or_insert(count);
        }
    };
    sets.for_each(|set| split(&|byte| u8::from(set.contains(byte))));
    tails.for_each(|classes| split(&|byte| classes[usize::from(byte)]));
    let count = classes.iter().max().map_or(0, |&max| usize::from(max) + 1);
    let mut bytes = vec![0; count];
    (0..=255u8).rev().for_each(|byte| bytes[usize::from(classes[usize::from(byte)])] = byte);
    (classes, bytes)
}

/// Tails with more states are left out, if what has them does not fit: all, then fewer and fewer.
const LARGEST_TAILS: [usize; 5] = [usize::MAX, 1024, 128, 16, 0];

/// See [`Anchors::automaton`](super::Anchors::automaton).
pub(super) fn automaton(anchors: &[(Text, Option<usize>)], tails: &[Tail], most_bytes: usize) -> Dfa {
    let tree = Tree::of(anchors);
    let sets = tree.next.iter().flatten().map(|(set, _)| set);
    let (classes, bytes) = classes(sets, tails.iter().map(|tail| &tail.dfa().classes));
    let mut heads = Heads { bytes, order: vec![Vec::new()], next: Vec::new(), numbers: HashMap::new() };
    heads.numbers.insert(Vec::new(), 0);
    heads.follow(&tree);
    let with = |largest| with_tails(&heads, &tree, classes, anchors, tails, largest);
    let mut all = LARGEST_TAILS.iter().map(|&largest| with(largest));
    let fits = |dfa: &Dfa| dfa.len() * tables::row_bytes(dfa.class_count) as usize <= most_bytes;
    all.find(fits).unwrap_or_else(|| with(0))
}

/// The automaton of the texts, with those tails that have up to `largest` states.
fn with_tails(
    heads: &Heads,
    tree: &Tree,
    classes: [u8; 256],
    anchors: &[(Text, Option<usize>)],
    tails: &[Tail],
    largest: usize,
) -> Dfa {
    let mut dfa = Dfa::of_classes(classes, heads.bytes.len());
    dfa.next.clone_from(&heads.next);
    dfa.accepts = vec![0; heads.order.len()];
    dfa.at_end = vec![false; heads.order.len()];
    let mut joined = Joined { known: HashMap::new(), bytes: &heads.bytes, largest };
    for (state, nodes) in heads.order.iter().enumerate() {
        let complete = nodes.iter().flat_map(|&node| &tree.complete[node as usize]);
        let mut wanted: Vec<Option<usize>> = complete.map(|&anchor| anchors[anchor].1).collect();
        wanted.sort_unstable();
        wanted.dedup();
        dfa.accepts[state] = joined.accept(wanted, tails, &mut dfa);
    }
    dfa.with_few_classes()
}

/// The states of all texts, being made.
struct Heads {
    /// A byte of each class.
    bytes: Vec<u8>,
    /// Of each state, what is half way.
    order: Vec<Nodes>,
    next: Vec<u32>,
    numbers: HashMap<Nodes, u32>,
}

impl Heads {
    fn follow(&mut self, tree: &Tree) {
        let step = |node: u32, byte: u8| {
            let next = tree.next[node as usize].iter();
            next.filter(move |(set, _)| set.contains(byte)).map(|(_, child)| *child)
        };
        let starts: Vec<Nodes> = self.bytes.iter().map(|&byte| step(0, byte).collect()).collect();
        let mut state = 0;
        while let Some(nodes) = self.order.get(state).cloned() {
            for (&byte, starts) in self.bytes.iter().zip(&starts) {
                let mut after: Nodes = nodes.iter().flat_map(|&node| step(node, byte)).collect();
                after.extend(starts);
                after.sort_unstable();
                let number = *self.numbers.entry(after).or_insert_with_key(|after| {
                    self.order.push(after.clone());
                    self.order.len() as u32 - 1
                });
                self.next.push(number);
            }
            state += 1;
        }
    }
}

/// Tails that are in the automaton already, by what they are made of.
struct Joined<'h> {
    known: HashMap<Vec<usize>, u32>,
    bytes: &'h [u8],
    largest: usize,
}

impl Joined<'_> {
    /// What a state accepts whose texts want one of these tails, or none.
    fn accept(&mut self, wanted: Vec<Option<usize>>, tails: &[Tail], dfa: &mut Dfa) -> u32 {
        let Some(wanted) = wanted.into_iter().collect::<Option<Vec<usize>>>() else { return MATCH };
        if wanted.is_empty() {
            return 0;
        }
        let (bytes, largest) = (self.bytes, self.largest);
        let mut add = |tail: &Tail| match tail.dfa().len() <= largest {
            true => TAIL + append(dfa, tail.dfa(), bytes),
            false => MATCH,
        };
        *self.known.entry(wanted).or_insert_with_key(|wanted| match &wanted[..] {
            [one] => add(&tails[*one]),
            several => {
                let parts = several.iter().map(|&tail| tails[tail].hir().clone());
                Tail::new(Hir::alternation(parts.collect())).map_or(MATCH, |all| add(&all))
            }
        })
    }
}

/// Adds the states of a tail; where they begin comes back.
fn append(dfa: &mut Dfa, tail: &Dfa, bytes: &[u8]) -> u32 {
    let first = dfa.len() as u32;
    for state in 0..tail.len() {
        dfa.next.extend(bytes.iter().map(|&byte| first + tail.step(state as u32, byte)));
        dfa.accepts.push(match tail.accepts[state] {
            0 if tail.is_dead(state) => DEAD,
            0 => 0,
            _ => MATCH,
        });
        dfa.at_end.push(tail.at_end[state]);
    }
    first
}

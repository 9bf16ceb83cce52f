//! The trie of patterns, as an array of slots that the kernel's programs walk as well.
//!
//! Ways through the trie are sorted, so that a node is a range of them, and nodes get their places depth first: what is read
//! one after the other lies side by side.

use super::pattern::Spelling;
use kernscope_abi::paths::{
    ANY, GLOBSTAR, HAS_ANY, HAS_GLOBSTAR, HAS_STAR, IS_GLOBSTAR, IS_STAR, ROOT, SLOT_BITS, STAR, SYMBOLS,
    Slot, slot,
};
use std::collections::HashMap;
use std::ops::Range;

/// Most slots: 8 MiB of them.
pub const MAX_SLOTS: usize = 1 << 20;
/// A node with several children looks for room among this many of the newest slots.
const RECENT: usize = 8 * SYMBOLS;
/// Places that are tried for it before it goes behind all others.
const TRIES: usize = 1024;

const _: () = assert!(MAX_SLOTS <= 1 << SLOT_BITS && MAX_SLOTS.is_multiple_of(SYMBOLS));

/// A way through the trie, and what holds at its end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Way {
    pub(super) spelling: Spelling,
    /// Accept bits.
    pub(super) accept: u32,
    /// Which pattern says so; `None` for guards.
    pub(super) pattern: Option<u32>,
}

/// The table, and who is responsible for which slot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Trie {
    pub(super) slots: Vec<Slot>,
    /// Patterns that end at a slot, with their bits.
    pub(super) ends: HashMap<u32, Vec<(u32, u32)>>,
}

/// The patterns need more slots than there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

/// A node that waits for its place to be filled in.
struct Node {
    at: u32,
    parent: u32,
    symbol: u32,
    ways: Range<usize>,
    depth: usize,
}

impl Trie {
    /// Lays out all ways.
    pub(super) fn build(mut ways: Vec<Way>) -> Result<Self, Full> {
        ways.sort_unstable();
        ways.dedup();
        let mut room = Room::default();
        room.claim(0);
        room.claim(ROOT);
        let mut trie = Self::default();
        let mut todo = vec![Node { at: ROOT, parent: 0, symbol: 0, ways: 0..ways.len(), depth: 0 }];
        while let Some(node) = todo.pop() {
            trie.place(&node, &ways, &mut room, &mut todo)?;
        }
        let len = trie.slots.len().next_multiple_of(SYMBOLS);
        trie.slots.resize(len, 0);
        Ok(trie)
    }

    fn place(
        &mut self,
        node: &Node,
        ways: &[Way],
        room: &mut Room,
        todo: &mut Vec<Node>,
    ) -> Result<(), Full> {
        let here = ways[node.ways.clone()].iter().take_while(|way| way.spelling.len() == node.depth).count();
        let (ending, going_on) =
            (node.ways.start..node.ways.start + here, node.ways.start + here..node.ways.end);
        let mut accept = 0;
        for way in &ways[ending] {
            accept |= way.accept;
            if let Some(pattern) = way.pattern {
                self.ends.entry(node.at).or_default().push((pattern, way.accept));
            }
        }
        let children = children(ways, going_on, node.depth);
        let symbols: Vec<u32> = children.iter().map(|(symbol, _)| *symbol).collect();
        let base = room.find(&symbols)?;
        let mut flags = match node.symbol {
            STAR => IS_STAR,
            GLOBSTAR => IS_GLOBSTAR,
            _ => 0,
        };
        for (symbol, flag) in [(STAR, HAS_STAR), (GLOBSTAR, HAS_GLOBSTAR), (ANY, HAS_ANY)] {
            if symbols.contains(&symbol) {
                flags |= flag;
            }
        }
        let index = node.at as usize;
        if self.slots.len() <= index {
            self.slots.resize(index + 1, 0);
        }
        self.slots[index] = slot(base, node.parent, accept, flags);
        // Last in, first out: the child that comes first is laid out next.
        todo.extend(children.into_iter().rev().map(|(symbol, ways)| Node {
            at: base ^ symbol,
            parent: node.at,
            symbol,
            ways,
            depth: node.depth + 1,
        }));
        Ok(())
    }
}

/// Ways that go on, by their next symbol.
fn children(ways: &[Way], range: Range<usize>, depth: usize) -> Vec<(u32, Range<usize>)> {
    let mut out: Vec<(u32, Range<usize>)> = Vec::new();
    for at in range {
        let symbol = u32::from(ways[at].spelling[depth]);
        match out.last_mut() {
            Some((last, ways)) if *last == symbol => ways.end = at + 1,
            _ => out.push((symbol, at..at + 1)),
        }
    }
    out
}

/// Which slots are taken.
#[derive(Default)]
struct Room {
    taken: Vec<bool>,
    /// No slot before this one is free.
    first: usize,
}

impl Room {
    fn is_free(&self, at: usize) -> bool {
        !self.taken.get(at).copied().unwrap_or(false)
    }

    fn claim(&mut self, at: u32) {
        let at = at as usize;
        if self.taken.len() <= at {
            self.taken.resize(at + 1, false);
        }
        self.taken[at] = true;
        while self.taken.get(self.first) == Some(&true) {
            self.first += 1;
        }
    }

    /// A base at which there is room for children by these symbols; they have it from now on.
    fn find(&mut self, symbols: &[u32]) -> Result<u32, Full> {
        let Some(&first) = symbols.first() else { return Ok(0) };
        let behind = self.taken.len().next_multiple_of(SYMBOLS);
        // Where there is room for one there may be none for several: those look among the newest.
        let from =
            if symbols.len() == 1 { self.first } else { self.first.max(behind.saturating_sub(RECENT)) };
        let free = (from..behind).filter(|at| self.is_free(*at)).map(|at| at ^ first as usize);
        let fits = |base: &usize| symbols.iter().all(|symbol| self.is_free(base ^ *symbol as usize));
        let base = free.take(TRIES).find(fits).unwrap_or(behind);
        if base >= MAX_SLOTS {
            return Err(Full);
        }
        let base = u32::try_from(base).map_err(|_| Full)?;
        symbols.iter().for_each(|symbol| self.claim(base ^ symbol));
        Ok(base)
    }
}

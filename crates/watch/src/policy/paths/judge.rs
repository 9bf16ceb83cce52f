//! What a table says of a path. The kernel's programs judge by the same table; this says what is right.

use kernscope_abi::paths::{
    ANY, END, GLOBSTAR, HAS_ANY, HAS_GLOBSTAR, HAS_STAR, IS_GLOBSTAR, IS_STAR, NAME_END, ROOT, STAR, Slot,
    accept, base, check, flags,
};

/// Calls `reached` with each slot at which something holds of the path, and its accept bits.
pub(super) fn judge(slots: &[Slot], path: &[u8], mut reached: impl FnMut(u32, u32)) {
    let mut walk = Walk { slots, standing: Vec::new(), next: Vec::new() };
    walk.enter(ROOT, true);
    std::mem::swap(&mut walk.standing, &mut walk.next);
    let names = path.split(|byte| *byte == b'/').rev().filter(|name| !name.is_empty());
    for name in names {
        for (at, byte) in name.iter().enumerate() {
            walk.step(u32::from(*byte), at == 0);
        }
        walk.end_name(&mut reached);
    }
    for at in 0..walk.standing.len() {
        if let Some(child) = walk.child(walk.standing[at], END) {
            reached(child, accept(slots[child as usize]));
        }
    }
}

struct Walk<'a> {
    slots: &'a [Slot],
    /// Nodes stood on.
    standing: Vec<u32>,
    next: Vec<u32>,
}

impl Walk<'_> {
    fn slot(&self, node: u32) -> Slot {
        self.slots.get(node as usize).copied().unwrap_or(0)
    }

    fn child(&self, node: u32, symbol: u32) -> Option<u32> {
        let child = base(self.slot(node)) ^ symbol;
        (check(self.slot(child)) == node).then_some(child)
    }

    /// Stands on a node, and on what comes with it.
    fn enter(&mut self, node: u32, between_names: bool) {
        if self.next.contains(&node) {
            return;
        }
        self.next.push(node);
        let flags = flags(self.slot(node));
        let with = [(HAS_STAR, STAR, true), (HAS_GLOBSTAR, GLOBSTAR, between_names)];
        for (flag, symbol, now) in with {
            if let (true, Some(child)) = (now && flags & flag != 0, self.child(node, symbol)) {
                self.enter(child, between_names);
            }
        }
    }

    /// A byte of a name.
    fn step(&mut self, byte: u32, is_first: bool) {
        self.next.clear();
        for at in 0..self.standing.len() {
            let node = self.standing[at];
            let flags = flags(self.slot(node));
            if flags & (IS_STAR | IS_GLOBSTAR) != 0 && !self.next.contains(&node) {
                self.next.push(node);
            }
            if flags & IS_GLOBSTAR != 0 && !is_first {
                continue;
            }
            for symbol in [Some(byte), (flags & HAS_ANY != 0).then_some(ANY)].into_iter().flatten() {
                if let Some(child) = self.child(node, symbol) {
                    self.enter(child, false);
                }
            }
        }
        std::mem::swap(&mut self.standing, &mut self.next);
    }

    /// The end of a name.
    fn end_name(&mut self, reached: &mut impl FnMut(u32, u32)) {
        self.next.clear();
        for at in 0..self.standing.len() {
            let node = self.standing[at];
            if flags(self.slot(node)) & IS_GLOBSTAR != 0 {
                self.enter(node, true);
                continue;
            }
            if let Some(child) = self.child(node, NAME_END) {
                reached(child, accept(self.slot(child)));
                self.enter(child, true);
            }
        }
        std::mem::swap(&mut self.standing, &mut self.next);
    }
}

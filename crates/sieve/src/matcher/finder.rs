//! The literals that rules ask for, and what it means that one is there.

use super::engine::Engine;
use super::plan::Plan;
use crate::prefilter::Prefilter;
use std::collections::HashMap;

/// What it means that a literal is there.
#[derive(Clone, Copy, Debug)]
pub(super) enum Use {
    /// A match of the rule may be around it; the number of the rule's head.
    Head(usize, usize),
    /// The rule is to be tried.
    Gate(usize),
}

/// Finds literals.
#[derive(Debug)]
pub(super) struct Finder {
    prefilter: Prefilter,
    /// By literal.
    uses: Vec<Vec<Use>>,
}

impl Finder {
    /// For what rules begin with, and for the keywords without which those are not tried that begin with nothing.
    pub(super) fn of_starts<'a>(engines: impl Iterator<Item = (usize, &'a Engine)>) -> Self {
        let mut literals = Literals::default();
        for (rule, engine) in engines {
            let Plan { heads, gates } = &engine.plan;
            for (number, head) in heads.iter().flatten().enumerate() {
                head.cut.literals.iter().for_each(|bytes| literals.add(bytes, Use::Head(rule, number)));
            }
            if heads.is_none() {
                gates.iter().for_each(|gate| literals.add(gate, Use::Gate(rule)));
            }
        }
        literals.finder()
    }

    /// For the keywords of all rules that ask for them apart.
    pub(super) fn of_gates<'a>(engines: impl Iterator<Item = (usize, &'a Engine)>) -> Self {
        let mut literals = Literals::default();
        for (rule, engine) in engines {
            engine.plan.gates.iter().for_each(|gate| literals.add(gate, Use::Gate(rule)));
        }
        literals.finder()
    }

    /// Calls `met` with each use of each literal in `data`, and where the literal begins.
    pub(super) fn find(&self, data: &[u8], met: &mut dyn FnMut(Use, usize)) {
        self.prefilter
            .find(data, &mut |literal, at| self.uses[literal].iter().for_each(|used| met(*used, at)));
    }
}

/// Literals, each once, with all their uses.
#[derive(Default)]
struct Literals {
    numbers: HashMap<Vec<u8>, usize>,
    uses: Vec<Vec<Use>>,
}

impl Literals {
    fn add(&mut self, bytes: &[u8], used: Use) {
        let next = self.numbers.len();
        let number = *self.numbers.entry(bytes.to_ascii_lowercase()).or_insert(next);
        self.uses.resize(self.uses.len().max(number + 1), Vec::new());
        self.uses[number].push(used);
    }

    fn finder(self) -> Finder {
        let mut list = vec![Vec::new(); self.numbers.len()];
        self.numbers.into_iter().for_each(|(bytes, number)| list[number] = bytes);
        Finder { prefilter: Prefilter::new(list), uses: self.uses }
    }
}

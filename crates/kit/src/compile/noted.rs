//! Literals from all over a condition, found in one pass.
//!
//! A condition with several sets of literals would walk the data once for each. Instead one automaton knows them all and
//! notes which sets it met; the rest of the condition then asks what was noted.

use super::automaton::Dfa;
use super::content::Content;

/// Sets that one pass can tell apart: bits of a word.
const MOST: usize = 32;

/// Fewest bytes of a literal that is sought with others.
const LEAST_BYTES: usize = 4;

/// Sets of literals, each with a bit.
#[derive(Clone, Debug, Default)]
pub(super) struct Noted {
    sets: Vec<Vec<Vec<u8>>>,
    fold: bool,
    /// Sets of which one alone decides the condition.
    pub(super) enough: u32,
}

impl Noted {
    /// The sets of a condition, if there are at least two with the same view of case.
    pub(super) fn of(content: &Content) -> Noted {
        let [plain, folded] = [false, true].map(|fold| {
            let mut noted = Noted { fold, ..Noted::default() };
            noted.collect(content, true);
            noted
        });
        let larger = if folded.sets.len() > plain.sets.len() { folded } else { plain };
        if larger.sets.len() < 2 { Noted::default() } else { larger }
    }

    /// Takes the sets of a part; `alone` says that the part alone decides.
    fn collect(&mut self, content: &Content, alone: bool) {
        match content {
            Content::All(parts) => {
                parts.iter().for_each(|part| self.collect(part, alone && parts.len() == 1))
            }
            Content::Any(parts) => parts.iter().for_each(|part| self.collect(part, alone)),
            _ => {
                let Some((set, fold)) = set_of(content).filter(|(_, fold)| *fold == self.fold) else {
                    return;
                };
                let known = self.sets.iter().position(|known| *known == set);
                if known.is_none() && self.sets.len() == MOST {
                    return;
                }
                let bit = known.unwrap_or(self.sets.len());
                if known.is_none() {
                    self.sets.push(set);
                }
                self.fold = fold;
                self.enough |= u32::from(alone) << bit;
            }
        }
    }

    /// The pattern of a set that is among them.
    pub(super) fn pattern(&self, content: &Content) -> Option<u32> {
        if self.sets.is_empty() {
            return None;
        }
        let (set, _) = set_of(content).filter(|(_, fold)| *fold == self.fold)?;
        self.sets.iter().position(|known| *known == set).map(|bit| 1 << bit)
    }

    /// The automaton for all of them, if there are any, and its view of case.
    pub(super) fn automaton(&self) -> Option<(Dfa, bool)> {
        let patterns = (0..).map(|bit| 1u32 << bit);
        let literals = self.sets.iter().zip(patterns);
        let literals =
            literals.flat_map(|(set, pattern)| set.iter().map(move |bytes| (bytes.as_slice(), pattern)));
        (!self.sets.is_empty()).then(|| (Dfa::literals(literals, self.fold), self.fold))
    }

    /// All literals.
    pub(super) fn literals(&self) -> Vec<Vec<u8>> {
        self.sets.concat()
    }
}

/// The literals of a condition that is nothing else, unless they are trivial or too short to be sought with others.
fn set_of(content: &Content) -> Option<(Vec<Vec<u8>>, bool)> {
    let (list, fold) = match content {
        Content::Literal { bytes, fold } => (std::slice::from_ref(bytes), *fold),
        Content::Literals { list, fold } => (list.as_slice(), *fold),
        _ => return None,
    };
    let trivial = list.is_empty() || list.iter().any(Vec::is_empty);
    // One short literal would make the sieve of all of them slow.
    let common = list.iter().any(|bytes| bytes.len() < LEAST_BYTES);
    // Where nothing has a case, folding only costs.
    let fold = fold && list.iter().flatten().any(u8::is_ascii_alphabetic);
    (!trivial && !common).then(|| (list.to_vec(), fold))
}

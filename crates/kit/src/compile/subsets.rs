//! From an expression to its automaton, without look-around but for the end of the data: the subset construction (Rabin
//! and Scott, 1959), made for speed on what filters ask for: counted classes, whose sets are large.
//!
//! A state is a set of positions, which are the places of the expression that wait for a byte, as bits. In a search for
//! matches anywhere every set holds the positions of the start: what these lead to is worked out once, not in each state.
//! A set that has matched is the one state in which all matches end.

use super::automaton::Dfa;
use regex_automata::nfa::thompson::{NFA, State, Transition};
use regex_automata::util::alphabet::ByteClasses;
use regex_automata::util::look::{Look, LookSet};
use regex_automata::util::primitives::StateID;

/// The position that stands for a match.
const MATCH: u32 = 0;
/// The position that stands for a match if the data ends.
const END: u32 = 1;
/// Most steps from position to position, over all states, for a byte of the limit.
const STEPS_PER_BYTE: usize = 16;

/// Where matches may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// At any place.
    Anywhere,
    /// Where the data begins.
    Here,
}

/// Whether an expression can be taken: it looks around for nothing but the end of the data.
pub(super) fn takes(nfa: &NFA) -> bool {
    LookSet::singleton(Look::End).union(nfa.look_set_any()) == LookSet::singleton(Look::End)
}

/// The automaton of an expression, if it takes up to `table_bytes` of next states.
pub(super) fn automaton(nfa: &NFA, begin: Begin, table_bytes: usize) -> Option<Dfa> {
    let positions = Positions::of(nfa, begin);
    let mut sets = Sets::new(&positions, table_bytes / (4 * positions.class_count));
    let mut steps_left = STEPS_PER_BYTE * table_bytes;
    let mut dfa = Dfa {
        classes: positions.classes,
        class_count: positions.class_count,
        next: Vec::new(),
        at_end: Vec::new(),
        accepts: Vec::new(),
    };
    sets.number(&positions.first)?;
    while let Some(set) = sets.get(dfa.accepts.len()) {
        let state = dfa.accepts.len() as u32;
        let accepts = set[0] & 1 << MATCH != 0;
        dfa.accepts.push(u32::from(accepts));
        dfa.at_end.push(set[0] & 1 << END != 0);
        if accepts {
            dfa.next.extend(std::iter::repeat_n(state, positions.class_count));
            continue;
        }
        let set = set.to_vec();
        steps_left = steps_left.checked_sub(positions.step(&set, &mut sets.successors))?;
        for class in 0..positions.class_count {
            dfa.next.push(sets.successor(class)?);
        }
    }
    Some(dfa)
}

/// An automaton that is not deterministic, without what takes no byte.
struct Positions {
    classes: [u8; 256],
    class_count: usize,
    /// Of each position, by the first and the last class of a step, the positions behind it.
    steps: Vec<Vec<(u8, u8, Vec<u32>)>>,
    /// The set of the first state.
    first: Vec<u64>,
    /// What every set holds: the set of the first state, or nothing.
    start: Vec<u64>,
    /// For each class, what that leads to, and itself.
    from_start: Vec<u64>,
    /// Words of a set.
    words: usize,
}

impl Positions {
    fn of(nfa: &NFA, begin: Begin) -> Positions {
        let byte_classes = nfa.byte_classes();
        let mut finder = Finder { nfa, numbers: vec![None; nfa.states().len()], found: vec![None; 2] };
        let first = finder.closure(nfa.start_anchored());
        let mut steps = vec![Vec::new(); 2];
        while let Some(&id) = finder.found.get(steps.len()) {
            steps.push(id.map(|id| finder.steps(id, byte_classes)).unwrap_or_default());
        }
        let words = steps.len().div_ceil(64);
        let mut set = vec![0; words];
        first.iter().for_each(|&position| put(&mut set, position));
        let start = if begin == Begin::Here { vec![0; words] } else { set.clone() };
        let mut positions = Positions {
            classes: std::array::from_fn(|byte| byte_classes.get(byte as u8)),
            // The last class is the end of the input.
            class_count: byte_classes.alphabet_len() - 1,
            words,
            steps,
            first: set,
            start,
            from_start: Vec::new(),
        };
        let from_start = positions.start.repeat(positions.class_count);
        let mut from_start = Successors { words, sets: from_start };
        for &position in first.iter().filter(|_| begin == Begin::Anywhere) {
            positions.step_from(position, &mut from_start);
        }
        positions.from_start = from_start.sets;
        positions
    }

    /// Fills in, by class, where a set leads; the steps taken come back.
    fn step(&self, set: &[u64], into: &mut Successors) -> usize {
        into.sets.copy_from_slice(&self.from_start);
        let mut steps = into.sets.len() / 8;
        for (word, (bits, start)) in set.iter().zip(&self.start).enumerate() {
            let mut bits = bits & !start;
            while bits != 0 {
                let position = 64 * word as u32 + bits.trailing_zeros();
                bits &= bits - 1;
                steps += self.step_from(position, into);
            }
        }
        steps
    }

    fn step_from(&self, position: u32, into: &mut Successors) -> usize {
        let mut steps = 1;
        for (first, last, closure) in &self.steps[position as usize] {
            for class in *first..=*last {
                let set = into.of(usize::from(class));
                closure.iter().for_each(|&position| put(set, position));
                steps += closure.len();
            }
        }
        steps
    }
}

fn put(set: &mut [u64], position: u32) {
    set[position as usize / 64] |= 1 << (position % 64);
}

/// Gives positions numbers as they are found.
struct Finder<'n> {
    nfa: &'n NFA,
    numbers: Vec<Option<u32>>,
    /// States by position; none for a match.
    found: Vec<Option<StateID>>,
}

impl Finder<'_> {
    /// The positions that are reached from a state without a byte.
    fn closure(&mut self, id: StateID) -> Vec<u32> {
        let (mut positions, mut seen, mut open) = (Vec::new(), Vec::new(), vec![id]);
        while let Some(id) = open.pop() {
            match self.nfa.state(id) {
                State::ByteRange { .. } | State::Sparse(_) | State::Dense(_) => {
                    positions.push(self.number(id))
                }
                State::Match { .. } => positions.push(MATCH),
                // Looking for the end: what leads to a match from here does so there.
                State::Look { look: Look::End, next } => {
                    let ends = self.closure(*next);
                    positions.extend(ends.iter().any(|&position| position <= END).then_some(END));
                }
                State::Look { .. } | State::Fail => {}
                _ if seen.contains(&id) => {}
                state => {
                    seen.push(id);
                    match state {
                        State::Union { alternates } => open.extend(alternates.iter()),
                        State::BinaryUnion { alt1, alt2 } => open.extend([*alt1, *alt2]),
                        State::Capture { next, .. } => open.push(*next),
                        _ => {}
                    }
                }
            }
        }
        positions.sort_unstable();
        positions.dedup();
        positions
    }

    fn number(&mut self, id: StateID) -> u32 {
        let found = &mut self.found;
        *self.numbers[id.as_usize()].get_or_insert_with(|| {
            found.push(Some(id));
            found.len() as u32 - 1
        })
    }

    fn steps(&mut self, id: StateID, classes: &ByteClasses) -> Vec<(u8, u8, Vec<u32>)> {
        let step = |transition: &Transition| (transition.start, transition.end, transition.next);
        let steps: Vec<_> = match self.nfa.state(id) {
            State::ByteRange { trans } => vec![step(trans)],
            State::Sparse(sparse) => sparse.transitions.iter().map(step).collect(),
            State::Dense(dense) => {
                (0..=255).filter_map(|byte| Some((byte, byte, dense.matches_byte(byte)?))).collect()
            }
            _ => Vec::new(),
        };
        let step = |(start, end, next)| (classes.get(start), classes.get(end), self.closure(next));
        steps.into_iter().map(step).collect()
    }
}

/// Sets of positions, one for each class.
struct Successors {
    words: usize,
    sets: Vec<u64>,
}

impl Successors {
    fn of(&mut self, class: usize) -> &mut [u64] {
        &mut self.sets[class * self.words..][..self.words]
    }
}

/// The sets that are states, in the order in which they were met, and where a state's bytes lead.
struct Sets {
    words: usize,
    most: usize,
    sets: Vec<u64>,
    /// By hash, the state plus one; a power of two, at least half of it free.
    table: Vec<u32>,
    successors: Successors,
}

impl Sets {
    /// Room for `most` states.
    fn new(positions: &Positions, most: usize) -> Sets {
        Sets {
            words: positions.words,
            most,
            sets: Vec::new(),
            table: vec![0; (2 * most + 2).next_power_of_two()],
            successors: Successors { words: positions.words, sets: positions.from_start.clone() },
        }
    }

    fn get(&self, state: usize) -> Option<&[u64]> {
        self.sets.chunks_exact(self.words).nth(state)
    }

    /// The state that a class leads to; `None` when it is new and there is no room.
    fn successor(&mut self, class: usize) -> Option<u32> {
        let mut successors = std::mem::take(&mut self.successors.sets);
        let set = &mut successors[class * self.words..][..self.words];
        if set[0] & 1 << MATCH != 0 {
            set.fill(0);
            set[0] = 1 << MATCH;
        }
        let number = self.number(set);
        self.successors.sets = successors;
        number
    }

    /// The state of a set, a new one if need be.
    fn number(&mut self, set: &[u64]) -> Option<u32> {
        let mut slot = hash(set) as usize & (self.table.len() - 1);
        while self.table[slot] != 0 {
            let state = self.table[slot] - 1;
            if self.get(state as usize) == Some(set) {
                return Some(state);
            }
            slot = (slot + 1) & (self.table.len() - 1);
        }
        let state = self.sets.len() / self.words;
        if state >= self.most {
            return None;
        }
        self.sets.extend_from_slice(set);
        self.table[slot] = state as u32 + 1;
        Some(state as u32)
    }
}

/// Multiplies and rotates. Sets that were chosen to collide cost little: the number of states is bounded.
fn hash(set: &[u64]) -> u64 {
    let mixed =
        set.iter().fold(0u64, |hash, &word| (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95));
    mixed ^ mixed >> 32
}

#[cfg(test)]
mod tests {
    use super::super::Regex;
    use super::super::regex::{anchored, automaton};

    /// All strings over some bytes, up to a length.
    fn strings(alphabet: &[u8], most: usize) -> Vec<Vec<u8>> {
        let mut all = vec![Vec::new()];
        let mut from = 0;
        for _ in 0..most {
            let end = all.len();
            for at in from..end {
                let start = all[at].clone();
                all.extend(alphabet.iter().map(|&byte| [&start[..], &[byte]].concat()));
            }
            from = end;
        }
        all
    }

    #[test]
    fn the_automaton_matches_what_the_expression_does() {
        let patterns = [
            "a",
            "ab|ba",
            "a{3}b",
            "(?:ab)+c",
            "a.b",
            "[ab]{2,3}c",
            "(?i)AbC",
            "",
            "a*",
            "a.{2}c",
            "(?:a|b|)c\u{e9}",
            "\\d[ab]{2,}",
            "(?-u:[^a])b",
            "(?:a|aab)c",
            "[a&&b]",
            "ab$",
            "a*$|bc",
            "(?:a$|b)c?$",
            "a$b",
        ];
        let inputs = [strings(b"abc", 6), strings(b"\xc3\xa9b1", 5)].concat();
        for pattern in patterns {
            let regex = Regex::new(pattern).expect(pattern);
            let dfa = automaton(regex.hir(), 1 << 16).expect(pattern);
            for input in &inputs {
                assert_eq!(dfa.accepted(input) != 0, regex.is_match(input), "{pattern} on {input:?}");
            }
        }
    }

    #[test]
    fn an_automaton_that_begins_here_matches_only_there() {
        let inputs = strings(b"abc", 5);
        for pattern in ["ab|c", "a{2}b", "a*$", "(?:b|$)c?", "[ab]{2,}c"] {
            let dfa = anchored(Regex::new(pattern).expect(pattern).hir(), 1 << 16).expect(pattern);
            let here = Regex::new(&format!("^(?:{pattern})")).expect(pattern);
            for input in &inputs {
                assert_eq!(dfa.accepted(input) != 0, here.is_match(input), "{pattern} on {input:?}");
                assert_eq!(
                    dfa.minimal().accepted(input) != 0,
                    here.is_match(input),
                    "{pattern} on {input:?}"
                );
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let fits = |pattern: &str, bytes| {
            automaton(Regex::new(pattern).expect("an expression").hir(), bytes).is_some()
        };
        assert!(fits("a[ab]{4}c", 1 << 16));
        // A state for each set of the last sixteen places that an `a` was at.
        assert!(!fits("a[ab]{16}c", 1 << 16));
        assert!(!fits("abc", 16));
    }
}

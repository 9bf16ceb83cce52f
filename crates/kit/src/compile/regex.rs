//! Regular expressions, as the `regex` crate reads them over bytes, and the automata they become.

use super::automaton::Dfa;
use super::subsets::{self, Begin};
use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson::{self, pikevm::PikeVM};
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, HirKind, Repetition};

/// Most bytes of an automaton that is not deterministic, as in the `regex` crate.
const NFA_BYTES: usize = 10 << 20;

/// An expression that cannot be used, in one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("parse expression {pattern:?}: {cause}")]
pub struct RegexError {
    /// The expression.
    pub pattern: String,
    /// What is wrong with it.
    pub cause: String,
}

/// An expression that was understood.
#[derive(Clone, Debug)]
pub struct Regex {
    pattern: String,
    hir: Hir,
}

impl Regex {
    /// Reads an expression with the defaults of `regex::bytes::Regex`: Unicode classes and case unless `(?-u)`, `.`
    /// without line feeds, any bytes as input.
    ///
    /// # Errors
    /// Bad syntax, or an expression too large to hold (10 MiB of automaton before determinisation).
    ///
    /// ```
    /// use kernscope_kit::compile::Regex;
    /// assert!(Regex::new("ghp_[0-9a-zA-Z]{36}").is_ok());
    /// assert_eq!(
    ///     Regex::new("a(b").unwrap_err().to_string(),
    ///     "parse expression \"a(b\": unclosed group, at byte 1"
    /// );
    /// ```
    pub fn new(pattern: &str) -> Result<Regex, RegexError> {
        let fail = |cause: String| RegexError { pattern: pattern.to_owned(), cause };
        let hir = ParserBuilder::new()
            .utf8(false)
            .build()
            .parse(pattern)
            .map_err(|error| fail(one_line(&error)))?;
        let regex = Regex { pattern: pattern.to_owned(), hir };
        if !regex.is_small() {
            regex.nfa().map_err(|error| fail(error.to_string()))?;
        }
        Ok(regex)
    }

    /// The expression as it was given.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Its syntax tree.
    pub(super) fn hir(&self) -> &Hir {
        &self.hir
    }

    /// Whether it matches anywhere, by simulating the automaton that is not deterministic: nothing of the tables that
    /// are compiled is used.
    pub fn is_match(&self, data: &[u8]) -> bool {
        let Some(vm) = self.nfa().ok().and_then(|nfa| PikeVM::new_from_nfa(nfa).ok()) else { return true };
        vm.is_match(&mut vm.create_cache(), data)
    }

    fn nfa(&self) -> Result<thompson::NFA, Box<thompson::BuildError>> {
        nfa(&self.hir)
    }

    /// Whether it is certain to fit, so that it need not be written out to see it: that can take 30 ms.
    fn is_small(&self) -> bool {
        let once = nfa(&once(&self.hir)).map_or(NFA_BYTES, |nfa| nfa.memory_usage());
        copies(&self.hir).and_then(|copies| copies.checked_mul(once)).is_some_and(|bytes| bytes < NFA_BYTES)
    }
}

fn nfa(hir: &Hir) -> Result<thompson::NFA, Box<thompson::BuildError>> {
    let config = thompson::Config::new().utf8(false).nfa_size_limit(Some(NFA_BYTES));
    thompson::Compiler::new().configure(config).build_from_hir(hir).map_err(Box::new)
}

/// How often a part of the expression is there at most once its counts are written out; `None` beyond all numbers.
fn copies(hir: &Hir) -> Option<usize> {
    let most = |parts: &[Hir]| parts.iter().try_fold(1, |most, part| Some(most.max(copies(part)?)));
    match hir.kind() {
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min).max(repetition.min) as usize;
            copies(&repetition.sub)?.checked_mul(times.saturating_add(1))
        }
        HirKind::Capture(capture) => copies(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => most(parts),
        HirKind::Empty | HirKind::Look(_) | HirKind::Literal(_) | HirKind::Class(_) => Some(1),
    }
}

/// The expression with nothing in it more than once.
fn once(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Repetition(repetition) => {
            let (min, max) = (repetition.min.min(1), repetition.max.map(|max| max.min(1)));
            Hir::repetition(Repetition { min, max, greedy: true, sub: Box::new(once(&repetition.sub)) })
        }
        HirKind::Capture(capture) => once(&capture.sub),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(once).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(once).collect()),
        HirKind::Empty | HirKind::Look(_) | HirKind::Literal(_) | HirKind::Class(_) => hir.clone(),
    }
}

/// A parser's error without its drawing.
fn one_line(error: &regex_syntax::Error) -> String {
    match error {
        regex_syntax::Error::Parse(error) => {
            format!("{}, at byte {}", error.kind(), error.span().start.offset)
        }
        regex_syntax::Error::Translate(error) => {
            format!("{}, at byte {}", error.kind(), error.span().start.offset)
        }
        _ => "not understood".to_owned(),
    }
}

/// The automaton of a syntax tree that is not deterministic, if it fits into `bytes`.
pub(super) fn small_nfa(hir: &Hir, bytes: usize) -> Option<thompson::NFA> {
    let config = thompson::Config::new()
        .utf8(false)
        .which_captures(thompson::WhichCaptures::None)
        .nfa_size_limit(Some(bytes));
    thompson::Compiler::new().configure(config).build_from_hir(hir).ok()
}

/// The automaton of a syntax tree, if it fits into `table_bytes` and look-around does not stand in the way.
pub(super) fn automaton(hir: &Hir, table_bytes: usize) -> Option<Dfa> {
    let nfa = small_nfa(hir, table_bytes)?;
    if subsets::takes(&nfa) {
        return subsets::automaton(&nfa, Begin::Anywhere, table_bytes);
    }
    let config = dense::Config::new()
        .match_kind(MatchKind::All)
        .start_kind(StartKind::Unanchored)
        .accelerate(false)
        .dfa_size_limit(Some(table_bytes))
        .determinize_size_limit(Some(4 * table_bytes));
    let dense = dense::Builder::new().configure(config).build_from_nfa(&nfa).ok()?;
    flatten(&dense)
}

/// The same for what matches at the start of the data and nowhere else; of look-around, only the end of the data can be
/// in it. Once there is no match any more, nothing leads out of the state.
pub(super) fn anchored(hir: &Hir, table_bytes: usize) -> Option<Dfa> {
    let nfa = small_nfa(hir, table_bytes)?;
    subsets::takes(&nfa).then(|| subsets::automaton(&nfa, Begin::Here, table_bytes))?
}

/// Our form of the library's automaton, which tells matches a byte late and keeps several states to start from. What
/// follows a match is cut off: one is enough.
fn flatten(dense: &dense::DFA<Vec<u32>>) -> Option<Dfa> {
    let classes = dense.byte_classes();
    // The last class is the end of the input.
    let class_count = classes.alphabet_len() - 1;
    let representatives: Vec<u8> = classes.representatives(0..=255).filter_map(|unit| unit.as_u8()).collect();
    let start = dense.start_state(&start::Config::new().anchored(Anchored::No)).ok()?;
    let mut numbers = Numbers { stride2: dense.stride2(), of: Vec::new(), order: Vec::new() };
    numbers.of(start);
    let mut dfa = Dfa {
        classes: std::array::from_fn(|byte| classes.get(byte as u8)),
        class_count,
        next: Vec::new(),
        at_end: Vec::new(),
        accepts: Vec::new(),
    };
    let mut state = 0;
    while let Some(&id) = numbers.order.get(state) {
        let accepts = dense.is_match_state(id);
        dfa.accepts.push(u32::from(accepts));
        dfa.at_end.push(dense.is_match_state(dense.next_eoi_state(id)));
        for &byte in &representatives {
            let next = if accepts { id } else { dense.next_state(id, byte) };
            if dense.is_quit_state(next) {
                return None;
            }
            dfa.next.push(numbers.of(next));
        }
        state += 1;
    }
    Some(dfa)
}

/// States in the order in which they are met.
struct Numbers {
    stride2: usize,
    /// By the library's number, ours plus one.
    of: Vec<u32>,
    order: Vec<StateID>,
}

impl Numbers {
    fn of(&mut self, id: StateID) -> u32 {
        // The library's numbers are offsets of rows.
        let row = id.as_usize() >> self.stride2;
        if self.of.len() <= row {
            self.of.resize(row + 1, 0);
        }
        if self.of[row] == 0 {
            self.order.push(id);
            self.of[row] = self.order.len() as u32;
        }
        self.of[row] - 1
    }
}

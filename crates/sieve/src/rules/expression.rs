//! Expressions, read and weighed, compiled when they are first asked.
//!
//! Reading a whole rule set takes a few milliseconds, compiling it some hundreds, and most rules never meet data that
//! they need to look at. So a file of rules is checked to the end, and an expression is compiled with its first candidate. To
//! compile cannot fail then: what could is an expression that grows too large, and that is weighed here.

use super::ascii;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use regex_syntax::hir::{Class, Hir, HirKind};
use std::sync::{Arc, OnceLock};

/// Heaviest expression, in [`weight`]s: about 100 MB of automaton.
const HEAVIEST: u64 = 2_000_000;

/// An expression in the syntax of the `regex` crate, over bytes, with Unicode on.
#[derive(Clone, Debug)]
pub struct Expression {
    text: Arc<str>,
    hir: Arc<OnceLock<Hir>>,
    is_built_in: bool,
}

/// The text says all.
impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// What does not parse, or would become too large.
    pub fn new(text: &str) -> Result<Self, String> {
        let hir = syntax::parse_with(text, &config()).map_err(|error| reason(&error))?;
        if weight(&hir) > HEAVIEST {
            return Err("the expression is too large; lower the counts in { }".to_owned());
        }
        Ok(Self { text: text.into(), hir: Arc::new(OnceLock::from(hir)), is_built_in: false })
    }

    /// One that comes with kernscope: that it can be read is tested, so it is read when it is first asked for.
    pub(super) fn built_in(text: &str) -> Self {
        Self { text: text.into(), hir: Arc::default(), is_built_in: true }
    }

    /// Whether it comes with kernscope.
    pub(crate) fn is_built_in(&self) -> bool {
        self.is_built_in
    }

    /// Reads an expression of something to find.
    ///
    /// # Errors
    /// Also when it matches the empty text.
    pub fn of_something(text: &str) -> Result<Self, String> {
        let expression = Self::new(text)?;
        match expression.hir().properties().minimum_len() {
            Some(0) => {
                Err("the expression matches the empty text, and so everywhere; ask for something".to_owned())
            }
            _ => Ok(expression),
        }
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it says.
    pub fn hir(&self) -> &Hir {
        self.hir
            .get_or_init(|| syntax::parse_with(&self.text, &config()).expect("a built-in expression parses"))
    }

    /// Number of its groups, the whole match not counted.
    pub fn groups(&self) -> usize {
        self.hir().properties().explicit_captures_len()
    }
}

/// The settings of `regex::bytes::Regex`.
fn config() -> syntax::Config {
    syntax::Config::new().utf8(false)
}

/// Compiles expressions of which any may match, as `regex::bytes` would.
///
/// # Panics
/// When the engine refuses one, which can only be for its size; that was weighed when it was read.
pub(crate) fn compile(hirs: impl Iterator<Item = Hir>) -> Regex {
    let hirs: Vec<Hir> = hirs.collect();
    let config = Regex::config().utf8_empty(false).nfa_size_limit(None);
    Regex::builder().configure(config).build_many_from_hir(&hirs).expect("a weighed expression compiles")
}

/// What is wrong, without the drawing of the whole expression.
fn reason(error: &regex_syntax::Error) -> String {
    match error {
        regex_syntax::Error::Parse(error) => {
            format!("{} at column {}", error.kind(), error.span().start.column)
        }
        regex_syntax::Error::Translate(error) => {
            format!("{} at column {}", error.kind(), error.span().start.column)
        }
        other => other.to_string(),
    }
}

/// How large an automaton may become of it, about: a byte is 1.
fn weight(hir: &Hir) -> u64 {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => literal.0.len() as u64,
        HirKind::Class(Class::Bytes(_)) => 1,
        HirKind::Class(Class::Unicode(class)) => class.ranges().len() as u64,
        HirKind::Repetition(repetition) => {
            let times = u64::from(repetition.max.unwrap_or(repetition.min).max(1));
            weight(&repetition.sub).saturating_mul(times)
        }
        HirKind::Capture(capture) => weight(&capture.sub).saturating_add(1),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().map(weight).fold(0, u64::saturating_add)
        }
    }
}

/// Expressions of which any may match.
#[derive(Clone, Debug, Default)]
pub struct AnyOf {
    list: Vec<Expression>,
    /// For texts that are ASCII.
    ascii: Arc<OnceLock<Regex>>,
    full: Arc<OnceLock<Regex>>,
}

impl PartialEq for AnyOf {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

impl AnyOf {
    /// Any of these.
    pub fn new(list: Vec<Expression>) -> Self {
        Self { list, ascii: Arc::default(), full: Arc::default() }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The expressions.
    pub fn list(&self) -> &[Expression] {
        &self.list
    }

    /// Whether one of them matches somewhere in `text`.
    pub fn is_match(&self, text: &[u8]) -> bool {
        let hirs = || self.list.iter().map(Expression::hir);
        !self.list.is_empty()
            && match text.is_ascii() {
                true => self.ascii.get_or_init(|| compile(hirs().map(ascii::only))),
                false => self.full.get_or_init(|| compile(hirs().cloned())),
            }
            .is_match(text)
    }
}

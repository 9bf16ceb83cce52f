//! An expression of a rule: its grammar is checked when the rule is read, and it is made ready when a text has in it what it cannot
//! match without ([`needs`](super::needs)), or when it has been asked often.
//!
//! Most rules of a run are never met, and to make all of them ready takes longer than many a command that is watched. Who asks often
//! is better served by what is ready: an automaton says no in fewer steps.
//!
//! Texts are bytes: `\w`, `\d`, `\s`, `\b` and `(?i)` know ASCII alone, unless `(?u)` says otherwise. Tables of all letters of the world
//! would be most of what expressions cost.

use super::needs::Needs;
use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

/// Texts that are looked at before an expression is made ready whatever they hold.
const ASKED_OFTEN: u32 = 256;

/// An expression.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    text: String,
    /// Copies of a rule share it.
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    needs: OnceLock<Needs>,
    asked: AtomicU32,
    ready: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// Takes an expression whose grammar is known to be good.
    pub(super) fn new(text: String) -> Self {
        Self { text, state: Arc::default() }
    }

    /// Makes it ready now.
    ///
    /// # Errors
    /// When it is no expression, or too large.
    pub(super) fn compile(&self) -> Result<(), String> {
        match build(&self.text) {
            Ok(regex) => {
                // Another thread has made the same.
                let _ = self.state.ready.set(Some(regex));
                Ok(())
            }
            Err(error) => Err(said(&error.to_string())),
        }
    }

    /// Whether it matches somewhere. One that cannot be made ready matches nothing; [`Pattern::compile`] says so beforehand.
    pub(super) fn is_match(&self, text: &str) -> bool {
        let state = &*self.state;
        let ready = match state.ready.get() {
            Some(ready) => ready,
            None => {
                let needs = state.needs.get_or_init(|| needs(&self.text));
                if state.asked.fetch_add(1, Relaxed) < ASKED_OFTEN && !needs.are_in(text.as_bytes()) {
                    return false;
                }
                state.ready.get_or_init(|| build(&self.text).ok())
            }
        };
        ready.as_ref().is_some_and(|regex| regex.is_match(text.as_bytes()))
    }
}

fn build(text: &str) -> Result<Regex, regex::Error> {
    // `\p{..}` and letters of other scripts in brackets are not to be had without tables.
    RegexBuilder::new(text).unicode(false).build().or_else(|_| Regex::new(text))
}

fn needs(text: &str) -> Needs {
    let parsed = ParserBuilder::new().unicode(false).utf8(false).build().parse(text);
    parsed.map_or_else(|_| Needs::nothing(), |hir| Needs::of(&hir))
}

/// What is wrong, in one line.
fn said(error: &str) -> String {
    let last = error.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
    format!("not a regular expression: {last}")
}

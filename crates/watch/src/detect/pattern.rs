//! An expression of a rule: its grammar is checked when the rule is read, and it is made ready when it is first asked.
//!
//! Most rules of a run are never asked, and to make all of them ready takes longer than many a command that is watched.

use regex::Regex;
use std::sync::{Arc, OnceLock};

/// An expression.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    text: String,
    /// Copies of a rule share it.
    ready: Arc<OnceLock<Option<Regex>>>,
}

impl Pattern {
    /// Checks the grammar.
    pub(super) fn new(text: String) -> Result<Self, String> {
        match regex_syntax::parse(&text) {
            Ok(_) => Ok(Self { text, ready: Arc::default() }),
            Err(error) => Err(said(&error.to_string())),
        }
    }

    /// Makes it ready now.
    ///
    /// # Errors
    /// When it is too large.
    pub(super) fn compile(&self) -> Result<(), String> {
        match Regex::new(&self.text) {
            Ok(regex) => {
                // Another thread has made the same.
                let _ = self.ready.set(Some(regex));
                Ok(())
            }
            Err(error) => Err(said(&error.to_string())),
        }
    }

    /// Whether it matches somewhere. One that cannot be made ready matches nothing; [`Pattern::compile`] says so beforehand.
    pub(super) fn is_match(&self, text: &str) -> bool {
        self.ready
            .get_or_init(|| Regex::new(&self.text).ok())
            .as_ref()
            .is_some_and(|regex| regex.is_match(text))
    }
}

/// What is wrong, in one line.
fn said(error: &str) -> String {
    let last = error.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
    format!("not a regular expression: {last}")
}

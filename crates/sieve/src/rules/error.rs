//! Why a file of rules is not used.

use crate::toml_error;
use std::fmt;

/// Why a file of rules is not used: line, rule and reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulesError {
    /// The line, counted from 1, where one is to blame.
    pub line: Option<usize>,
    /// The rule, where one is to blame.
    pub rule: Option<String>,
    /// What is wrong, and what would be right.
    pub cause: String,
}

impl RulesError {
    pub(super) fn new(cause: impl fmt::Display) -> Self {
        Self { line: None, rule: None, cause: toml_error::joined(&cause.to_string()) }
    }

    /// What the TOML reader says.
    pub(super) fn toml(text: &str, error: &toml::de::Error) -> Self {
        Self { line: toml_error::line(text, error), ..Self::new(error.message()) }
    }

    pub(super) fn at(mut self, line: usize) -> Self {
        self.line.get_or_insert(line);
        self
    }

    pub(super) fn of(mut self, rule: &str) -> Self {
        self.rule.get_or_insert_with(|| rule.to_owned());
        self
    }
}

impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "read rules: ")?;
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if let Some(rule) = &self.rule {
            write!(f, "rule {rule:?}: ")?;
        }
        write!(f, "{}", self.cause)
    }
}

impl std::error::Error for RulesError {}

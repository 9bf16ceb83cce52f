//! Why a file of detections is not used.

use kernscope_sieve::toml_error;
use std::fmt;

/// Why a file of detections is not used: rule, key and reason, in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetectionsError {
    /// The rule, where one is to blame.
    pub rule: Option<String>,
    /// What is wrong, and what would be right.
    pub cause: String,
}

impl DetectionsError {
    pub(super) fn new(cause: impl fmt::Display) -> Self {
        Self { rule: None, cause: toml_error::joined(&cause.to_string()) }
    }

    pub(super) fn of(rule: &str, cause: impl fmt::Display) -> Self {
        Self { rule: Some(rule.to_owned()), ..Self::new(cause) }
    }

    /// What the TOML reader says, with the line.
    pub(super) fn toml(text: &str, error: &toml::de::Error) -> Self {
        Self { rule: None, cause: toml_error::one_line(text, error) }
    }
}

impl fmt::Display for DetectionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "read detections: ")?;
        if let Some(rule) = &self.rule {
            write!(f, "rule {rule:?}: ")?;
        }
        write!(f, "{}", self.cause)
    }
}

impl std::error::Error for DetectionsError {}

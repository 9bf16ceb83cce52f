//! Why a file of detections is not used.

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
        let cause = cause.to_string();
        let lines = cause.lines().map(str::trim).filter(|line| !line.is_empty());
        Self { rule: None, cause: lines.collect::<Vec<_>>().join(", ") }
    }

    pub(super) fn of(rule: &str, cause: impl fmt::Display) -> Self {
        Self { rule: Some(rule.to_owned()), ..Self::new(cause) }
    }

    /// What the TOML reader says, with the line.
    pub(super) fn toml(text: &str, error: &toml::de::Error) -> Self {
        let line = error.span().map(|span| text[..span.start].matches('\n').count() + 1);
        match line {
            Some(line) => Self::new(format_args!("line {line}: {}", error.message())),
            None => Self::new(error.message()),
        }
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

//! What is told when the kernel does not take something.

use super::privilege;
use crate::probe::verdict_line;
use crate::program::ProgramType;
use crate::sys;
use std::fmt;
use std::io;

/// Lines of the verifier's log that an error shows.
const LOG_LINES: usize = 12;

/// Why an object, a program or a map is not in the kernel.
#[derive(Debug)]
pub struct LoadError {
    /// What was tried.
    pub act: &'static str,
    /// On what.
    pub object: String,
    /// What came back; for a verifier error the last lines of its log.
    pub cause: String,
    /// What would help; may be empty.
    pub fix: String,
    /// All that the verifier said; may be empty.
    pub log: String,
}

impl LoadError {
    pub(crate) fn new(act: &'static str, object: &str, cause: impl fmt::Display) -> Self {
        let (cause, fix, log) = (cause.to_string(), String::new(), String::new());
        Self { act, object: object.to_owned(), cause, fix, log }
    }

    /// In one line: of what the verifier said, the line that says what is wrong.
    pub fn brief(&self) -> String {
        let cause = match self.cause.split_once('\n') {
            Some((first, _)) => format!("{first} {}", verdict_line(&self.log)),
            None => self.cause.clone(),
        };
        let fix = if self.fix.is_empty() { String::new() } else { format!("; {}", self.fix) };
        format!("{} {}: {cause}{fix}", self.act, self.object)
    }

    /// With what would help.
    pub(super) fn fix(self, fix: impl Into<String>) -> Self {
        Self { fix: fix.into(), ..self }
    }

    /// A program that the kernel refused.
    pub(super) fn refused(object: &str, kind: ProgramType, refused: sys::LoadError) -> Self {
        let fix = privilege::fix(&refused.err, Some(kind));
        Self { fix, ..Self::verifier("load", object, &refused.err, refused.log) }
    }

    /// A map that the kernel refused.
    pub(super) fn map(act: &'static str, object: &str, err: &io::Error) -> Self {
        Self::new(act, object, err).fix(privilege::fix(err, None))
    }

    /// An errno, and what the verifier wrote before it.
    pub(super) fn verifier(act: &'static str, object: &str, err: &io::Error, log: String) -> Self {
        let lines: Vec<&str> = log.lines().filter(|line| !line.is_empty()).collect();
        let tail = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n    ");
        let cause =
            if tail.is_empty() { err.to_string() } else { format!("{err}; the verifier:\n    {tail}") };
        Self { log, ..Self::new(act, object, cause) }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.act, self.object, self.cause)?;
        if self.fix.is_empty() { Ok(()) } else { write!(f, "; {}", self.fix) }
    }
}

impl std::error::Error for LoadError {}

/// Why a map, a test run or a link did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[error("{act} {object}: {cause}")]
pub struct UseError {
    /// What was tried.
    pub act: &'static str,
    /// On what.
    pub object: String,
    /// What came back.
    pub cause: io::Error,
}

impl UseError {
    pub(super) fn new(act: &'static str, object: impl Into<String>, cause: io::Error) -> Self {
        Self { act, object: object.into(), cause }
    }

    /// A map that was to hold a filter's tables, and has another size.
    pub(crate) fn other_tables(map: &str) -> Self {
        Self::invalid(
            "update",
            format!("map {map}"),
            "it is of a program with other tables; load the filter anew",
        )
    }

    /// Something that the kernel need not be asked for.
    pub(super) fn invalid(act: &'static str, object: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new(act, object, io::Error::new(io::ErrorKind::InvalidInput, why.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_the_end_of_the_log_and_keeps_all_of_it() {
        let log: String = (0..40).map(|n| format!("line {n}\n")).collect();
        let error =
            LoadError::verifier("load", "p", &io::Error::from_raw_os_error(libc::EACCES), log.clone());
        assert_eq!(error.log, log);
        let error = error.fix("do that");
        let brief = "load p: Permission denied (os error 13); the verifier: line 39; do that";
        assert_eq!(error.brief(), brief);
        let told = error.to_string();
        assert!(told.starts_with("load p: Permission denied (os error 13); the verifier:\n"), "{told}");
        assert!(told.contains("line 28") && !told.contains("line 27"), "{told}");
        assert!(told.ends_with("line 39; do that"), "{told}");
    }
}

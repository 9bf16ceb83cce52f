//! How a run that cannot go on ends: one line on standard error and a status.

use crate::stream::note;
use std::fmt::Display;
use std::process::ExitCode;

/// Wrong command line or set-up.
pub(crate) const USAGE: u8 = 2;
/// The run broke off.
pub(crate) const BROKEN: u8 = 1;

/// One line, and the status to end with.
#[derive(Debug)]
pub(crate) struct Failure {
    status: u8,
    line: String,
}

impl Failure {
    /// A wrong command line or set-up.
    pub(crate) fn usage(line: impl Display) -> Self {
        Self::with_status(USAGE, line)
    }

    /// Any status. Of a cause that has several lines, one is made.
    pub(crate) fn with_status(status: u8, line: impl Display) -> Self {
        let text = line.to_string();
        let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        Self { status, line: lines.join(" ") }
    }

    /// What it says.
    #[cfg(test)]
    pub(crate) fn line(&self) -> &str {
        &self.line
    }

    /// Says the line; gives the status.
    pub(crate) fn tell(&self) -> ExitCode {
        note(&self.line);
        ExitCode::from(self.status)
    }
}

/// What every subcommand gives.
pub(crate) type Outcome = Result<ExitCode, Failure>;

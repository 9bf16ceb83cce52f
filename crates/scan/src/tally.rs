//! What became of everything that was met.

use crate::{Found, User};
use std::collections::BTreeMap;

/// Counts that add up: all that was met was scanned, set aside, or lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// What was met, by sort: `file`, `member` (of an archive), `blob` (of a history), `stream`;
    /// `history`: one that is cut short, or part of one that could not be walked.
    pub seen_by: BTreeMap<&'static str, u64>,
    /// Scanned to the end (`scanned`), or left out for a reason that was asked for.
    pub filtered_by: BTreeMap<&'static str, u64>,
    /// Not scanned, or not to the end, by cause.
    pub lost_by: BTreeMap<&'static str, u64>,
    /// Bytes that rules looked at.
    pub bytes: u64,
}

impl Tally {
    pub(crate) fn seen(&mut self, sort: &'static str) {
        *self.seen_by.entry(sort).or_default() += 1;
    }

    pub(crate) fn filtered(&mut self, reason: &'static str) {
        *self.filtered_by.entry(reason).or_default() += 1;
    }

    pub(crate) fn lost(&mut self, cause: &'static str) {
        *self.lost_by.entry(cause).or_default() += 1;
    }

    /// Adds another's counts.
    pub fn add(&mut self, other: &Tally) {
        let maps = [
            (&mut self.seen_by, &other.seen_by),
            (&mut self.filtered_by, &other.filtered_by),
            (&mut self.lost_by, &other.lost_by),
        ];
        for (own, other) in maps {
            other.iter().for_each(|(key, count)| *own.entry(key).or_default() += count);
        }
        self.bytes += other.bytes;
    }
}

/// Something that could not be scanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What was tried, on what, why it failed, and what would help; one line.
    pub line: String,
}

/// What an error says, in one line.
pub(crate) fn one_line(error: &dyn std::fmt::Display) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What one file held, with all that is in it.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Findings, in order.
    pub found: Vec<Found>,
    /// Counts.
    pub tally: Tally,
    /// What could not be scanned.
    pub troubles: Vec<Trouble>,
    /// Who used it, where files are looked at as they are used.
    pub user: Option<User>,
}

impl Outcome {
    /// Counts a loss, and says it.
    pub(crate) fn lose(&mut self, cause: &'static str, line: impl std::fmt::Display) {
        self.tally.lost(cause);
        self.troubles.push(Trouble { line: line.to_string() });
    }
}

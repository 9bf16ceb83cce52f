//! Passed, failed, skipped: counted over every kind of test.

use std::fmt;
use std::iter::Sum;
use std::ops::Add;

/// How many tests ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Passed.
    pub(crate) passed: u64,
    /// Failed.
    pub(crate) failed: u64,
    /// Skipped; each was told with its reason.
    pub(crate) skipped: u64,
}

impl Tally {
    /// `count` that passed.
    pub(crate) fn passed(count: u64) -> Tally {
        Tally { passed: count, ..Tally::default() }
    }

    /// `count` that failed.
    pub(crate) fn failed(count: u64) -> Tally {
        Tally { failed: count, ..Tally::default() }
    }

    /// `count` that were skipped.
    pub(crate) fn skipped(count: u64) -> Tally {
        Tally { skipped: count, ..Tally::default() }
    }

    /// Reads a test runner's closing line: libtest's, nextest's, that of the case runner, or our own. One of libtest's that is
    /// indented is part of what nextest shows of a test that failed, perhaps once only; nextest counts that itself.
    pub(crate) fn parse(line: &str) -> Option<Tally> {
        if line.trim_start().starts_with("test result:") && line.starts_with(' ') {
            return None;
        }
        let words: Vec<_> =
            line.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let count = |name: &[&str]| {
            let pair = words.windows(2).find(|pair| name.contains(&pair[1]))?;
            pair[0].parse().ok()
        };
        let passed = count(&["passed"])?;
        let failed = count(&["failed"]);
        let skipped = count(&["skipped", "ignored"]);
        if failed.is_none() && skipped.is_none() {
            return None;
        }
        Some(Tally { passed, failed: failed.unwrap_or(0), skipped: skipped.unwrap_or(0) })
    }
}

impl Add for Tally {
    type Output = Tally;
    fn add(self, other: Tally) -> Tally {
        Tally {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }
}

impl Sum for Tally {
    fn sum<I: Iterator<Item = Tally>>(tallies: I) -> Tally {
        tallies.fold(Tally::default(), Add::add)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_of_all_runners() {
        let tally = |passed, failed, skipped| Some(Tally { passed, failed, skipped });
        let libtest =
            "test result: ok. 12 passed; 0 failed; 3 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        assert_eq!(Tally::parse(libtest), tally(12, 0, 3));
        assert_eq!(Tally::parse(&format!("    {libtest}")), None);
        let nextest = "     Summary [   0.005s] 5 tests run: 4 passed, 1 failed, 2 skipped";
        assert_eq!(Tally::parse(nextest), tally(4, 1, 2));
        let flaky = "     Summary [   0.005s] 5 tests run: 5 passed (2 slow, 1 flaky), 2 skipped";
        assert_eq!(Tally::parse(flaky), tally(5, 0, 2));
        assert_eq!(Tally::parse("cases: 60 passed, 0 failed, 2 skipped, 40 compared"), tally(60, 0, 2));
        assert_eq!(Tally::parse(&Tally { passed: 1, failed: 2, skipped: 3 }.to_string()), tally(1, 2, 3));
        assert_eq!(Tally::parse("ok   exec_argv [ebpf]"), None);
        assert_eq!(Tally::parse("3 passed the gate"), None);
    }
}

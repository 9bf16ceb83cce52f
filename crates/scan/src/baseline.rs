//! Findings that are known and accepted.
//!
//! A line each: the fingerprint, then the rule and the path for people, who may add `# why`. Order does not matter; the
//! file is written sorted by path, so that a change is a small one.

use std::collections::{BTreeSet, HashSet};

const HEAD: &str =
    "# Findings that are accepted: fingerprint, rule, path. Written by kernscope scan --write-baseline.\n";

/// Findings that are known and accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline(HashSet<String>);

/// A line that names no finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// The line, counted from 1.
    pub line: usize,
}

impl std::fmt::Display for BadLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {} does not begin with a fingerprint of 32 hexadecimal digits; remove it", self.line)
    }
}

impl std::error::Error for BadLine {}

impl Baseline {
    /// Reads a file.
    ///
    /// # Errors
    /// A line that names no finding.
    pub fn parse(text: &str) -> Result<Self, BadLine> {
        let mut known = HashSet::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let name = line.split_whitespace().next().unwrap_or_default();
            if name.len() != 32 || !name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(BadLine { line: number + 1 });
            }
            known.insert(name.to_ascii_lowercase());
        }
        Ok(Self(known))
    }

    /// Whether a finding of this name is accepted.
    pub fn has(&self, fingerprint: &str) -> bool {
        self.0.contains(fingerprint)
    }
}

/// Lines of a baseline to be.
#[derive(Clone, Debug, Default)]
pub struct Writer(BTreeSet<(String, String, String)>);

impl Writer {
    /// Notes a finding. Path and rule are for people: what would break the line is left out.
    pub fn note(&mut self, fingerprint: &str, rule: &str, path: &str) {
        let plain = |text: &str| text.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
        self.0.insert((plain(path), plain(rule), fingerprint.to_owned()));
    }

    /// The file.
    pub fn text(&self) -> String {
        let lines = self.0.iter().map(|(path, rule, name)| format!("{name} {rule} {path}\n"));
        std::iter::once(HEAD.to_owned()).chain(lines).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let mut writer = Writer::default();
        let (one, two) = ("0123456789abcdef0123456789abcdef", "00000000000000000000000000000000");
        writer.note(one, "r", "b\nc");
        writer.note(two, "r s", "a");
        let text = writer.text();
        assert!(text.find(two) < text.find(one), "sorted by path");
        let baseline = Baseline::parse(&text.replace('b', "B")).expect("parses");
        assert!(baseline.has(one) && baseline.has(two) && !baseline.has("1"));
    }

    #[test]
    fn a_bad_line_is_named() {
        let error = Baseline::parse("# ok\n\nxyz rule path").expect_err("bad");
        assert_eq!(error.line, 3);
    }
}

//! Findings that are known and accepted.
//!
//! A line each: the fingerprint, then the rule and the path for people, who may add `# why`. Order does not matter; the
//! file is written sorted by path, so that a change is a small one.

use std::collections::{BTreeSet, HashMap};

const HEAD: &str =
    "# Findings that are accepted: fingerprint, rule, path. Written by kernscope scan --write-baseline.\n";

/// Findings that are known and accepted, with what people wrote behind them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline(HashMap<String, String>);

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
        let mut known = HashMap::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let name = line.split_whitespace().next().unwrap_or_default();
            if name.len() != 32 || !name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(BadLine { line: number + 1 });
            }
            let why = line.split_once(" # ").map_or(String::new(), |(_, why)| why.to_owned());
            known.insert(name.to_ascii_lowercase(), why);
        }
        Ok(Self(known))
    }

    /// Whether a finding of this name is accepted.
    pub fn has(&self, fingerprint: &str) -> bool {
        self.0.contains_key(fingerprint)
    }

    /// What people wrote behind it; nothing where they did not.
    fn why(&self, fingerprint: &str) -> &str {
        self.0.get(fingerprint).map_or("", String::as_str)
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

    /// The file; what people wrote in the one `before` is kept.
    pub fn text(&self, before: &Baseline) -> String {
        let lines = self.0.iter().map(|(path, rule, name)| match before.why(name) {
            "" => format!("{name} {rule} {path}\n"),
            why => format!("{name} {rule} {path} # {why}\n"),
        });
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
        let text = writer.text(&Baseline::default());
        assert!(text.find(two) < text.find(one), "sorted by path");
        let baseline = Baseline::parse(&text.replace('b', "B")).expect("parses");
        assert!(baseline.has(one) && baseline.has(two) && !baseline.has("1"));
        let explained = Baseline::parse(&text.replace(" a\n", " a # an old # key\n")).expect("parses");
        assert!(writer.text(&explained).contains("r s a # an old # key\n"), "reasons are kept");
    }

    #[test]
    fn a_bad_line_is_named() {
        let error = Baseline::parse("# ok\n\nxyz rule path").expect_err("bad");
        assert_eq!(error.line, 3);
    }
}

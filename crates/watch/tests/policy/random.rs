//! Random names and patterns over them, of so few letters that many match.

use std::path::{Path, PathBuf};

/// Numbers that look random and are the same in each run (xorshift64*).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    /// One below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn joined(&mut self, most: usize, of: &[&str]) -> String {
        (0..=self.below(most)).map(|_| self.one(of)).collect()
    }

    /// A file somewhere below a directory.
    pub(crate) fn file(&mut self, root: &Path) -> PathBuf {
        let mut path = root.to_owned();
        for _ in 0..self.below(5) {
            path.push(format!("d{}", self.joined(2, &["a", "b"])));
        }
        path.join(self.joined(4, &["a", "b", "-", "x"]) + "f")
    }

    /// A pattern for such files, with a root in front or without.
    pub(crate) fn pattern(&mut self, root: &str) -> String {
        let mut names: Vec<String> = Vec::new();
        for _ in 0..self.below(4) {
            let is_any = self.below(3) == 0 && names.last().is_none_or(|last| last != "**");
            names.push(if is_any { "**".into() } else { self.name("d") });
        }
        let is_any = self.below(6) == 0 && names.last().is_some_and(|last| last != "**");
        names.push(if is_any { "**".into() } else { self.last() });
        let root = if self.below(3) == 0 { String::new() } else { format!("{root}/") };
        format!("{root}{}", names.join("/"))
    }

    fn last(&mut self) -> String {
        (self.name("") + self.one(&["f", "*", "?"])).replace("**", "*")
    }

    fn name(&mut self, first: &str) -> String {
        let first = if self.below(3) == 0 { "" } else { first };
        let pieces = self.joined(4, &["a", "b", "-", "x", "*", "?"]);
        format!("{first}{pieces}").replace("***", "*").replace("**", "*")
    }
}

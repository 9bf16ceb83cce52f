//! What names a finding, wherever in its file it moves.
//!
//! A hash over rule, path below the root, secret, and which of the same secrets of that file it is; commits and lines are
//! not in it. It tells nobody the secret, but who guesses a weak one can see that the guess is right.

use crate::Found;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

/// Gives names, findings coming in order. Remembers one file at a time.
#[derive(Debug, Default)]
pub struct Fingerprints {
    file: Option<Arc<[u8]>>,
    counts: HashMap<[u8; 16], u64>,
}

impl Fingerprints {
    /// What comes next is of another look, perhaps at the same file.
    pub fn begin(&mut self) {
        self.file = None;
    }

    /// The name of the next finding, of a rule of this name: 32 hexadecimal digits.
    pub fn next(&mut self, rule: &str, found: &Found) -> String {
        if self.file.as_ref() != Some(&found.below) {
            self.counts.clear();
            self.file = Some(Arc::clone(&found.below));
        }
        let same = hash(&[rule.as_bytes(), &found.below, &found.at.secret]);
        let count = self.counts.entry(same).or_default();
        let number = *count;
        *count += 1;
        let name = if number == 0 { same } else { hash(&[&same, &number.to_le_bytes()]) };
        name.iter().fold(String::with_capacity(32), |mut text, byte| {
            // Writing to a String does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// Of parts that cannot run into one another.
fn hash(parts: &[&[u8]]) -> [u8; 16] {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update((part.len() as u64).to_le_bytes());
        sha.update(part);
    }
    let digest = sha.finalize();
    std::array::from_fn(|at| digest[at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernscope_sieve::matcher::Located;

    fn found(below: &str, secret: &str, line: u64) -> Found {
        let at = Located { secret: secret.into(), line, ..Located::path_alone(0) };
        Found { path: (*b"x").into(), below: below.as_bytes().into(), commit: None, at }
    }

    #[test]
    fn lines_do_not_matter_and_all_else_does() {
        let name = |rule: &str, found: &Found| Fingerprints::default().next(rule, found);
        let first = name("r", &found("a", "s", 1));
        assert_eq!(first, name("r", &found("a", "s", 99)));
        assert_eq!(first.len(), 32);
        for other in
            [name("q", &found("a", "s", 1)), name("r", &found("b", "s", 1)), name("r", &found("a", "t", 1))]
        {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn the_same_secret_twice_has_two_names() {
        let mut names = Fingerprints::default();
        let two = [names.next("r", &found("a", "s", 1)), names.next("r", &found("a", "s", 2))];
        assert_ne!(two[0], two[1]);
        names.begin();
        assert_eq!(names.next("r", &found("a", "s", 1)), two[0]);
        assert_eq!(
            names.next("r", &found("b", "s", 1)),
            Fingerprints::default().next("r", &found("b", "s", 9))
        );
    }
}

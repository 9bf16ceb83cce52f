//! Whether the built-in rules can find anything in a short text, told without laying them out.
//!
//! Each rule but those of [`WITHOUT`] asks for one of its keywords, so in a text without any there is nothing. Laying the rules out
//! takes tens of milliseconds, reading their keywords well under one; most commands have none.

use super::builtin::FILES;
use std::sync::LazyLock;

/// How keywords stand in the files; that this is all of them is tested.
const KEYWORDS: &str = "\nkeywords = [";

/// Rules that have no keywords and look at content: a byte that every match holds so often. `*:*:*:*:password` of PostgreSQL, and 64
/// numbers in a list.
const WITHOUT: [(&str, u8, usize); 2] = [("postgres-pgpass", b':', 4), ("solana-keypair", b',', 63)];

static WORDS: LazyLock<Words> = LazyLock::new(Words::read);

/// Keywords in lower case, by their first byte.
struct Words {
    by_first: [Vec<Vec<u8>>; 256],
}

impl Words {
    fn read() -> Self {
        let mut by_first: [Vec<Vec<u8>>; 256] = std::array::from_fn(|_| Vec::new());
        for (_, text) in FILES {
            for (at, sign) in text.match_indices(KEYWORDS) {
                for word in quoted(&text[at + sign.len()..]) {
                    let word = word.to_ascii_lowercase().into_bytes();
                    let first = &mut by_first[usize::from(word[0])];
                    if !first.contains(&word) {
                        first.push(word);
                    }
                }
            }
        }
        Self { by_first }
    }

    fn is_in(&self, text: &[u8]) -> bool {
        text.iter().enumerate().any(|(at, byte)| {
            self.by_first[usize::from(byte.to_ascii_lowercase())]
                .iter()
                .any(|word| text.get(at..at + word.len()).is_some_and(|here| here.eq_ignore_ascii_case(word)))
        })
    }
}

/// The texts in double quotes up to the end of the list.
fn quoted(list: &str) -> impl Iterator<Item = String> {
    let mut rest = list.chars();
    std::iter::from_fn(move || {
        rest.by_ref().find(|c| matches!(c, '"' | ']')).filter(|c| *c == '"')?;
        let mut text = String::new();
        loop {
            match rest.next()? {
                '"' => return Some(text).filter(|text| !text.is_empty()),
                // No other escape is used.
                '\\' => text.push(rest.next()?),
                other => text.push(other),
            }
        }
    })
}

/// Whether a built-in rule may find something in a text, wherever it is from; if not, none does. For texts of a few hundred bytes:
/// where there is more, [`crate::matcher::Matcher::find`] is quicker.
///
/// ```
/// use kernscope_sieve::rules::may_hold_builtin;
/// assert!(!may_hold_builtin(b"make -j8 all"));
/// assert!(may_hold_builtin(b"curl -H 'X-Token: glpat-...'"));
/// ```
pub fn may_hold_builtin(text: &[u8]) -> bool {
    let often =
        |(_, byte, times): &(&str, u8, usize)| text.iter().filter(|one| *one == byte).count() >= *times;
    WITHOUT.iter().any(often) || WORDS.is_in(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Pattern, RuleSet};
    use std::collections::BTreeSet;

    #[test]
    fn all_keywords_are_read_and_no_more() {
        let set = RuleSet::builtin();
        let all: BTreeSet<&Vec<u8>> = set.rules.iter().flat_map(|rule| &rule.keywords).collect();
        let read: BTreeSet<&Vec<u8>> = WORDS.by_first.iter().flatten().collect();
        assert_eq!(read, all);
        assert_eq!(WORDS.by_first.iter().flatten().count(), all.len());
    }

    #[test]
    fn rules_without_keywords_are_known() {
        let set = RuleSet::builtin();
        let looks =
            |rule: &&crate::rules::Rule| rule.keywords.is_empty() && !matches!(rule.pattern, Pattern::Path);
        let without: Vec<&str> = set.rules.iter().filter(looks).map(|rule| rule.id.as_str()).collect();
        assert_eq!(without, WITHOUT.map(|(id, ..)| id));
    }

    #[test]
    fn no_example_is_left_out() {
        let set = RuleSet::builtin();
        for rule in set.rules.iter().filter(|rule| !matches!(rule.pattern, Pattern::Path)) {
            for example in &rule.examples {
                assert!(may_hold_builtin(example.as_bytes()), "{}: {example}", rule.id);
            }
        }
    }

    #[test]
    fn ordinary_commands_have_none() {
        for command in [
            "ls -la /tmp/build",
            "make -j8 all",
            "git status --short",
            "sh -c true",
            "cargo build --release",
            "sleep 1000",
        ] {
            assert!(!may_hold_builtin(command.as_bytes()), "{command}");
        }
    }
}

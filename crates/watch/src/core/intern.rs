//! Names that come again and again, stored once.

use kernscope_report::text;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// A name shared by all records that carry it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The name as text.
    pub text: Arc<str>,
    /// It was not UTF-8, and is escaped.
    pub escaped: bool,
}

/// At most this many names are remembered; then it forgets them all and starts again. Records keep theirs.
const MAX_NAMES: usize = 4096;

/// Longer names are not remembered.
const MAX_LEN: usize = 1024;

/// Gives the same [`Name`] for the same bytes, without an allocation when they were met before.
#[derive(Debug, Default)]
pub(super) struct Interner(HashMap<Box<[u8]>, Name>);

impl Interner {
    pub(super) fn name(&mut self, bytes: &[u8]) -> Name {
        if let Some(name) = self.0.get(bytes) {
            return name.clone();
        }
        let text = text::escape(bytes);
        let name = Name { escaped: matches!(text, Cow::Owned(_)), text: Arc::from(&*text) };
        if bytes.len() <= MAX_LEN {
            if self.0.len() >= MAX_NAMES {
                self.0.clear();
            }
            self.0.insert(bytes.into(), name.clone());
        }
        name
    }

    /// As [`Interner::name`] for text that has been escaped already.
    pub(super) fn text(&mut self, text: &str, escaped: bool) -> Name {
        if escaped {
            return Name { text: Arc::from(text), escaped };
        }
        self.name(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_share_one_name() {
        let mut interner = Interner::default();
        let first = interner.name(b"bash");
        assert!(Arc::ptr_eq(&first.text, &interner.name(b"bash").text));
        assert!(!first.escaped);
        let other = interner.name(b"\xff");
        assert_eq!((&*other.text, other.escaped), ("\\xff", true));
    }

    #[test]
    fn it_stays_bounded() {
        let mut interner = Interner::default();
        for i in 0..3 * MAX_NAMES {
            interner.name(i.to_string().as_bytes());
        }
        assert!(interner.0.len() <= MAX_NAMES);
    }
}

//! Lists of paths, compiled to the table that kernel and userspace judge by ([`kernscope_abi::paths`]).
//!
//! ```
//! use kernscope_watch::policy::paths::{Class, List, Places, Table};
//! let places = Places { home: "/home/u".into(), cwd: "/home/u/work".into() };
//! let mut table = Table::builder(places);
//! table.add(Class::Read, List::Deny, b"~/.ssh/**")?;
//! table.add(Class::Read, List::Except, b"~/.ssh/known_hosts")?;
//! let table = table.build()?;
//! assert_eq!(table.denied(b"/home/u/.ssh/id_rsa", Class::Read, false), Some("~/.ssh/**"));
//! assert_eq!(table.denied(b"/home/u/.ssh/known_hosts", Class::Read, false), None);
//! # Ok::<(), kernscope_watch::policy::paths::ListError>(())
//! ```

mod judge;
mod pattern;
#[cfg(test)]
mod tests;
mod trie;

pub use pattern::{MAX_PATTERN_BYTES, Pattern, PatternError, Places};
pub use trie::MAX_SLOTS;

use kernscope_abi::paths::{self, ALLOW, CLASS_BITS, DENY, EXCEPT, GUARD, Slot};
use std::sync::Arc;
use trie::{Trie, Way};

/// What is done with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Its content is read, or a directory listed.
    Read,
    /// It is written, made, removed, renamed, linked, or its attributes are changed.
    Write,
    /// It is executed.
    Exec,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Exec];

    /// Its number in the table.
    pub fn number(self) -> u32 {
        match self {
            Self::Read => paths::READ,
            Self::Write => paths::WRITE,
            Self::Exec => paths::EXEC,
        }
    }

    /// Its name in a policy and in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Exec => "exec",
        }
    }
}

/// Which list a pattern is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// Allowed; with such a list what is on none is denied.
    Allow,
    /// Denied.
    Deny,
    /// Allowed although it is on the list of what is denied.
    Except,
}

impl List {
    /// All of them, in the order in which a policy is read.
    pub const ALL: [Self; 3] = [Self::Deny, Self::Allow, Self::Except];

    /// Its name in a policy.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Allow => "allow",
            Self::Except => "except",
        }
    }

    fn bits(self) -> u32 {
        match self {
            Self::Allow => ALLOW,
            Self::Deny => DENY,
            Self::Except => EXCEPT,
        }
    }
}

/// Why a list cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// One of its patterns is none.
    #[error("read pattern {pattern:?}: {why}")]
    Pattern {
        /// As written.
        pattern: String,
        /// What is wrong with it.
        why: PatternError,
    },
    /// More patterns than the table has room for.
    #[error(
        "compile {0} patterns: the table has room for {MAX_SLOTS} nodes, and they need more; use fewer, or ** for whole directories"
    )]
    Full(usize),
}

/// Takes patterns in.
#[derive(Clone, Debug)]
pub struct Builder {
    places: Places,
    guards_all: bool,
    ways: Vec<Way>,
    patterns: Vec<Arc<str>>,
}

impl Builder {
    /// Puts a guard on the directories above everything that is listed, not only above what is denied.
    #[must_use]
    pub fn guarding_all(self) -> Self {
        Self { guards_all: true, ..self }
    }

    /// Adds a pattern to a list.
    ///
    /// # Errors
    /// When it is no pattern.
    pub fn add(&mut self, class: Class, list: List, text: &[u8]) -> Result<(), ListError> {
        let shown = String::from_utf8_lossy(text);
        let failed = |why| ListError::Pattern { pattern: shown.clone().into_owned(), why };
        let pattern = Pattern::parse(text, &self.places).map_err(failed)?;
        let number = u32::try_from(self.patterns.len()).map_err(|_| ListError::Full(self.patterns.len()))?;
        let accept = list.bits() << (class.number() * CLASS_BITS);
        let way = |accept, pattern| move |spelling| Way { spelling, accept, pattern };
        self.ways.extend(pattern.spellings().map_err(failed)?.into_iter().map(way(accept, Some(number))));
        if list == List::Deny || self.guards_all {
            self.ways.extend(pattern.guards().map_err(failed)?.into_iter().map(way(GUARD, None)));
        }
        self.patterns.push(shown.into());
        Ok(())
    }

    /// Compiles what was added.
    ///
    /// # Errors
    /// When there is not enough room.
    pub fn build(self) -> Result<Table, ListError> {
        let patterns = self.patterns;
        let trie = Trie::build(self.ways).map_err(|trie::Full| ListError::Full(patterns.len()))?;
        Ok(Table { trie, patterns })
    }
}

/// The compiled lists.
#[derive(Clone, Debug, Default)]
pub struct Table {
    trie: Trie,
    patterns: Vec<Arc<str>>,
}

impl Table {
    /// Lists to be filled.
    pub fn builder(places: Places) -> Builder {
        Builder { places, guards_all: false, ways: Vec::new(), patterns: Vec::new() }
    }

    /// The table, as the kernel's programs take it: a multiple of [`paths::SYMBOLS`] slots, at most [`MAX_SLOTS`].
    pub fn slots(&self) -> &[Slot] {
        &self.trie.slots
    }

    /// Number of patterns.
    pub fn len(&self) -> usize {
        self.patterns.len()
    }

    /// Whether no pattern is on any list.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The accept bits of an absolute path.
    pub fn bits(&self, path: &[u8]) -> u32 {
        let mut bits = 0;
        judge::judge(&self.trie.slots, path, |_, accept| bits |= accept);
        bits
    }

    /// Whether an absolute path is denied, and by which pattern: `""` where it is on no list and `by_default` says so.
    pub fn denied(&self, path: &[u8], class: Class, by_default: bool) -> Option<&str> {
        let (mut bits, mut by) = (0, None);
        let denies = DENY << (class.number() * CLASS_BITS);
        judge::judge(&self.trie.slots, path, |slot, accept| {
            bits |= accept;
            if accept & denies != 0 {
                let ends = self.trie.ends.get(&slot).into_iter().flatten();
                by = by.or_else(|| {
                    ends.filter(|(_, bits)| bits & denies != 0).map(|(pattern, _)| *pattern).min()
                });
            }
        });
        let denied = paths::denied(bits, class.number(), by_default);
        denied.then(|| by.and_then(|by| self.patterns.get(by as usize)).map_or("", |text| &**text))
    }
}

//! A whole rule set as one condition: met by all data that any of its rules could match.
//!
//! Rules are data here; `kernscope-sieve` reads them from files.
//!
//! ```
//! use kernscope_kit::compile::oracle;
//! use kernscope_kit::compile::rules::{Pattern, Rule, Rules};
//!
//! let rule = Rule {
//!     id: "github-pat".to_owned(),
//!     keywords: vec![b"ghp_".to_vec()],
//!     pattern: Pattern::Regex("ghp_[0-9a-zA-Z]{36}".to_owned()),
//! };
//! let condition = Rules { rules: vec![rule], paths_only: vec![] }.content();
//! assert!(!oracle::matches(&condition, b"nothing of the kind"));
//! ```
//!
//! A rule with rare keywords is asked for those. The keywords of others - `key`, `s.` - are in most data; of their
//! expressions the rarest text is sought, and where it occurs, what follows it there. All of that is one pass. Only for
//! rules without a text a run of a class, or an automaton, is another.

mod condition;

use super::content::Content;

/// A rule, as far as content matters.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name.
    pub id: String,
    /// Literals of which one must occur, in any case of ASCII letters; none where nothing is said.
    pub keywords: Vec<Vec<u8>>,
    /// What matches.
    pub pattern: Pattern,
}

/// What a rule looks for.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// An expression, as it is written.
    Regex(String),
    /// Something else, exactly.
    Content(Content),
}

/// Rules, and what was left out of them.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Those that look at content.
    pub rules: Vec<Rule>,
    /// Names of those that look at paths alone.
    pub paths_only: Vec<String>,
}

impl Rules {
    /// A condition that all data meets which any rule could match. An expression in a syntax that the `regex` crate
    /// does not have counts as matching wherever a keyword is; without keywords, everywhere.
    pub fn content(&self) -> Content {
        condition::content(&self.rules)
    }

    /// The same, said one by one: what [`Rules::content`] asks of each rule's data.
    pub fn conditions(&self) -> Vec<(&str, Content)> {
        self.rules.iter().map(|rule| (rule.id.as_str(), condition::of(rule))).collect()
    }
}

//! Rules: what is sought, as people write it.
//!
//! A [`RuleSet`] is what a file says, checked: every expression has been read and weighed, so that nothing is left that
//! could fail while data is scanned. Nothing is compiled yet; [`crate::matcher`] does that, rule by rule, when the
//! first data asks for it. `docs/RULES.md` has both formats, kernscope's own and gitleaks'.
//!
//! ```
//! use kernscope_sieve::rules::RuleSet;
//! let rules = RuleSet::parse(r#"
//!     [[rule]]
//!     id = "acme-token"
//!     regex = '\bacme_[0-9a-f]{32}\b'
//!     keywords = ["acme_"]
//! "#)?;
//! assert_eq!(rules.rules[0].id, "acme-token");
//! # Ok::<(), kernscope_sieve::rules::RulesError>(())
//! ```

mod allow;
pub(crate) mod ascii;
mod builtin;
mod conditions;
mod dialect;
mod error;
mod expression;
mod file;
mod gitleaks;
mod inherit;
mod keys;
mod own;
mod severity;
mod source;
mod verify;
mod words;

pub(crate) use allow::Claim;
pub use allow::{Allowlist, Target};
pub use builtin::builtin_files;
pub use error::RulesError;
pub(crate) use expression::compile;
pub use expression::{AnyOf, Expression};
pub use file::FileError;
pub use severity::Severity;
pub use verify::{ExampleFault, Verified};
pub use words::may_hold_builtin;

use kernscope_kit::compile::Content;
use std::collections::HashMap;
use toml::de::DeTable;

/// Rules, and what holds for all of them. Equal sets find the same; sets with rules of byte counts are equal to none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleSet {
    /// The rules, in the order of the file.
    pub rules: Vec<Rule>,
    /// What is no finding, whatever the rule.
    pub allow: Vec<Allowlist>,
    /// What the file asks for and is not heeded, a line each.
    pub notes: Vec<String>,
    /// What the file wants to build on.
    pub extends: Extends,
}

/// What a gitleaks file wants to build on; whoever reads files does it, with [`RuleSet::extend_with`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extends {
    /// Another file, as it is written.
    pub path: Option<String>,
    /// The built-in rules.
    pub default: bool,
    /// Names of rules to leave out of those.
    pub disabled: Vec<String>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name.
    pub id: String,
    /// For people.
    pub description: String,
    /// How bad a finding is.
    pub severity: Severity,
    /// What matches.
    pub pattern: Pattern,
    /// Expressions of which one must match the path; no matter where there are none.
    pub paths: AnyOf,
    /// Lower-case literals of which one must occur in the data, in any case of ASCII letters; no matter where there are
    /// none.
    pub keywords: Vec<Vec<u8>>,
    /// The group that is the secret.
    pub secret_group: Option<usize>,
    /// Bits a character that the secret must be above.
    pub entropy: Option<f64>,
    /// What is no finding of this rule.
    pub allow: Vec<Allowlist>,
    /// Texts in which it must find something.
    pub examples: Vec<String>,
    /// Texts in which it must find nothing.
    pub counter_examples: Vec<String>,
    /// Where it stands: line, counted from 1.
    pub line: usize,
}

/// What a rule looks for.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// An expression.
    Regex(Expression),
    /// Any of these; an expression made of them stands beside.
    Literals {
        /// The literals.
        list: Vec<Vec<u8>>,
        /// The case of ASCII letters does not matter.
        fold: bool,
        /// The same as an expression, for the matcher.
        expression: Expression,
    },
    /// Byte counts in a window.
    Counts(Content),
    /// Nothing in the data: the path alone.
    Path,
    /// What the rule of this name looks for in the file that this one builds on; nothing until that is added.
    Inherited,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Path, Self::Path) | (Self::Inherited, Self::Inherited) => true,
            (Self::Counts(_), _) | (_, Self::Counts(_)) => false,
            (Self::Regex(_), Self::Regex(_)) | (Self::Literals { .. }, Self::Literals { .. }) => {
                self.expression() == other.expression()
            }
            _ => false,
        }
    }
}

impl Pattern {
    /// The expression that finds it, if one does.
    pub fn expression(&self) -> Option<&Expression> {
        match self {
            Self::Regex(expression) | Self::Literals { expression, .. } => Some(expression),
            Self::Counts(_) | Self::Path | Self::Inherited => None,
        }
    }
}

impl RuleSet {
    /// Reads a file of rules, in either format.
    ///
    /// # Errors
    /// What is not TOML, has no rules, or a rule that does not hold water; with line, rule and reason.
    pub fn parse(text: &str) -> Result<Self, RulesError> {
        let document = DeTable::parse(text).map_err(|error| RulesError::toml(text, &error))?;
        let set = match gitleaks::is_meant(document.get_ref())? {
            true => gitleaks::parse(text, document)?,
            false => own::parse(text, document, false)?,
        };
        set.checked()
    }

    /// Adds the rules of another file below these: where both have a rule of one name, this one's is kept. If this file is
    /// to build on that one ([`Extends`]), what such a rule leaves open is the other's, and its keywords and allowlists are
    /// those of both, as in gitleaks.
    pub fn extend_with(&mut self, base: RuleSet) {
        let disabled = std::mem::take(&mut self.extends.disabled);
        let builds = self.extends.path.is_some() || self.extends.default;
        let own: HashMap<String, usize> =
            self.rules.iter().enumerate().map(|(at, rule)| (rule.id.clone(), at)).collect();
        for rule in base.rules.into_iter().filter(|rule| !disabled.contains(&rule.id)) {
            match own.get(&rule.id) {
                None => self.rules.push(rule),
                Some(at) if builds => self.rules[*at].inherit(rule),
                Some(_) => {}
            }
        }
        self.allow.extend(base.allow);
        self.notes.extend(base.notes);
        self.extends.default |= base.extends.default;
        self.extends.disabled = base.extends.disabled;
    }

    /// These rules, if a [`Matcher`](crate::matcher::Matcher) can try all of them.
    ///
    /// # Errors
    /// At the first rule of byte counts: those are for filters.
    pub fn for_matching(self) -> Result<Self, RulesError> {
        match self.rules.iter().find(|rule| matches!(rule.pattern, Pattern::Counts(_))) {
            Some(rule) => {
                Err(RulesError::new("bytes is for filters, not for scans; give it a regex or literals")
                    .of(&rule.id)
                    .at(rule.line))
            }
            None => Ok(self),
        }
    }

    /// No name twice, and some rule at all.
    fn checked(self) -> Result<Self, RulesError> {
        let nothing = self.rules.is_empty() && self.extends == Extends::default() && self.allow.is_empty();
        if nothing {
            return Err(RulesError::new("there is no [[rule]] and no [[rules]] in it"));
        }
        let mut seen = HashMap::new();
        for rule in &self.rules {
            if let Some(line) = seen.insert(&rule.id, rule.line) {
                let cause = format!("the name is taken by the rule in line {line}; give it another");
                return Err(RulesError::new(cause).of(&rule.id).at(rule.line));
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests;

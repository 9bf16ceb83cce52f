//! Expressions of a file of rules: errors name key and line, and each format has its dialect.

use super::{AnyOf, Expression, RulesError, line_at};
use toml::Spanned;

/// A file of rules.
pub(super) struct Source<'a> {
    /// All of it.
    pub(super) text: &'a str,
    /// Writes an expression in the syntax of the `regex` crate.
    pub(super) translate: fn(&str) -> String,
}

impl Source<'_> {
    /// What a rule looks for.
    pub(super) fn sought(&self, regex: &Spanned<String>) -> Result<Expression, RulesError> {
        self.read("regex", regex, Expression::of_something)
    }

    /// An expression of any kind.
    pub(super) fn expression(&self, key: &str, regex: &Spanned<String>) -> Result<Expression, RulesError> {
        self.read(key, regex, Expression::new)
    }

    /// Expressions of which any may match.
    pub(super) fn any_of(&self, key: &str, list: &[Spanned<String>]) -> Result<AnyOf, RulesError> {
        list.iter().map(|one| self.expression(key, one)).collect::<Result<_, _>>().map(AnyOf::new)
    }

    /// The line that something begins in.
    pub(super) fn line<T>(&self, spanned: &Spanned<T>) -> usize {
        line_at(self.text, spanned.span().start)
    }

    fn read(
        &self,
        key: &str,
        regex: &Spanned<String>,
        read: fn(&str) -> Result<Expression, String>,
    ) -> Result<Expression, RulesError> {
        read(&(self.translate)(regex.get_ref()))
            .map_err(|cause| RulesError::new(format_args!("{key}: {cause}")).at(self.line(regex)))
    }
}

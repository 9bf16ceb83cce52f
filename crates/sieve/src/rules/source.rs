//! Expressions of a file of rules: errors name key and line, and each format has its dialect.

use super::{AnyOf, Expression, RulesError};
use toml::Spanned;

/// A file of rules.
pub(super) struct Source {
    /// Where its lines end.
    ends: Vec<usize>,
    /// Writes an expression in the syntax of the `regex` crate.
    translate: fn(&str) -> String,
    /// It comes with kernscope, and was checked when that was made.
    pub(super) is_built_in: bool,
}

impl Source {
    /// A file whose expressions are in the syntax that `translate` takes.
    pub(super) fn new(text: &str, translate: fn(&str) -> String) -> Self {
        Self { ends: memchr::memchr_iter(b'\n', text.as_bytes()).collect(), translate, is_built_in: false }
    }

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
        self.ends.partition_point(|end| *end < spanned.span().start) + 1
    }

    fn read(
        &self,
        key: &str,
        regex: &Spanned<String>,
        read: fn(&str) -> Result<Expression, String>,
    ) -> Result<Expression, RulesError> {
        if self.is_built_in {
            return Ok(Expression::built_in(regex.get_ref()));
        }
        read(&(self.translate)(regex.get_ref()))
            .map_err(|cause| RulesError::new(format_args!("{key}: {cause}")).at(self.line(regex)))
    }
}

//! Which paths rules ask about at all.

use super::Matcher;
use crate::rules::AnyOf;

impl Matcher {
    /// Every expression for a path, of rules and of lists. Where none matches, nothing is found or excused because of
    /// the path: the same data elsewhere, at another such path, gives the same.
    pub fn path_conditions(&self) -> AnyOf {
        let rules = &self.set.rules;
        let lists = rules.iter().flat_map(|rule| &rule.allow).chain(&self.set.allow);
        let asked = rules.iter().map(|rule| &rule.paths).chain(lists.map(|list| &list.paths));
        AnyOf::new(asked.flat_map(AnyOf::list).cloned().collect())
    }
}

//! The same rules as the kit's compiler takes them: what content must hold for any of them to match.

use super::{Pattern, Rule, RuleSet};
use kernscope_kit::compile::Content;
use kernscope_kit::compile::rules::{self, Rules};

impl RuleSet {
    /// These rules for [`kernscope_kit::compile`]. Entropy, allowlists and paths are not in it: what it lets through is
    /// for a matcher to judge.
    pub fn conditions(&self) -> Rules {
        let (paths_only, content): (Vec<_>, Vec<_>) =
            self.rules.iter().partition(|rule| matches!(rule.pattern, Pattern::Path));
        Rules {
            rules: content.into_iter().filter_map(condition).collect(),
            paths_only: paths_only.into_iter().map(|rule| rule.id.clone()).collect(),
        }
    }
}

fn condition(rule: &Rule) -> Option<rules::Rule> {
    let pattern = match &rule.pattern {
        Pattern::Regex(expression) => rules::Pattern::Regex(expression.text().to_owned()),
        Pattern::Literals { list, fold, .. } => {
            rules::Pattern::Content(Content::Literals { list: list.clone(), fold: *fold })
        }
        Pattern::Counts(counts) => rules::Pattern::Content(counts.clone()),
        Pattern::Path | Pattern::Inherited => return None,
    };
    Some(rules::Rule { id: rule.id.clone(), keywords: rule.keywords.clone(), pattern })
}

//! A rule that builds on the one of its name in another file, as gitleaks has it: what it says counts, and what it leaves open is
//! the other's; keywords and allowlists are those of both.

use super::{Pattern, Rule, RuleSet};
use std::mem;

impl Rule {
    /// Takes from `base` what this rule leaves open.
    pub(super) fn inherit(&mut self, base: Rule) {
        if self.description.is_empty() {
            self.description = base.description;
        }
        if self.paths.is_empty() {
            self.paths = base.paths;
        }
        if self.pattern.expression().is_none() {
            let own = mem::replace(&mut self.pattern, base.pattern);
            if matches!(self.pattern, Pattern::Inherited) {
                self.pattern = own;
            }
        }
        self.severity = base.severity;
        self.entropy = self.entropy.or(base.entropy);
        let groups = self.pattern.expression().map_or(0, |expression| expression.groups());
        self.secret_group = self.secret_group.or(base.secret_group).filter(|group| *group <= groups);
        self.keywords = mem::take(&mut self.keywords).into_iter().chain(base.keywords).collect();
        self.allow = base.allow.into_iter().chain(mem::take(&mut self.allow)).collect();
    }
}

impl RuleSet {
    /// Takes out the rules that look for nothing, since no file that was built on has one of their name; a note says so of each.
    pub fn drop_orphans(&mut self) {
        let (orphans, rest) = mem::take(&mut self.rules)
            .into_iter()
            .partition::<Vec<_>, _>(|rule| matches!(rule.pattern, Pattern::Inherited));
        self.rules = rest;
        self.notes.extend(orphans.iter().map(|rule| {
            format!(
                "rule {:?} in line {} has neither regex nor path, and no file that it builds on has a rule of this name; it is left out",
                rule.id, rule.line
            )
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "
        [[rules]]
        id = 'a'
        description = 'of the base'
        regex = 'a(1)(2)'
        secretGroup = 2
        entropy = 1.5
        keywords = ['a1']
        [[rules.allowlists]]
        stopwords = ['base']
        [[rules]]
        id = 'p'
        path = 'x$'
    ";

    fn built(text: &str) -> RuleSet {
        let mut set = RuleSet::parse(&format!("[extend]\npath = 'base.toml'\n{text}")).expect(text);
        set.extend_with(RuleSet::parse(BASE).expect("parses"));
        set.drop_orphans();
        set
    }

    #[test]
    fn a_rule_without_a_pattern_adds_to_the_one_below() {
        let set = built("[[rules]]\nid = 'a'\n[[rules.allowlists]]\nstopwords = ['own']");
        let [a, p] = &set.rules[..] else { panic!("{set:?}") };
        assert_eq!(a.pattern.expression().expect("of the base").text(), "a(1)(2)");
        assert_eq!((&a.description[..], a.secret_group, a.entropy), ("of the base", Some(2), Some(1.5)));
        assert_eq!((a.keywords.len(), a.allow.len()), (1, 2));
        assert!(matches!(p.pattern, Pattern::Path), "{p:?}");
    }

    #[test]
    fn what_a_rule_says_counts() {
        let rule = "[[rules]]\nid = 'a'\nregex = 'b(1)'\nentropy = 3\nkeywords = ['b']\ndescription = 'own'\npath = 'y$'";
        let set = built(rule);
        let a = &set.rules[0];
        assert_eq!(a.pattern.expression().expect("its own").text(), "b(1)");
        assert_eq!((&a.description[..], a.secret_group, a.entropy), ("own", None, Some(3.0)));
        assert_eq!(a.keywords, [b"b".to_vec(), b"a1".to_vec()]);
        assert!(a.paths.is_match(b"y") && !a.paths.is_match(b"x"));
    }

    #[test]
    fn a_path_is_added_to_what_the_base_looks_for() {
        let set = built("[[rules]]\nid = 'a'\npath = 'y$'\n[[rules]]\nid = 'p'\ndescription = 'own'");
        let [a, p] = &set.rules[..] else { panic!("{set:?}") };
        assert!(a.pattern.expression().is_some() && a.paths.is_match(b"y"));
        assert!(matches!(p.pattern, Pattern::Path) && p.paths.is_match(b"x") && p.description == "own");
    }

    #[test]
    fn a_rule_that_builds_on_nothing_is_noted() {
        let set = built("[[rules]]\nid = 'none'\nkeywords = ['x']");
        assert_eq!((set.rules.len(), set.notes.len()), (2, 1));
        assert!(set.notes[0].starts_with("rule \"none\" in line 3 has neither"), "{:?}", set.notes);
    }
}

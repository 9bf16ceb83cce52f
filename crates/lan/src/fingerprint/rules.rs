//! Rules: features that speak for a category, a type, an operating system. Data files (TOML), the built-in ones first.
//!
//! Each rule that fits is a witness that is right with some probability; witnesses for one thing add up as `1 - (1-a)(1-b)`, and
//! witnesses for another take away from it. What others explain better is no witness: `unless`.

use kernscope_sieve::toml_error;
use serde::Deserialize;
use std::collections::BTreeMap;

/// By area, so that each file can be read at a sitting.
const BUILT_IN: [&str; 9] = [
    include_str!("../../data/rules/network.toml"),
    include_str!("../../data/rules/computers.toml"),
    include_str!("../../data/rules/phones.toml"),
    include_str!("../../data/rules/office.toml"),
    include_str!("../../data/rules/rack.toml"),
    include_str!("../../data/rules/media.toml"),
    include_str!("../../data/rules/cameras.toml"),
    include_str!("../../data/rules/lights.toml"),
    include_str!("../../data/rules/home.toml"),
];
const RULES_MAX: usize = 10_000;

/// A rule file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadRules {
    /// It is not TOML of this form.
    #[error("{0}")]
    Toml(String),
    /// A rule that says nothing, or has a probability that is none.
    #[error("rule {0}: needs `any` or `all`, one of `category` and `os`, and `sure` above 0 and below 1")]
    Empty(usize),
    /// More rules than are taken.
    #[error("more than 10,000 rules")]
    TooMany,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    rule: Vec<Rule>,
}

/// One rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    /// One of these.
    #[serde(default)]
    any: Vec<String>,
    /// And all of these.
    #[serde(default)]
    all: Vec<String>,
    /// And none of these.
    #[serde(default)]
    unless: Vec<String>,
    category: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    os: Option<String>,
    sure: f64,
}

/// Rules, ready to be asked.
#[derive(Clone, Debug)]
pub struct Rules(Vec<Rule>);

/// What fits best of one sort of answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Verdict {
    pub(super) answer: String,
    /// The type that the surest witness for it names.
    pub(super) kind: String,
    pub(super) sure: f64,
}

/// What the rules make of a device.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Opinion {
    pub(super) category: Option<Verdict>,
    pub(super) os: Option<Verdict>,
    /// Feature, what it speaks for, how sure; the surest first.
    pub(super) witnesses: Vec<(String, String, f64)>,
}

impl Rules {
    /// Those that are built in.
    pub fn built_in() -> Self {
        // A test reads them; without them every device is unknown.
        Self(BUILT_IN.iter().filter_map(|text| Self::parse(text).ok()).flat_map(|rules| rules.0).collect())
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// [`BadRules`].
    pub fn parse(text: &str) -> Result<Self, BadRules> {
        let mut rules = toml::from_str::<File>(text)
            .map_err(|error| BadRules::Toml(toml_error::one_line(text, &error)))?
            .rule;
        if rules.len() > RULES_MAX {
            return Err(BadRules::TooMany);
        }
        for (at, rule) in rules.iter_mut().enumerate() {
            let sure = rule.sure > 0.0 && rule.sure < 1.0;
            let asks = !rule.any.is_empty() || !rule.all.is_empty();
            if !asks || (rule.category.is_none() && rule.os.is_none()) || !sure {
                return Err(BadRules::Empty(at + 1));
            }
            let patterns = [&mut rule.any, &mut rule.all, &mut rule.unless];
            patterns.into_iter().flatten().for_each(|pattern| pattern.make_ascii_lowercase());
        }
        Ok(Self(rules))
    }

    /// Adds the rules of another file.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(super) fn judge(&self, features: &[String]) -> Opinion {
        let lower: Vec<String> = features.iter().map(|feature| feature.to_ascii_lowercase()).collect();
        let mut opinion = Opinion::default();
        let (mut categories, mut systems) = (BTreeMap::new(), BTreeMap::new());
        for rule in &self.0 {
            let Some(at) = rule.witness(&lower) else { continue };
            if let Some(category) = &rule.category {
                add(&mut categories, category, rule.kind.as_deref().unwrap_or(category), rule.sure);
                opinion.witnesses.push((features[at].clone(), category.clone(), rule.sure));
            }
            if let Some(os) = &rule.os {
                add(&mut systems, os, os, rule.sure);
                if rule.category.is_none() {
                    opinion.witnesses.push((features[at].clone(), os.clone(), rule.sure));
                }
            }
        }
        opinion.witnesses.sort_by(|a, b| b.2.total_cmp(&a.2));
        opinion.category = best(categories);
        opinion.os = best(systems);
        opinion
    }
}

impl Rule {
    /// Which of these features makes the rule fit: the first of `any`, or of `all` where there is no `any`.
    fn witness(&self, features: &[String]) -> Option<usize> {
        let has = |pattern: &String| features.iter().position(|feature| fits(pattern, feature));
        let one = |patterns: &[String]| {
            features.iter().position(|feature| patterns.iter().any(|pattern| fits(pattern, feature)))
        };
        let at = if self.any.is_empty() { self.all.first().and_then(has) } else { one(&self.any) }?;
        (self.all.iter().all(|pattern| has(pattern).is_some()) && one(&self.unless).is_none()).then_some(at)
    }
}

/// By answer: the doubt that is left, the surest type and how sure that is.
type Witnesses<'a> = BTreeMap<&'a str, (f64, &'a str, f64)>;

fn add<'a>(all: &mut Witnesses<'a>, answer: &'a str, kind: &'a str, sure: f64) {
    let (doubt, best, most) = all.entry(answer).or_insert((1.0, kind, 0.0));
    *doubt *= 1.0 - sure;
    if sure > *most {
        (*best, *most) = (kind, sure);
    }
}

fn best(all: Witnesses<'_>) -> Option<Verdict> {
    let (answer, (doubt, kind, _)) = all.iter().min_by(|a, b| a.1.0.total_cmp(&b.1.0))?;
    let against: f64 =
        all.iter().filter(|(other, _)| *other != answer).map(|(_, (doubt, ..))| doubt).product();
    // Both for it, and none of the others right.
    let (yes, no) = ((1.0 - doubt) * against, doubt * (1.0 - against));
    let sure = yes / (yes + no + doubt * against);
    Some(Verdict { answer: (*answer).to_owned(), kind: (*kind).to_owned(), sure })
}

/// Whether a pattern with `*` fits all of a text.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_rules_are_read() {
        let counts = BUILT_IN.map(|text| Rules::parse(text).expect("reads").0.len());
        assert_eq!(Rules::built_in().0.len(), counts.iter().sum::<usize>());
        assert!(counts.iter().all(|count| *count > 10), "{counts:?}");
    }

    #[test]
    fn stars_fit_any_text() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*cam*", "ipcam-1", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxc", false),
            ("ab*ba", "aba", false),
            ("name * *cam-#", "name dhcp mycam-#", true),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn witnesses_add_up_and_those_for_another_take_away() {
        let rules = "[[rule]]\nany=['a']\ncategory='x'\nsure=0.6\n[[rule]]\nany=['b']\ncategory='x'\nsure=0.5\n\
                     [[rule]]\nany=['c']\ncategory='y'\nsure=0.6\n";
        let rules = Rules::parse(rules).expect("reads");
        let sure = |features: &[&str]| {
            let features: Vec<String> = features.iter().map(|f| (*f).to_owned()).collect();
            let verdict = rules.judge(&features).category.expect("an answer");
            (verdict.answer, (verdict.sure * 100.0).round())
        };
        assert_eq!(sure(&["a"]), ("x".to_owned(), 60.0));
        assert_eq!(sure(&["a", "b"]), ("x".to_owned(), 80.0));
        assert_eq!(sure(&["a", "b", "c"]).0, "x");
        assert!(sure(&["a", "c"]).1 < 50.0);
    }

    #[test]
    fn a_rule_may_ask_for_several_and_for_the_absence_of_others() {
        let rules = "[[rule]]\nany=['a','b']\nall=['c*']\nunless=['d*']\ncategory='x'\nsure=0.6\n\
                     [[rule]]\nall=['e','f']\nos='y'\nsure=0.6\n";
        let rules = Rules::parse(rules).expect("reads");
        let judge = |features: &[&str]| {
            let features: Vec<String> = features.iter().map(|f| (*f).to_owned()).collect();
            let opinion = rules.judge(&features);
            (opinion.category.is_some(), opinion.os.is_some(), opinion.witnesses.first().map(|w| w.0.clone()))
        };
        assert_eq!(judge(&["a"]), (false, false, None));
        assert_eq!(judge(&["b", "c1"]), (true, false, Some("b".to_owned())));
        assert_eq!(judge(&["b", "c1", "d1"]), (false, false, None));
        assert_eq!(judge(&["e"]), (false, false, None));
        assert_eq!(judge(&["e", "f"]), (false, true, Some("e".to_owned())));
        assert!(Rules::parse("[[rule]]\nany=[]\ncategory='x'\nsure=0.5\n").is_err());
        assert!(Rules::parse("[[rule]]\nunless=['a']\ncategory='x'\nsure=0.5\n").is_err());
        assert!(Rules::parse("[[rule]]\nany=['a']\nkategory='x'\nsure=0.5\n").is_err());
    }
}

//! What a rule cannot match without, and how the conditions of many rules become one that is cheap.

use super::{Pattern, Rule};
use crate::compile::anchor::{self, Anchor, Anchors};
use crate::compile::content::Content;
use crate::compile::require::{self, RequiredRun};
use crate::compile::{common, text, widen};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, HirKind};
use std::sync::Arc;

/// Longest run that is asked for: longer ones would not fit beside others in one pass.
const LONGEST_RUN: u32 = 127;
/// Most bytes of the automaton of a rule that has neither a text nor a run.
const RULE_BYTES: usize = 512 << 10;
/// Bounds of counts in it.
const RULE_BOUNDS: [u32; 2] = [1, 32];

/// Most alternatives of a part that are looked at one by one.
const MOST_ALTERNATIVES: usize = 4;
/// Share of positions below which it is enough to find a keyword: else what follows it is worth its tables.
const RARE_SHARE: f64 = 1.0 / (1 << 19) as f64;
/// Share of positions below which it is better to find a keyword than a run.
const COMMON_SHARE: f64 = 1.0 / 4096.0;

/// Words that are in most files of source, far more often than their letters tell: none of them is enough. (Of 3,500 bytes each one in six
/// had a `token`, one in nine a `github`: `cargo xtask bench filter --rules builtin --tree DIR`.)
const COMMON_WORDS: &[&str] =
    &["algorithm", "api", "github", "kind", "key", "machine", "passwd", "password", "secret", "token"];

/// What is necessary for a rule.
enum Necessary {
    /// One of these, and what follows it.
    Anchors(Vec<Anchor>),
    /// A run, and the automaton of the wider expression where that is small.
    Run(Content, Option<Content>),
    /// Something else.
    Content(Content),
}

/// The condition for all rules: the anchors of all that have some in one pass, then the runs, then the others.
pub(super) fn content(rules: &[Rule]) -> Content {
    joined(rules.iter().flat_map(Necessary::of))
}

fn joined(all: impl IntoIterator<Item = Necessary>) -> Content {
    let (mut anchors, mut runs, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for necessary in all {
        match necessary {
            Necessary::Anchors(more) => anchors.extend(more),
            Necessary::Run(run, then) => runs.push((run, then)),
            Necessary::Content(content) => others.push(content),
        }
    }
    let mut parts = Vec::new();
    if !anchors.is_empty() {
        parts.push(Content::Anchored(Arc::new(Anchors::new(anchors))));
    }
    if !runs.is_empty() {
        // All runs in one pass; which of them it was is asked only where there is one.
        let any = Content::Any(runs.iter().map(|(run, _)| run.clone()).collect());
        let each = runs.into_iter().map(|(run, then)| run_and(run, then));
        parts.push(Content::All(vec![any, Content::Any(each.collect())]));
    }
    parts.extend(others);
    Content::Any(parts)
}

/// The alternatives of an expression that has some, at its top or as one of its parts.
fn alternatives(kind: &HirKind) -> Option<Vec<Hir>> {
    match kind {
        HirKind::Alternation(parts) => Some(parts.clone()),
        HirKind::Concat(parts) => {
            let at = parts.iter().position(|part| matches!(part.kind(), HirKind::Alternation(_)))?;
            let HirKind::Alternation(each) = parts[at].kind() else { return None };
            let whole =
                |one: &Hir| Hir::concat([&parts[..at], std::slice::from_ref(one), &parts[at + 1..]].concat());
            (each.len() <= MOST_ALTERNATIVES).then(|| each.iter().map(whole).collect())
        }
        _ => None,
    }
}

fn run_and(run: Content, then: Option<Content>) -> Content {
    Content::All(std::iter::once(run).chain(then).collect())
}

/// The condition of one rule.
pub(super) fn of(rule: &Rule) -> Content {
    joined(Necessary::of(rule))
}

impl Necessary {
    /// What is necessary for each alternative of a rule. An expression that is not understood counts as matching where
    /// a keyword is.
    fn of(rule: &Rule) -> Vec<Necessary> {
        let pattern = match &rule.pattern {
            Pattern::Regex(pattern) => pattern,
            Pattern::Content(content) => {
                return vec![Necessary::Content(with_keywords(rule, content.clone()))];
            }
        };
        match ParserBuilder::new().utf8(false).build().parse(pattern) {
            Ok(hir) => Necessary::of_each(rule, &widen::bytewise(&hir)),
            Err(_) => vec![Necessary::Content(with_keywords(rule, Content::All(Vec::new())))],
        }
    }

    fn of_each(rule: &Rule, hir: &Hir) -> Vec<Necessary> {
        let words = || rule.keywords.iter().map(|word| text::literal(word, true)).collect();
        let anchors =
            rare_keywords(rule, RARE_SHARE).filter(|_| !rule.keywords.iter().any(|word| is_common(word)));
        let anchors = anchors.or_else(|| anchor::anchors(hir, words()));
        if let Some(anchors) = anchors.or_else(|| rare_keywords(rule, COMMON_SHARE)) {
            return vec![Necessary::Anchors(anchors)];
        }
        match alternatives(hir.kind()) {
            Some(parts) => parts.iter().flat_map(|part| Necessary::of_each(rule, part)).collect(),
            None => vec![Necessary::without_text(rule, hir)],
        }
    }

    /// A run and the automaton of the wider expression.
    fn without_text(rule: &Rule, hir: &Hir) -> Necessary {
        let dfa =
            widen::wider_automaton(hir, RULE_BYTES, &RULE_BOUNDS).map(|dfa| Content::Dfa(Arc::new(dfa)));
        match require::run(hir) {
            Some(RequiredRun { class, min }) => {
                Necessary::Run(Content::ClassRun { class, min: min.min(LONGEST_RUN) }, dfa)
            }
            None => Necessary::Content(with_keywords(rule, dfa.unwrap_or(Content::All(Vec::new())))),
        }
    }
}

/// Whether a keyword is one of [`COMMON_WORDS`], with marks around it or without.
fn is_common(keyword: &[u8]) -> bool {
    let is_mark = |byte: &u8| !byte.is_ascii_alphanumeric();
    let start = keyword.iter().take_while(|byte| is_mark(byte)).count();
    let end = keyword.iter().rposition(|byte| !is_mark(byte)).map_or(start, |last| last + 1);
    COMMON_WORDS.iter().any(|word| word.as_bytes().eq_ignore_ascii_case(&keyword[start..end]))
}

/// The keywords of a rule, if they are rare.
fn rare_keywords(rule: &Rule, most: f64) -> Option<Vec<Anchor>> {
    let share: f64 = rule.keywords.iter().map(|word| common::share(word, true)).sum();
    let texts = rule.keywords.iter().map(|word| text::literal(word, true));
    let anchors = texts.map(|text| Anchor { text, tails: Vec::new() });
    (!rule.keywords.is_empty() && share < most).then(|| anchors.collect())
}

fn with_keywords(rule: &Rule, content: Content) -> Content {
    if rule.keywords.is_empty() {
        return content;
    }
    Content::All(vec![Content::Literals { list: rule.keywords.clone(), fold: true }, content])
}

//! What a rule cannot match without, and how the conditions of many rules become one that is cheap.

use super::{Pattern, Rule};
use crate::compile::content::Content;
use crate::compile::require::{self, Required, RequiredRun};
use crate::compile::{common, widen};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::Hir;
use std::sync::Arc;

/// Share of positions above which a literal is common: more often than every 16 KiB of text.
const COMMON_SHARE: f64 = 1.0 / 16_384.0;
/// Fewest bytes of a literal that goes with the rare ones: shorter, it would make the sieve of all of them slow.
const RARE_BYTES: usize = 4;
/// Longest run that is asked for: longer ones would not fit beside others in one pass.
const LONGEST_RUN: u32 = 127;
/// Most bytes of the automaton of a rule that has neither anything rare nor a run.
const RULE_BYTES: usize = 512 << 10;
/// Bounds of counts in it: trying larger ones takes longer than all the rest.
const RULE_BOUNDS: [u32; 1] = [1];

/// What is necessary for a rule.
struct Necessary {
    keywords: Option<Required>,
    literals: Option<Required>,
    run: Option<RequiredRun>,
    hir: Option<Hir>,
}

/// The condition for all rules.
pub(super) fn content(rules: &[Rule]) -> Content {
    let mut exact = Vec::new();
    let mut rare: Vec<Vec<u8>> = Vec::new();
    let mut common = Vec::new();
    for rule in rules {
        if let Pattern::Content(content) = &rule.pattern {
            exact.push(with_keywords(rule, content.clone()));
            continue;
        }
        let necessary = Necessary::of(rule);
        match necessary.rare() {
            Some(required) => {
                rare.extend(required.literals.iter().map(|literal| literal.to_ascii_lowercase()))
            }
            None => common.push(necessary),
        }
    }
    rare.sort_unstable();
    rare.dedup();
    let mut parts = vec![Content::Literals { list: rare, fold: true }];
    parts.extend(exact);
    parts.extend(common_parts(common));
    Content::Any(parts)
}

/// The condition of one rule.
pub(super) fn of(rule: &Rule) -> Content {
    match &rule.pattern {
        Pattern::Content(content) => with_keywords(rule, content.clone()),
        Pattern::Regex(_) => Necessary::of(rule).content(),
    }
}

fn with_keywords(rule: &Rule, content: Content) -> Content {
    match keywords(rule) {
        Some(required) => Content::All(vec![required.content(), content]),
        None => content,
    }
}

fn keywords(rule: &Rule) -> Option<Required> {
    (!rule.keywords.is_empty()).then(|| Required { literals: rule.keywords.clone(), fold: true })
}

impl Required {
    fn content(&self) -> Content {
        Content::Literals { list: self.literals.clone(), fold: self.fold }
    }

    fn is_rare(&self) -> bool {
        let short = self.literals.iter().any(|literal| literal.len() < RARE_BYTES);
        let shares = self.literals.iter().map(|literal| common::share(literal, true));
        !short && shares.sum::<f64>() < COMMON_SHARE
    }
}

impl RequiredRun {
    fn content(&self) -> Content {
        Content::ClassRun { class: self.class, min: self.min }
    }
}

impl Necessary {
    fn of(rule: &Rule) -> Necessary {
        let Pattern::Regex(pattern) = &rule.pattern else {
            return Necessary { keywords: keywords(rule), literals: None, run: None, hir: None };
        };
        let hir = ParserBuilder::new().utf8(false).build().parse(pattern).ok();
        Necessary {
            keywords: keywords(rule),
            literals: hir.as_ref().and_then(require::literals),
            run: hir.as_ref().and_then(require::run),
            hir,
        }
    }

    /// Rare literals: the keywords, which people chose and are few; else those of the expression.
    fn rare(&self) -> Option<&Required> {
        [&self.keywords, &self.literals].into_iter().flatten().find(|required| required.is_rare())
    }

    /// All that is known to be necessary, cheapest first.
    fn content(&self) -> Content {
        let run = self.run.iter().map(RequiredRun::content);
        let literals = [&self.keywords, &self.literals].into_iter().flatten().map(Required::content);
        Content::All(run.chain(literals).collect())
    }
}

/// Conditions of rules with nothing rare. For those that force a long run of bytes, it is that, all in one pass; for the
/// others the rarer literals, and the automaton of the wider expression.
fn common_parts(common: Vec<Necessary>) -> Vec<Content> {
    let (with_run, without): (Vec<_>, Vec<_>) = common.into_iter().partition(|rule| rule.run.is_some());
    let runs = with_run
        .iter()
        .filter_map(|rule| rule.run)
        .map(|run| RequiredRun { min: run.min.min(LONGEST_RUN), ..run });
    let runs = Content::Any(runs.map(|run| run.content()).collect());
    std::iter::once(runs).chain(without.iter().map(Necessary::narrow)).collect()
}

impl Necessary {
    /// The rarer literals, and the automaton of the wider expression where it is small.
    fn narrow(&self) -> Content {
        let dfa = self.hir.as_ref().and_then(|hir| widen::wider_automaton(hir, RULE_BYTES, &RULE_BOUNDS));
        let sets = [&self.keywords, &self.literals].into_iter().flatten();
        let rarest = sets.min_by(|a, b| a.share().total_cmp(&b.share())).map(Required::content);
        Content::All(rarest.into_iter().chain(dfa.map(|dfa| Content::Dfa(Arc::new(dfa)))).collect())
    }
}

//! What is looked for on behalf of a rule before its expression is tried.

use super::heads::{self, Cut};
use crate::rules::{Expression, Rule};
use kernscope_kit::compile::share;
use regex_syntax::hir::{Hir, HirKind};

/// Share of positions above which places are not worth being looked at, where keywords are known: the few data that hold
/// one are searched as a whole.
const MOST_SHARE: f64 = 1.0 / 512.0;
/// Bytes that are looked at on behalf of a place, about: what a keyword costs is small beside it.
const PLACE_BYTES: f64 = 16.0;

/// How candidates of a rule are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Where to begin; `None`: nothing is known, so all data is tried.
    pub(super) heads: Option<Vec<Head>>,
    /// Keywords of which one must be in the data, unless every match holds one anyway.
    pub(super) gates: Vec<Vec<u8>>,
}

/// One way to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Which of the [`branches`] of the expression it is of.
    pub(super) branch: usize,
    /// Where that is cut.
    pub(super) cut: Cut,
}

impl Plan {
    pub(super) fn of(rule: &Rule, expression: &Expression) -> Self {
        let heads = branches(expression.hir())
            .into_iter()
            .enumerate()
            .map(|(number, branch)| Some(Head { branch: number, cut: cut(rule, branch)? }))
            .collect::<Option<Vec<Head>>>();
        let implied = heads.iter().flatten().all(|head| implies(rule, &head.cut)) && heads.is_some();
        Self { heads, gates: if implied { Vec::new() } else { rule.keywords.clone() } }
    }
}

/// The alternatives of an expression; one where there are none.
pub(super) fn branches(hir: &Hir) -> Vec<&Hir> {
    match hir.kind() {
        HirKind::Capture(capture) => branches(&capture.sub),
        HirKind::Alternation(list) => list.iter().flat_map(branches).collect(),
        _ => vec![hir],
    }
}

/// Where to cut, with more literals only if fewer do not say enough: most rules have a rare word, and reading them is most
/// of what a short scan does.
fn cut(rule: &Rule, branch: &Hir) -> Option<Cut> {
    [heads::FEW_CHARACTERS, heads::SOME_CHARACTERS]
        .into_iter()
        .find_map(|characters| best(rule, heads::cuts(branch, characters)))
}

/// The cut that is met least.
fn best(rule: &Rule, cuts: Vec<Cut>) -> Option<Cut> {
    let cost = |cut: &Cut| {
        let met: f64 = cut.literals.iter().map(|literal| share(literal, true)).sum();
        let gates: f64 = rule.keywords.iter().map(|keyword| share(keyword, true)).sum();
        if implies(rule, cut) { met } else { met + gates / PLACE_BYTES }
    };
    let costs = cuts.into_iter().map(|cut| (cost(&cut), cut));
    let (least, cut) = costs.min_by(|a, b| a.0.total_cmp(&b.0))?;
    (least < MOST_SHARE || rule.keywords.is_empty()).then_some(cut)
}

/// Whether a keyword is in the data wherever one of the literals is.
fn implies(rule: &Rule, cut: &Cut) -> bool {
    let holds = |literal: &Vec<u8>| {
        rule.keywords.iter().any(|keyword| memchr::memmem::find(literal, keyword).is_some())
    };
    rule.keywords.is_empty() || cut.literals.iter().all(holds)
}

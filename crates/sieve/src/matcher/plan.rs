//! What is looked for on behalf of a rule before its expression is tried.

use super::windows::Reach;
use crate::rules::{Expression, Rule};
use kernscope_kit::compile::{Required, required_literals};

/// How candidates of a rule are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Literals of which every match contains one; `None`: nothing is known, so all data is tried.
    pub(super) anchors: Option<Vec<Anchor>>,
    /// How far a match reaches around an anchor.
    pub(super) reach: Reach,
    /// Keywords of which one must be in the data, unless every match holds one anyway.
    pub(super) gates: Vec<Vec<u8>>,
}

/// A literal that a match contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Anchor {
    pub(super) bytes: Vec<u8>,
    /// The case of ASCII letters does not matter.
    pub(super) fold: bool,
}

impl Plan {
    pub(super) fn of(rule: &Rule, expression: &Expression) -> Self {
        let anchors = required(expression);
        let longest = expression.hir().properties().maximum_len();
        let implied = anchors.as_ref().is_some_and(|anchors| {
            anchors.iter().all(|anchor| {
                let lower = anchor.bytes.to_ascii_lowercase();
                rule.keywords.iter().any(|keyword| memchr::memmem::find(&lower, keyword).is_some())
            })
        });
        Self {
            anchors,
            reach: Reach { before: longest, after: longest },
            gates: if implied { Vec::new() } else { rule.keywords.clone() },
        }
    }
}

/// Literals of which every match contains one.
fn required(expression: &Expression) -> Option<Vec<Anchor>> {
    let Required { literals, fold } = required_literals(expression.hir())?;
    Some(literals.into_iter().map(|bytes| Anchor { bytes, fold }).collect())
}

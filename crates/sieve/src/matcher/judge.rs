//! From a match to a finding: which part is the secret, and whether anything excuses it.

use super::engine::Match;
use super::{Finding, Place, entropy, lines};
use crate::rules::{Allowlist, Claim, Rule};
use std::ops::Range;

/// What a line says to be left alone.
const ALLOWED_BY: [&[u8]; 2] = [b"gitleaks:allow", b"kernscope:allow"];
/// Bytes of a line that are looked at before and behind a match: data without lines is not copied whole.
pub(super) const LINE_BYTES: usize = 4096;

/// The finding that a match is, if it is one.
pub(super) fn finding(
    number: usize,
    rule: &Rule,
    global: &[Allowlist],
    data: &[u8],
    place: &Place<'_>,
    matched: &Match,
) -> Option<Finding> {
    let span = matched.span.clone();
    let secret = secret(rule, data, matched);
    let bits = entropy(&data[secret.clone()]);
    if rule.entropy.is_some_and(|floor| bits <= floor) {
        return None;
    }
    let line = &data[lines::around(data, &span, LINE_BYTES)];
    if ALLOWED_BY.iter().any(|mark| memchr::memmem::find(line, mark).is_some()) {
        return None;
    }
    let whole = trimmed(data, &span);
    let claim = Claim {
        secret: &data[secret.clone()],
        whole: &data[whole],
        line,
        path: place.path,
        commit: place.commit,
    };
    let mut lists = global.iter().filter(|list| list.concerns(&rule.id)).chain(&rule.allow);
    (!lists.any(|list| list.excuses(&claim))).then_some(Finding { rule: number, span, secret, entropy: bits })
}

/// The group that was asked for, else the first that is not empty, else all but the line ends around it.
fn secret(rule: &Rule, data: &[u8], matched: &Match) -> Range<usize> {
    let group = match rule.secret_group {
        // A group that took no part gives an empty secret, as in gitleaks.
        Some(group) => Some(
            matched
                .groups
                .get(group - 1)
                .cloned()
                .flatten()
                .unwrap_or(matched.span.start..matched.span.start),
        ),
        None => matched.groups.iter().flatten().find(|span| !span.is_empty()).cloned(),
    };
    group.unwrap_or_else(|| trimmed(data, &matched.span))
}

/// Without line ends at either end.
fn trimmed(data: &[u8], span: &Range<usize>) -> Range<usize> {
    let text = &data[span.clone()];
    let front = text.iter().take_while(|byte| **byte == b'\n').count();
    let back = text[front..].iter().rev().take_while(|byte| **byte == b'\n').count();
    span.start + front..span.end - back
}

//! Conditions on headers and on content, joined as far as a filter can hold them: headers AND content.

use super::expr::Expr;
use super::parse::ParseError;
use crate::compile::{Content, Filter};

/// A part of an expression.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Packet(Expr),
    Content(Content),
    /// Both.
    Both(Expr, Content),
}

impl Part {
    /// `self and right` or `self or right`; the word is at `column`.
    pub(super) fn join(self, right: Part, all: bool, column: usize) -> Result<Part, ParseError> {
        use Part::{Both, Content as C, Packet as P};
        Ok(match (self, right) {
            (P(left), P(right)) => P(exprs(left, right, all)),
            (C(left), C(right)) => C(contents(left, right, all)),
            _ if !all => {
                let cause = "`or` cannot join headers with content; join content with content, in parentheses: \
                             `udp and (content \"a\" or content \"b\")`";
                return Err(ParseError::new(column, cause));
            }
            (P(packet), C(content)) | (C(content), P(packet)) => Both(packet, content),
            (P(left), Both(right, content)) | (Both(left, content), P(right)) => {
                Both(exprs(left, right, true), content)
            }
            (C(left), Both(packet, right)) | (Both(packet, left), C(right)) => {
                Both(packet, contents(left, right, true))
            }
            (Both(one, left), Both(other, right)) => {
                Both(exprs(one, other, true), contents(left, right, true))
            }
        })
    }

    /// `not self`; the word is at `column`.
    pub(super) fn negate(self, column: usize) -> Result<Part, ParseError> {
        match self {
            Part::Packet(expr) => Ok(Part::Packet(Expr::Not(Box::new(expr)))),
            _ => Err(ParseError::new(
                column,
                "`not` takes headers only; content can be asked for, not forbidden",
            )),
        }
    }

    pub(super) fn into_filter(self) -> Filter {
        match self {
            Part::Packet(packet) => Filter::packet(packet),
            Part::Content(content) => Filter::content(content),
            Part::Both(packet, content) => Filter { packet: Some(packet), content: Some(content) },
        }
    }
}

/// Lists of the same kind become one.
fn exprs(left: Expr, right: Expr, all: bool) -> Expr {
    let mut list = match (left, all) {
        (Expr::All(list), true) | (Expr::Any(list), false) => list,
        (left, _) => vec![left],
    };
    match (right, all) {
        (Expr::All(more), true) | (Expr::Any(more), false) => list.extend(more),
        (right, _) => list.push(right),
    }
    if all { Expr::All(list) } else { Expr::Any(list) }
}

fn contents(left: Content, right: Content, all: bool) -> Content {
    let mut list = match (left, all) {
        (Content::All(list), true) | (Content::Any(list), false) => list,
        (left, _) => vec![left],
    };
    match (right, all) {
        (Content::All(more), true) | (Content::Any(more), false) => list.extend(more),
        (right, _) => list.push(right),
    }
    if all { Content::All(list) } else { Content::Any(list) }
}

//! The expression language: tcpdump's words, as far as they go.
//!
//! As there, `and` and `or` bind alike, from left to right, and `not` binds closest. Unlike there, a test looks through
//! VLAN tags and IPv6 extension headers, and one word's qualifiers are not taken over by the next: `port 80 or port 443`.

mod primitive;

use super::expr::Expr;
use super::joined::Part;
use super::lex::{Kind, Token, tokens};
use crate::compile::{Content, Filter, Regex};
use std::sync::Arc;

/// Parentheses and words inside each other.
const MAX_DEPTH: usize = 64;

/// Text that is not an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read packet filter, column {column}: {cause}")]
pub struct ParseError {
    /// The column, in characters from 1.
    pub column: usize,
    /// What is wrong, and what is expected.
    pub cause: String,
}

impl ParseError {
    pub(super) fn new(column: usize, cause: impl Into<String>) -> Self {
        Self { column, cause: cause.into() }
    }
}

type Result<T> = std::result::Result<T, ParseError>;

/// Reads a condition on headers.
pub(super) fn parse(text: &str) -> Result<Expr> {
    match read(text)? {
        Part::Packet(expr) => Ok(expr),
        _ => Err(ParseError::new(1, "`content` is no condition on headers; it is for filters")),
    }
}

/// Reads a filter.
pub(super) fn parse_filter(text: &str) -> Result<Filter> {
    read(text).map(Part::into_filter)
}

fn read(text: &str) -> Result<Part> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, end: text.chars().count() + 1 };
    let part = parser.list(0)?;
    match parser.peek() {
        None => Ok(part),
        Some(_) => Err(parser.unexpected("`and`, `or` or the end")),
    }
}

pub(super) struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    /// The column behind the text.
    end: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&Kind<'a>> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    fn column(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |token| token.column)
    }

    /// An error about the next token.
    fn unexpected(&self, expected: &str) -> ParseError {
        let found = self.peek().map_or("the end".into(), Kind::shown);
        ParseError::new(self.column(), format!("{expected} is expected, not {found}"))
    }

    /// The next token, if it is this word.
    fn word(&mut self, wanted: &str) -> bool {
        let found = matches!(self.peek(), Some(Kind::Word(word)) if *word == wanted);
        self.at += usize::from(found);
        found
    }

    fn sign(&mut self, wanted: &str) -> bool {
        let found = matches!(self.peek(), Some(Kind::Sign(sign)) if *sign == wanted);
        self.at += usize::from(found);
        found
    }

    /// The next token, which must be a word that `read` takes.
    fn value<T>(&mut self, expected: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<T> {
        let value = match self.peek() {
            Some(Kind::Word(word)) => read(word),
            _ => None,
        };
        let value = value.ok_or_else(|| self.unexpected(expected))?;
        self.at += 1;
        Ok(value)
    }

    /// `term and term or term ...`
    fn list(&mut self, depth: usize) -> Result<Part> {
        let mut part = self.term(depth)?;
        // How deep the left side has become by changing between the two words.
        let (mut turns, mut last) = (depth, None);
        loop {
            let column = self.column();
            let all = if self.word("and") || self.sign("&&") {
                true
            } else if self.word("or") || self.sign("||") {
                false
            } else {
                return Ok(part);
            };
            turns += usize::from(last != Some(all));
            last = Some(all);
            self.deeper(turns)?;
            let right = self.term(depth)?;
            part = part.join(right, all, column)?;
        }
    }

    fn deeper(&self, depth: usize) -> Result<()> {
        if depth < MAX_DEPTH {
            return Ok(());
        }
        let cause =
            format!("more than {MAX_DEPTH} conditions inside each other; group those that `or` joins");
        Err(ParseError::new(self.column(), cause))
    }

    fn term(&mut self, depth: usize) -> Result<Part> {
        self.deeper(depth)?;
        let column = self.column();
        if self.word("not") || self.sign("!") {
            return self.term(depth + 1)?.negate(column);
        }
        if self.sign("(") {
            let part = self.list(depth + 1)?;
            return if self.sign(")") { Ok(part) } else { Err(self.unexpected("`)`")) };
        }
        if self.word("content") {
            return self.content().map(Part::Content);
        }
        self.primitive().map(|test| Part::Packet(Expr::Test(test)))
    }

    /// `content [nocase] "text"` or `content /pattern/`
    fn content(&mut self) -> Result<Content> {
        let fold = self.word("nocase");
        let column = self.column();
        let content = match self.peek().cloned() {
            Some(Kind::Text(bytes)) => Content::Literal { bytes, fold },
            Some(Kind::Pattern(pattern)) if !fold => {
                let regex =
                    Regex::new(pattern).map_err(|error| ParseError::new(column, error.to_string()))?;
                Content::Regex(Arc::new(regex))
            }
            _ if fold => return Err(self.unexpected("a text in quotes (a pattern takes `(?i)`)")),
            _ => return Err(self.unexpected("`nocase`, a text in quotes or a pattern between slashes")),
        };
        self.at += 1;
        Ok(content)
    }
}

#[cfg(test)]
mod tests;

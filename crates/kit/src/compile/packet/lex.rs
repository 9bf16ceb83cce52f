//! From text to tokens. A word is anything that names, numbers and addresses are made of: `tcp-syn`, `10.0.0.0/8`,
//! `fe80::1`, `6000-6010`.

use super::parse::ParseError;

/// A piece of text, and the column of its first character, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind<'a>,
    pub(super) column: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    Word(&'a str),
    /// `(`, `==` and so on.
    Sign(&'static str),
    /// What is between `[` and `]`.
    Index(&'a str),
    /// What is between quotes, escapes resolved.
    Text(Vec<u8>),
    /// What is between slashes, as it is.
    Pattern(&'a str),
}

impl Kind<'_> {
    /// How an error shows it.
    pub(super) fn shown(&self) -> String {
        match self {
            Kind::Word(word) => format!("`{word}`"),
            Kind::Sign(sign) => format!("`{sign}`"),
            Kind::Index(index) => format!("`[{}]`", index.escape_debug()),
            Kind::Text(_) => "a text".into(),
            Kind::Pattern(_) => "a pattern".into(),
        }
    }
}

/// Longer ones first.
const SIGNS: [&str; 17] =
    ["&&", "||", "!=", "==", "<=", ">=", "<<", ">>", "(", ")", "!", "&", "|", "=", "<", ">", "^"];

fn of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_.:/-\\".contains(c)
}

/// All tokens.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, ParseError> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let column = text[..text.len() - rest.len()].chars().count() + 1;
        let Some(first) = rest.chars().next() else { return Ok(tokens) };
        let (kind, len) = match first {
            '[' => between(rest, "]", column, "`[`").map(|inner| (Kind::Index(inner), inner.len() + 2))?,
            '"' => quoted(rest, column)?,
            '/' => pattern(rest, column)?,
            first if of_word(first) => {
                let len = rest.find(|c| !of_word(c)).unwrap_or(rest.len());
                (Kind::Word(&rest[..len]), len)
            }
            first => match SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
                Some(sign) => (Kind::Sign(sign), sign.len()),
                None => {
                    return Err(ParseError::new(
                        column,
                        format!("`{}` has no meaning", first.escape_default()),
                    ));
                }
            },
        };
        tokens.push(Token { kind, column });
        rest = &rest[len..];
    }
}

/// What follows the first character, up to `end`.
fn between<'a>(rest: &'a str, end: &str, column: usize, what: &str) -> Result<&'a str, ParseError> {
    let inner = &rest[1..];
    let len = inner
        .find(end)
        .ok_or_else(|| ParseError::new(column, format!("{what} is not closed; add `{end}`")))?;
    Ok(&inner[..len])
}

/// `"..."` with `\n`, `\r`, `\t`, `\0`, `\\`, `\"` and `\xHH`.
fn quoted(rest: &str, column: usize) -> Result<(Kind<'_>, usize), ParseError> {
    let mut bytes = Vec::new();
    let mut at = 1;
    let err = |at: usize, cause: &str| Err(ParseError::new(column + rest[..at].chars().count(), cause));
    loop {
        let Some(c) = rest[at..].chars().next() else {
            return err(0, "a text is not closed; add `\"`");
        };
        match c {
            '"' => return Ok((Kind::Text(bytes), at + 1)),
            '\\' => {
                let escape = rest[at + 1..].chars().next();
                let simple = escape
                    .and_then(|c| "n\nr\rt\t0\0\\\\\"\"".chars().step_by(2).position(|known| known == c));
                match (simple, escape) {
                    (Some(index), _) => {
                        bytes.push(b"\n\r\t\0\\\""[index]);
                        at += 2;
                    }
                    (None, Some('x')) => {
                        let digits =
                            rest.get(at + 2..at + 4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
                        let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) else {
                            return err(at, "`\\x` wants two hexadecimal digits");
                        };
                        bytes.push(byte);
                        at += 4;
                    }
                    _ => return err(at, "an unknown escape; known are \\n \\r \\t \\0 \\\\ \\\" and \\xHH"),
                }
            }
            c => {
                bytes.extend(c.encode_utf8(&mut [0; 4]).bytes());
                at += c.len_utf8();
            }
        }
    }
}

/// `/.../`; a slash in it is written `\/`.
fn pattern(rest: &str, column: usize) -> Result<(Kind<'_>, usize), ParseError> {
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            b'/' if !escaped => return Ok((Kind::Pattern(&rest[1..at]), at + 1)),
            _ => escaped = byte == b'\\' && !escaped,
        }
    }
    Err(ParseError::new(column, "a pattern is not closed; add `/`"))
}

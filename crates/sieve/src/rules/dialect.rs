//! Expressions in Go's syntax, written in that of the `regex` crate.
//!
//! Both come from RE2. What differs in real rules: in Go a `{` that begins no count is a character, `\<` and `\>` are characters
//! and no ends of words, and within a class `[`, `&&`, `--`, `~~` and a `-` behind `\w` are characters. (`\w` and its like mean
//! ASCII in Go and all of Unicode here; that is left as it is, since what is found is a superset.)

use std::iter::Peekable;
use std::str::CharIndices;

/// The same expression for the `regex` crate.
pub(super) fn from_go(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => escape(&mut out, &mut chars),
            '[' => class(&mut out, text, &mut chars),
            '{' if count_len(&text[at..]).is_none() => out.push_str("\\{"),
            '{' => {
                let end = at + count_len(&text[at..]).unwrap_or(1);
                out.push_str(&text[at..end]);
                while chars.next_if(|(at, _)| *at < end).is_some() {}
            }
            c => out.push(c),
        }
    }
    out
}

/// Copies what follows a backslash; the braces of `\x{41}` and `\p{Greek}` with it, and all up to `\E` after `\Q`.
fn escape(out: &mut String, chars: &mut Peekable<CharIndices<'_>>) {
    let Some((_, c)) = chars.next() else { return out.push('\\') };
    match c {
        'Q' => return quoted(out, chars),
        '<' | '>' => return out.push(c),
        _ => {}
    }
    out.push('\\');
    out.push(c);
    if matches!(c, 'x' | 'p' | 'P') && chars.next_if(|(_, c)| *c == '{').is_some() {
        out.push('{');
        for (_, c) in chars.by_ref() {
            out.push(c);
            if c == '}' {
                break;
            }
        }
    }
}

fn quoted(out: &mut String, chars: &mut Peekable<CharIndices<'_>>) {
    while let Some((_, c)) = chars.next() {
        if c == '\\' && chars.next_if(|(_, c)| *c == 'E').is_some() {
            return;
        }
        out.push_str(&regex_syntax::escape(c.encode_utf8(&mut [0; 4])));
    }
}

/// Copies a class, its `[` being read.
fn class(out: &mut String, text: &str, chars: &mut Peekable<CharIndices<'_>>) {
    out.push('[');
    if chars.next_if(|(_, c)| *c == '^').is_some() {
        out.push('^');
    }
    if chars.next_if(|(_, c)| *c == ']').is_some() {
        out.push_str("\\]");
    }
    let mut before = None;
    while let Some((at, c)) = chars.next() {
        match c {
            ']' => return out.push(']'),
            '\\' => {
                let is_class = chars.peek().is_some_and(|(_, c)| "dDsSwWpP".contains(*c));
                escape(out, chars);
                // A range cannot begin with several characters: what follows them is no range.
                if is_class && chars.next_if(|(_, c)| *c == '-').is_some() {
                    out.push_str("\\-");
                }
                before = None;
                continue;
            }
            '[' if text[at..].starts_with("[:") => match text[at..].find(":]") {
                Some(len) => {
                    let end = at + len + 2;
                    out.push_str(&text[at..end]);
                    while chars.next_if(|(at, _)| *at < end).is_some() {}
                }
                None => out.push_str("\\["),
            },
            '[' => out.push_str("\\["),
            '&' | '~' | '-' if before == Some(c) => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
        before = Some(c);
    }
}

/// Length of `{2}`, `{2,}` or `{2,3}` at the start of `text`.
fn count_len(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('{')?;
    let len = inner.find('}')?;
    let (low, high) = inner[..len].split_once(',').unwrap_or((&inner[..len], "0"));
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (number(low) && (high.is_empty() || number(high))).then_some(len + 2)
}

#[cfg(test)]
mod tests {
    use super::from_go;
    use regex::bytes::Regex;

    #[test]
    fn what_go_reads_as_characters_stays_so() {
        for (go, text) in [
            (r"^\$(?:\d+|{\d+})$", "${12}"),
            (r"^\${(?:[A-Z_]+|[a-z_]+)}$", "${HOME}"),
            (r"^[[]a[^[]$", "[ab"),
            (r"^[a&&b]+$", "a&&b"),
            (r"^[]x]+$", "]x"),
            (r"^[+--]+$", "+-,"),
            (r"^\Q{a}.\E$", "{a}."),
            (r"^\x{41}{2,3}\p{Greek}$", "AAα"),
            (r"^[[:alpha:][]+$", "a["),
            (r"^{{x}}{,2}$", "{{x}}{,2}"),
            (r"^(?:=|\>|\<=)a$", ">a"),
            (r"^[\<\>]+$", "<>"),
            (r"^[\w-.]+[\d-]$", "a-.1-"),
            (r"^[\p{Greek}-x]+$", "α-x"),
        ] {
            let rust = from_go(go);
            let regex = Regex::new(&rust).unwrap_or_else(|error| panic!("{go} -> {rust}: {error}"));
            assert!(regex.is_match(text.as_bytes()), "{go} -> {rust}: {text}");
        }
    }

    #[test]
    fn ordinary_expressions_stay_as_they_are() {
        for text in
            [r"\bghp_[0-9a-zA-Z]{36}\b", r"(?i)[\w.-]{0,50}?(?:key)(?:[ \t]{0,20})", r"[^\]]{2,}a{3}?"]
        {
            assert_eq!(from_go(text), text);
        }
    }
}

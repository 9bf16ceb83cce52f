//! A line before it is an instruction: comment, index, labels, code.

use super::cursor::Cursor;

/// What is around the instruction of a line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// The number before the first colon, as in a listing.
    pub(super) index: Option<u64>,
    pub(super) labels: Vec<&'a str>,
    /// The number in brackets, as in a listing.
    pub(super) code: Option<u8>,
    /// The instruction; may be empty.
    pub(super) statement: &'a str,
}

impl<'a> Line<'a> {
    /// Takes a line apart.
    pub(super) fn of(line: &'a str) -> Line<'a> {
        let mut parts = Line { statement: without_comment(line).trim(), ..Line::default() };
        if is_heading(parts.statement) || is_bytes(parts.statement) {
            parts.statement = "";
        }
        while let Some((name, rest)) = parts.statement.split_once(':') {
            match (name.trim(), name.trim().parse()) {
                (_, Ok(index)) if parts.index.is_none() && parts.labels.is_empty() => {
                    parts.index = Some(index)
                }
                (name, Err(_)) if is_name(name) => parts.labels.push(name),
                _ => break,
            }
            parts.statement = rest.trim();
        }
        if let Some((code, rest)) = code(parts.statement) {
            parts.code = Some(code);
            parts.statement = rest;
        }
        parts
    }
}

/// `(b7) r0 = 0`
fn code(text: &str) -> Option<(u8, &str)> {
    let (code, rest) = text.strip_prefix('(')?.split_once(')')?;
    let code = (code.len() == 2).then(|| u8::from_str_radix(code, 16).ok())??;
    Some((code, rest.trim()))
}

/// The line up to `#`, `;` or `//`. The `#` of `call NAME#NUMBER` is no comment.
fn without_comment(line: &str) -> &str {
    let bytes = line.as_bytes();
    let is_call_number = |at: usize| {
        let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
        let number = digit(at + 1) || (bytes.get(at + 1) == Some(&b'-') && digit(at + 2));
        number && called(&line[..at])
    };
    let end = (0..line.len()).find(|&at| match bytes[at] {
        b';' => true,
        b'/' => bytes.get(at + 1) == Some(&b'/'),
        b'#' => !is_call_number(at),
        _ => false,
    });
    &line[..end.unwrap_or(line.len())]
}

/// Whether a text ends with `call NAME`, the name not being a distance such as `pc+1`.
fn called(text: &str) -> bool {
    let mut words = text.rsplit([' ', '\t', ')', ':']);
    let name = words.next().is_some_and(|name| is_name(&name.replace('-', "_")) && !name.starts_with("pc-"));
    name && words.find(|word| !word.is_empty()) == Some("call")
}

/// A line of a dump that names a function: `int xdp_pass(struct xdp_md * ctx):`
fn is_heading(text: &str) -> bool {
    text.ends_with(':') && text.contains('(')
}

/// A line of a dump that shows bytes: `b7 00 00 00 00 00 00 00`, or sixteen of them.
fn is_bytes(text: &str) -> bool {
    let mut count = 0;
    let pairs = text
        .split_whitespace()
        .inspect(|_| count += 1)
        .all(|pair| pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit()));
    pairs && matches!(count, 8 | 16)
}

/// Whether a text can be a label.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && Cursor::new(text).peek_word() == Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments() {
        for (line, kept) in [
            ("exit # done", "exit "),
            ("exit#done", "exit"),
            ("exit ; done", "exit "),
            ("exit // done", "exit "),
            ("call bpf_map_lookup_elem#1 # found", "call bpf_map_lookup_elem#1 "),
            ("(85) call kernel-function#-7", "(85) call kernel-function#-7"),
            ("call pc+3#4", "call pc+3"),
            ("call pc-3#4", "call pc-3"),
            ("call 5 #1", "call 5 "),
            ("r1 /= 2", "r1 /= 2"),
        ] {
            assert_eq!(without_comment(line), kept, "{line}");
        }
    }

    #[test]
    fn parts() {
        let line = Line::of("  12: (b7) r0 = 1");
        assert_eq!((line.index, line.code, line.statement), (Some(12), Some(0xb7), "r0 = 1"));
        let line = Line::of("a: b.1: exit");
        assert_eq!((line.labels, line.statement), (vec!["a", "b.1"], "exit"));
        assert_eq!(Line::of("int f(struct xdp_md * ctx):").statement, "");
        assert_eq!(Line::of("  b7 00 00 00 00 00 00 00").statement, "");
        assert_eq!(Line::of("r0 = *(u8 *)(r1 +0)").code, None);
    }
}

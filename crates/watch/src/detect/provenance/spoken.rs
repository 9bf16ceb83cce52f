//! What a model says in a stream of events: the fields that hold its words, one upon the other.
//!
//! `data: {"delta":{"text":"cat /sr"}}` and `data: {"delta":{"text":"v/x"}}` together say `cat /srv/x`. The names are those that
//! the common services use. A field that ends in the next record is put together, if it has at most [`MAX_OPEN`] bytes.

use memchr::memmem;

/// Names of the fields.
const FIELDS: [&str; 8] = [
    "\"text\"",
    "\"content\"",
    "\"partial_json\"",
    "\"arguments\"",
    "\"command\"",
    "\"cmd\"",
    "\"delta\"",
    "\"input\"",
];
/// Bytes of a field whose end has not come yet.
const MAX_OPEN: usize = 4096;

/// A stream, as far as it is between two records.
#[derive(Debug, Default)]
pub(super) struct Spoken {
    open: String,
}

impl Spoken {
    /// Takes the next piece of the stream; the fields that end in it.
    pub(super) fn feed(&mut self, data: &str) -> String {
        let text = std::mem::take(&mut self.open) + data;
        let mut out = String::new();
        let mut at = 0;
        while let Some((name_at, name)) = next_name(&text[at..]) {
            let start = at + name_at;
            match value(&text[start + name.len()..]) {
                Value::Text(text_at, len) => {
                    let from = start + name.len() + text_at;
                    out.push_str(&text[from..from + len]);
                    at = from + len;
                }
                Value::Other => at = start + name.len(),
                Value::Open => {
                    if text.len() - start <= MAX_OPEN {
                        text[start..].clone_into(&mut self.open);
                    }
                    break;
                }
            }
        }
        out
    }
}

enum Value {
    /// A text: where it begins and its bytes.
    Text(usize, usize),
    Other,
    /// It ends in what comes next.
    Open,
}

fn next_name(text: &str) -> Option<(usize, &'static str)> {
    let found =
        FIELDS.iter().filter_map(|name| Some((memmem::find(text.as_bytes(), name.as_bytes())?, *name)));
    found.min_by_key(|(at, _)| *at)
}

/// The value behind a name.
fn value(text: &str) -> Value {
    let bytes = text.as_bytes();
    let blanks =
        |from: usize| from + bytes[from..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let colon = blanks(0);
    match bytes.get(colon) {
        None => return Value::Open,
        Some(b':') => {}
        Some(_) => return Value::Other,
    }
    let quote = blanks(colon + 1);
    match bytes.get(quote) {
        None => return Value::Open,
        Some(b'"') => {}
        Some(_) => return Value::Other,
    }
    let mut at = quote + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return Value::Text(quote + 1, at - quote - 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    Value::Open
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_put_together() {
        let mut spoken = Spoken::default();
        let first = spoken
            .feed("data: {\"delta\":{\"type\":\"x\",\"text\":\"cat \\\"/sr\"}}\n\ndata: {\"delta\":{\"te");
        let second = spoken.feed("xt\":\"v/x\"}}");
        assert_eq!(first, "cat \\\"/sr");
        // A name that is cut is lost; a value that is cut is not.
        assert_eq!(second, "");
        assert_eq!(spoken.feed("{\"content\" : \"a b"), "");
        assert_eq!(spoken.feed(" c\"}"), "a b c");
        assert_eq!(spoken.feed("{\"content\":null,\"input\":{\"command\":\"id\"}}"), "id");
    }
}

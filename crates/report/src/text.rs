//! Bytes to text, losslessly.
//!
//! Paths and arguments are bytes. Where they are UTF-8 they stand as they are. Where they are not, each byte
//! that is no part of a character stands as `\xHH`, a backslash as `\\`, and the name of the field goes into
//! the record's `escaped` list. [`unescape`] is the way back.

use std::borrow::Cow;

/// Collects the names of the fields that had to be escaped.
#[derive(Clone, Debug, Default)]
pub struct Escapes(Vec<&'static str>);

impl Escapes {
    /// Text for `bytes`; notes `field` when they are not UTF-8.
    pub fn text(&mut self, field: &'static str, bytes: &[u8]) -> String {
        match escape(bytes) {
            Cow::Borrowed(plain) => plain.to_owned(),
            Cow::Owned(escaped) => {
                self.note(field);
                escaped
            }
        }
    }

    /// Notes that `field` holds text that was escaped elsewhere.
    pub fn note(&mut self, field: &'static str) {
        if !self.0.contains(&field) {
            self.0.push(field);
        }
    }

    /// Whether nothing had to be escaped.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Texts for a list in which every item of the field is escaped as soon as one has to be.
    pub fn texts<'a>(
        &mut self,
        field: &'static str,
        items: impl Iterator<Item = &'a [u8]> + Clone,
    ) -> Vec<String> {
        if items.clone().all(|item| std::str::from_utf8(item).is_ok()) {
            return items.map(|item| String::from_utf8_lossy(item).into_owned()).collect();
        }
        self.0.push(field);
        items.map(force_escape).collect()
    }

    /// The names, in the order in which they were met.
    pub fn into_fields(self) -> Vec<&'static str> {
        self.0
    }
}

/// Borrowed when `bytes` are UTF-8, else escaped.
pub fn escape(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(plain) => Cow::Borrowed(plain),
        Err(_) => Cow::Owned(force_escape(bytes)),
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

fn force_escape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        let mut parts = chunk.valid().split('\\');
        out.push_str(parts.next().unwrap_or_default());
        for part in parts {
            out.push_str("\\\\");
            out.push_str(part);
        }
        for byte in chunk.invalid() {
            let digit = |nibble: u8| char::from(HEX[usize::from(nibble)]);
            out.extend(['\\', 'x', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    out
}

/// The bytes that an escaped text stands for; `None` when it was not made by [`escape`].
pub fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let (&escape, tail) = rest.split_first()?;
        rest = tail;
        match escape {
            b'\\' => out.push(b'\\'),
            b'x' => {
                let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
                out.push(u8::from_str_radix(digits, 16).ok()?);
                rest = &rest[2..];
            }
            _ => return None,
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf8_stays_as_it_is() {
        let mut escapes = Escapes::default();
        assert_eq!(escapes.text("path", "/tmp/ä\\n".as_bytes()), "/tmp/ä\\n");
        assert!(escapes.into_fields().is_empty());
    }

    #[test]
    fn other_bytes_are_marked_and_come_back() {
        let bytes = b"/tmp/\xff\\x41\xc3";
        let mut escapes = Escapes::default();
        let text = escapes.text("path", bytes);
        assert_eq!(text, "/tmp/\\xff\\\\x41\\xc3");
        assert_eq!(escapes.into_fields(), ["path"]);
        assert_eq!(unescape(&text).as_deref(), Some(&bytes[..]));
    }

    #[test]
    fn every_byte_comes_back() {
        let all: Vec<u8> = (0..=255).chain(*b"\\\\").collect();
        let text = escape(&all).into_owned();
        assert!(text.contains("[\\\\]^") && text.ends_with("\\xfe\\xff\\\\\\\\"), "{text}");
        assert_eq!(unescape(&text).as_deref(), Some(&all[..]));
    }

    #[test]
    fn a_list_is_escaped_as_a_whole() {
        let mut escapes = Escapes::default();
        let argv = escapes.texts("argv", [&b"a\\b"[..], b"\xfe"].into_iter());
        assert_eq!(argv, ["a\\\\b", "\\xfe"]);
        assert_eq!(escapes.into_fields(), ["argv"]);
    }
}

//! JSON, a line each, on standard input, output and error: what programs say to each other that start one another, as servers
//! of the Model Context Protocol do.
//!
//! What calls move is put together by its offsets; a line that is JSON is a message, whatever else comes is only counted. Bounded:
//! [`MAX_STREAMS`] descriptors, [`MAX_LINE_BYTES`] of a line and [`MAX_BYTES`] in all; what is more is left out and said so.

use super::{Core, Unknown};
use crate::raw::Event;
use kernscope_abi as abi;
use kernscope_report::text::Escapes;
use kernscope_report::{Body, Entry, Stdio, StdioMessage, TlsDirection};
use serde_json::Value;
use std::collections::BTreeMap;

/// Descriptors on which a line has begun.
const MAX_STREAMS: usize = 1024;
/// Longest line that is looked at.
const MAX_LINE_BYTES: usize = 1 << 20;
/// Bytes of all lines that have begun.
const MAX_BYTES: usize = 32 << 20;
/// Longest message that is shown.
const MAX_SHOWN_BYTES: usize = 64 * 1024;

/// Process, its start, descriptor and direction.
type Key = (u32, u64, i32, u32);

/// All lines that have begun.
#[derive(Debug, Default)]
pub(super) struct Lines {
    streams: BTreeMap<Key, Stream>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Stream {
    /// The open file: another one may come to the same number.
    file: u64,
    /// Where the next byte is expected.
    next: u64,
    line: Vec<u8>,
    /// Of the line, with what was left out.
    line_bytes: u64,
    /// A part of the line is missing.
    is_cut: bool,
}

/// A line that has ended.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    bytes: Vec<u8>,
    offset: u64,
    len: u64,
    is_cut: bool,
}

impl Core {
    pub(super) fn stdio(
        &mut self,
        event: &Event<'_>,
        moved: &abi::Content,
        out: &mut Vec<Entry>,
    ) -> Result<(), Unknown> {
        let direction = match moved.source {
            abi::CONTENT_IN => TlsDirection::Recv,
            abi::CONTENT_OUT => TlsDirection::Send,
            _ => return Err(Unknown),
        };
        let parts = event.sections.iter().filter(|section| section.tag == abi::SEC_DATA);
        let data: Vec<u8> = parts.flat_map(|section| section.bytes).copied().collect();
        let key = (event.header.pid, event.header.start_ns, moved.fd, moved.source);
        let at = moved.offset.wrapping_add(moved.at);
        let lines = self.lines.push(key, moved.file.id, at, &data);
        let messages: Vec<Stdio> =
            lines.into_iter().filter_map(|line| self.message(line, direction, moved.fd)).collect();
        if messages.is_empty() {
            self.tally.filter("stdio");
        }
        for (number, message) in messages.into_iter().enumerate() {
            let entry = self.who(&event.header).entry(Body::Stdio(message), Escapes::default());
            match number {
                0 => self.emit(out, entry),
                _ => self.derive(entry, out),
            }
        }
        Ok(())
    }

    /// Forgets the lines of a process that has ended.
    pub(super) fn stdio_ends(&mut self, header: &abi::Header) {
        let first = (header.pid, header.start_ns, i32::MIN, 0);
        let last = (header.pid, header.start_ns, i32::MAX, u32::MAX);
        let own: Vec<Key> = self.lines.streams.range(first..=last).map(|(key, _)| *key).collect();
        for key in own {
            self.lines.forget(&key);
        }
    }

    /// The message in a line; `None` for anything else.
    fn message(&mut self, line: Line, direction: TlsDirection, fd: i32) -> Option<Stdio> {
        if !matches!(line.bytes.trim_ascii_start(), [b'{' | b'[', ..]) {
            return None;
        }
        let whole = match line.is_cut {
            true => None,
            false => Some(serde_json::from_slice::<Value>(&line.bytes).ok()?),
        };
        let is_shown = whole.is_some() && line.bytes.len() <= MAX_SHOWN_BYTES;
        let body = is_shown.then(|| {
            let text = String::from_utf8_lossy(&line.bytes).trim().to_owned();
            let text = if self.config.redact { self.judges.redacted(text) } else { text };
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        });
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let method = text(whole.as_ref().and_then(|whole| whole.get("method")))
            .map(|method| if self.config.redact { self.judges.redacted(method) } else { method });
        Some(Stdio {
            direction,
            fd,
            message: whole.as_ref().map_or(StdioMessage::Other, sort),
            method,
            id: whole.as_ref().and_then(|whole| whole.get("id")).filter(|id| is_plain(id)).cloned(),
            offset: line.offset,
            truncated: body.is_none(),
            body,
            body_bytes: line.len,
        })
    }
}

/// Whether an id may be shown as it is: a number, or a text too short for a secret.
fn is_plain(id: &Value) -> bool {
    id.is_number() || id.as_str().is_some_and(|text| text.len() <= 36)
}

/// What a message is by the rules of JSON-RPC 2.0.
fn sort(message: &Value) -> StdioMessage {
    let has = |name| message.get(name).is_some();
    match (has("method"), has("id")) {
        (true, true) => StdioMessage::Request,
        (true, false) => StdioMessage::Notification,
        (false, true) if has("error") => StdioMessage::Error,
        (false, true) if has("result") => StdioMessage::Response,
        _ => StdioMessage::Other,
    }
}

impl Lines {
    /// Takes bytes that begin at a place; the lines that end in them.
    fn push(&mut self, key: Key, file: u64, at: u64, data: &[u8]) -> Vec<Line> {
        if self.streams.len() >= MAX_STREAMS && !self.streams.contains_key(&key) {
            let oldest = self.streams.keys().next().copied();
            oldest.inspect(|oldest| self.forget(oldest));
        }
        let room = MAX_BYTES.saturating_sub(self.bytes);
        let stream =
            self.streams.entry(key).or_insert_with(|| Stream { file, next: at, ..Stream::default() });
        if stream.file != file {
            self.bytes -= stream.line.len();
            *stream = Stream { file, next: at, ..Stream::default() };
        } else if stream.next != at {
            stream.line_bytes = stream.line_bytes.saturating_add(at.saturating_sub(stream.next));
            stream.is_cut = true;
        }
        stream.next = at.wrapping_add(data.len() as u64);
        let before = stream.line.len();
        let (mut lines, mut start) = (Vec::new(), 0);
        for end in memchr::memchr_iter(b'\n', data) {
            stream.add(&data[start..end], room);
            start = end + 1;
            lines.push(stream.take(at.wrapping_add(start as u64)));
        }
        stream.add(&data[start..], room);
        self.bytes = self.bytes + stream.line.len() - before;
        lines
    }

    fn forget(&mut self, key: &Key) {
        if let Some(stream) = self.streams.remove(key) {
            self.bytes -= stream.line.len();
        }
    }
}

impl Stream {
    fn add(&mut self, part: &[u8], room: usize) {
        self.line_bytes = self.line_bytes.saturating_add(part.len() as u64);
        if self.line.len() + part.len() > MAX_LINE_BYTES || part.len() > room {
            self.is_cut = true;
        } else if !self.is_cut {
            self.line.extend_from_slice(part);
        }
    }

    /// The line, which has ended before `end`.
    fn take(&mut self, end: u64) -> Line {
        let len = std::mem::take(&mut self.line_bytes);
        let is_cut = std::mem::take(&mut self.is_cut);
        Line { bytes: std::mem::take(&mut self.line), offset: end.wrapping_sub(len + 1), len, is_cut }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = (7, 1, 0, 0);

    fn whole(bytes: &[u8], offset: u64) -> Line {
        Line { bytes: bytes.to_vec(), offset, len: bytes.len() as u64, is_cut: false }
    }

    #[test]
    fn lines_are_put_together_wherever_calls_split_them() {
        let text = b"{\"a\":1}\n[2]\n";
        for split in 0..=text.len() {
            let mut lines = Lines::default();
            let mut found = lines.push(KEY, 1, 5, &text[..split]);
            found.extend(lines.push(KEY, 1, 5 + split as u64, &text[split..]));
            assert_eq!(found, [whole(b"{\"a\":1}", 5), whole(b"[2]", 13)], "split at {split}");
            assert_eq!(lines.bytes, 0);
        }
    }

    #[test]
    fn what_is_missing_or_too_long_cuts_its_line_and_no_other() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(KEY, 1, 0, b"{\"a\""), []);
        let found = lines.push(KEY, 1, 10, b"1}\n{}\n");
        assert_eq!((found[0].is_cut, found[0].len, found[0].offset), (true, 12, 0));
        assert_eq!(found[1], whole(b"{}", 13));
        let long = vec![b'x'; MAX_LINE_BYTES + 1];
        assert_eq!(lines.push(KEY, 1, 16, &long), []);
        let found = lines.push(KEY, 1, 16 + long.len() as u64, b"\n{}\n");
        assert!(found[0].is_cut && found[0].len == long.len() as u64 && !found[1].is_cut);
        assert_eq!(lines.push(KEY, 1, 1 << 40, b"half"), []);
        assert_eq!(lines.push(KEY, 2, 0, b"{}\n"), [whole(b"{}", 0)], "another file");
        assert_eq!(lines.bytes, 0);
    }

    #[test]
    fn streams_are_bounded() {
        let mut lines = Lines::default();
        for pid in 0..2 * MAX_STREAMS as u32 {
            lines.push((pid, 1, 0, 0), 1, 0, b"{");
        }
        assert_eq!((lines.streams.len(), lines.bytes), (MAX_STREAMS, MAX_STREAMS));
    }

    #[test]
    fn messages_are_sorted_as_json_rpc_does() {
        let of = |text: &str| sort(&serde_json::from_str(text).expect("JSON"));
        assert_eq!(of(r#"{"id":1,"method":"m"}"#), StdioMessage::Request);
        assert_eq!(of(r#"{"method":"m"}"#), StdioMessage::Notification);
        assert_eq!(of(r#"{"id":1,"result":{}}"#), StdioMessage::Response);
        assert_eq!(of(r#"{"id":1,"error":{}}"#), StdioMessage::Error);
        assert_eq!(of(r#"[{"id":1}]"#), StdioMessage::Other);
    }
}

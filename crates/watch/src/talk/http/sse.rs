//! Server-sent events (WHATWG HTML, 9.2): lines of a field and a value, an event ended by an empty line.

use super::BODY_BYTES;

/// Longest line whose beginning is kept.
const LINE_BYTES: usize = BODY_BYTES + 16;

/// An event.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    /// Its sort, where it is named.
    pub(super) name: Option<String>,
    /// Its data, the first [`BODY_BYTES`] of it.
    pub(super) data: Vec<u8>,
    /// Bytes of its data.
    pub(super) bytes: u64,
}

/// Takes a stream of events apart.
#[derive(Debug, Default)]
pub(super) struct Events {
    line: Vec<u8>,
    /// Bytes of the line that were not kept.
    left_out: u64,
    event: Event,
    has_data: bool,
    after_return: bool,
}

impl Events {
    /// The events that are whole with these bytes.
    pub(super) fn push(&mut self, data: &[u8]) -> Vec<Event> {
        let mut whole = Vec::new();
        for &byte in data {
            let is_second = byte == b'\n' && self.after_return;
            self.after_return = byte == b'\r';
            match byte {
                _ if is_second => {}
                b'\n' | b'\r' => whole.extend(self.line_ends()),
                byte if self.line.len() < LINE_BYTES => self.line.push(byte),
                _ => self.left_out += 1,
            }
        }
        whole
    }

    fn line_ends(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        let left_out = std::mem::take(&mut self.left_out);
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return std::mem::take(&mut self.has_data).then_some(event);
        }
        let colon = line.iter().position(|&byte| byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &line[..colon] {
            b"event" => {
                let name = String::from_utf8_lossy(&value[..value.len().min(256)]).into_owned();
                self.event.name = Some(name);
            }
            b"data" => self.add(value, left_out),
            _ => {}
        }
        None
    }

    fn add(&mut self, value: &[u8], left_out: u64) {
        let event = &mut self.event;
        let parts: [&[u8]; 2] = [if self.has_data { b"\n" } else { b"" }, value];
        for part in parts {
            let room = BODY_BYTES - event.data.len().min(BODY_BYTES);
            event.data.extend_from_slice(&part[..part.len().min(room)]);
            event.bytes += part.len() as u64;
        }
        event.bytes += left_out;
        self.has_data = true;
    }
}

//! WebSocket, which a connection becomes by an upgrade: messages in frames (RFC 6455, 5).
//!
//! A message is told when its last frame has come: of text the first [`BODY_BYTES`], unmasked; of other data how much it was. Frames
//! that only keep the connection alive or end it are not told. What an extension has packed (RFC 7692) is counted and not shown.

use super::{Asked, BODY_BYTES, Kind, Message};

/// Longest front of a frame: 2 bytes, a length of 8, a mask of 4.
const FRONT_BYTES: usize = 14;
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
/// Kinds from here on are about the connection, and may come within a message.
const CONTROL: u8 = 8;
const LAST_KIND: u8 = 10;
const FINAL: u8 = 0x80;
/// The bit that an extension sets on the first frame of a packed message, and those that nothing sets.
const PACKED: u8 = 0x40;
const RESERVED: u8 = 0x30;
const MASKED: u8 = 0x80;

/// Reads one side.
#[derive(Debug)]
pub(super) struct Reader {
    /// The front of a frame, as far as it has come.
    front: Vec<u8>,
    offset: u64,
    frame: Option<Frame>,
    message: Option<Message>,
    asked: Asked,
}

/// A frame whose front is read.
#[derive(Debug)]
struct Frame {
    kind: u8,
    is_final: bool,
    left: u64,
    mask: [u8; 4],
    /// Bytes that were taken, which say where in the mask the next one is.
    taken: usize,
}

impl Reader {
    /// For a side whose frames begin at `offset`; `asked`: by which the connection became one of these.
    pub(super) fn new(offset: u64, asked: Asked) -> Self {
        Self { front: Vec::new(), offset, frame: None, message: None, asked }
    }

    /// Reads what is there; `false` when it is no frame.
    pub(super) fn push(&mut self, mut data: &[u8], out: &mut Vec<Message>) -> bool {
        while !data.is_empty() {
            if let Some(frame) = &mut self.frame {
                let count = usize::try_from(frame.left).unwrap_or(usize::MAX).min(data.len());
                let (own, rest) = data.split_at(count);
                data = rest;
                self.offset += count as u64;
                if frame.kind < CONTROL
                    && let Some(message) = &mut self.message
                {
                    keep(message, frame, own);
                }
                frame.left -= count as u64;
                frame.taken += count;
                self.frame_ends(out);
                continue;
            }
            self.front.push(data[0]);
            self.offset += 1;
            data = &data[1..];
            let Some(frame) = front(&self.front) else {
                if self.front.len() >= FRONT_BYTES {
                    return false;
                }
                continue;
            };
            if !self.begins(frame) {
                return false;
            }
            self.frame_ends(out);
        }
        true
    }

    /// Begins a frame, and a message with it; `false` when it does not fit what came before.
    fn begins(&mut self, frame: Frame) -> bool {
        let first = self.front[0];
        let starts_at = self.offset - self.front.len() as u64;
        self.front.clear();
        let is_known = matches!(frame.kind, CONTINUATION..=BINARY | CONTROL..=LAST_KIND);
        let fits = frame.kind >= CONTROL || (frame.kind == CONTINUATION) == self.message.is_some();
        if !is_known || !fits || first & RESERVED != 0 {
            return false;
        }
        if matches!(frame.kind, TEXT | BINARY) {
            let mut message = Message::new(Kind::Frame, "1.1", starts_at);
            message.answers(self.asked.clone());
            message.event = Some(if frame.kind == TEXT { "text" } else { "binary" }.to_owned());
            message.content_encoding = (first & PACKED != 0).then(|| "permessage-deflate".to_owned());
            let is_shown = frame.kind == TEXT && message.content_encoding.is_none();
            message.body = is_shown.then(Vec::new);
            self.message = Some(message);
        }
        self.frame = Some(frame);
        true
    }

    fn frame_ends(&mut self, out: &mut Vec<Message>) {
        if let Some(frame) = self.frame.take_if(|frame| frame.left == 0)
            && frame.is_final
            && frame.kind < CONTROL
        {
            out.extend(self.message.take());
        }
    }

    /// The connection has ended.
    pub(super) fn end(mut self, out: &mut Vec<Message>) {
        if let Some(message) = &mut self.message {
            message.is_cut = true;
        }
        out.extend(self.message.take());
    }
}

/// Takes bytes of a frame into its message.
fn keep(message: &mut Message, frame: &Frame, data: &[u8]) {
    message.body_bytes += data.len() as u64;
    let Some(body) = &mut message.body else { return };
    let room = BODY_BYTES - body.len().min(BODY_BYTES);
    let shown = data.iter().take(room).enumerate();
    body.extend(shown.map(|(at, byte)| byte ^ frame.mask[(frame.taken + at) % frame.mask.len()]));
    message.is_cut |= data.len() > room;
}

/// The front of a frame; `None` when it is not whole.
fn front(bytes: &[u8]) -> Option<Frame> {
    let [first, second, rest @ ..] = bytes else { return None };
    let (left, rest) = match second & !MASKED {
        126 => {
            rest.split_first_chunk::<2>().map(|(len, rest)| (u64::from(u16::from_be_bytes(*len)), rest))?
        }
        127 => rest.split_first_chunk::<8>().map(|(len, rest)| (u64::from_be_bytes(*len), rest))?,
        short => (u64::from(short), rest),
    };
    let mask = if second & MASKED != 0 { *rest.first_chunk()? } else { [0; 4] };
    Some(Frame { kind: first & 0xf, is_final: first & FINAL != 0, left, mask, taken: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(first: u8, mask: Option<[u8; 4]>, data: &[u8]) -> Vec<u8> {
        let flag = if mask.is_some() { MASKED } else { 0 };
        let mut bytes = vec![first];
        match data.len() {
            short @ 0..126 => bytes.push(flag | short as u8),
            middle @ 126..65_536 => {
                bytes.push(flag | 126);
                bytes.extend((middle as u16).to_be_bytes());
            }
            long => {
                bytes.push(flag | 127);
                bytes.extend((long as u64).to_be_bytes());
            }
        }
        bytes.extend(mask.iter().flatten());
        let mask = mask.unwrap_or_default();
        bytes.extend(data.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]));
        bytes
    }

    /// Offset, sort, text, bytes, and whether it is cut.
    type Told = (u64, String, Option<String>, u64, bool);

    fn read(parts: &[&[u8]]) -> (Vec<Told>, bool) {
        let mut reader = Reader::new(100, Asked::default());
        let mut out = Vec::new();
        let goes_on = parts.iter().all(|part| reader.push(part, &mut out));
        reader.end(&mut out);
        let told = out.into_iter().map(|message| {
            let body = message.body.map(|body| String::from_utf8(body).expect("text"));
            (message.offset, message.event.expect("a sort"), body, message.body_bytes, message.is_cut)
        });
        (told.collect(), goes_on)
    }

    #[test]
    fn messages_are_told_whole_wherever_they_are_cut() {
        let mask = Some([1, 2, 3, 0xff]);
        let long = "long ".repeat(200);
        let all = [
            frame(FINAL | TEXT, mask, b"hello"),
            frame(TEXT, mask, b"in two "),
            frame(FINAL | 9, None, b"ping"),
            frame(FINAL, mask, b"parts"),
            frame(FINAL | BINARY, None, &vec![7; 70_000]),
            frame(FINAL | TEXT, mask, long.as_bytes()),
            frame(FINAL | PACKED | TEXT, mask, b"packed"),
            frame(FINAL | TEXT, None, b""),
            frame(TEXT, mask, b"open"),
        ]
        .concat();
        let text = |text: &str| Some(text.to_owned());
        let at = |number: usize| [100, 111, 141, 70_151, 71_159, 71_171, 71_173][number];
        let wanted = vec![
            (at(0), "text".to_owned(), text("hello"), 5, false),
            (at(1), "text".to_owned(), text("in two parts"), 12, false),
            (at(2), "binary".to_owned(), None, 70_000, false),
            (at(3), "text".to_owned(), text(&long), 1000, false),
            (at(4), "text".to_owned(), None, 6, false),
            (at(5), "text".to_owned(), text(""), 0, false),
            (at(6), "text".to_owned(), text("open"), 4, true),
        ];
        assert_eq!(read(&[&all]), (wanted.clone(), true));
        for cut in (0..all.len()).step_by(7) {
            assert_eq!(read(&[&all[..cut], &all[cut..]]), (wanted.clone(), true), "cut at {cut}");
        }
        let each: Vec<&[u8]> = all.chunks(1).collect();
        assert_eq!(read(&each), (wanted, true));
    }

    #[test]
    fn what_is_no_frame_ends_it_and_long_ones_are_cut() {
        for wrong in [&[0x83, 0][..], &[FINAL | RESERVED | TEXT, 0], &[FINAL, 0], &[TEXT, 0, TEXT, 0]] {
            assert!(!read(&[wrong]).1, "{wrong:x?}");
        }
        let (told, goes_on) = read(&[&frame(FINAL | TEXT, None, &vec![b'x'; BODY_BYTES + 1])]);
        assert!(goes_on && told[0].4 && told[0].3 == BODY_BYTES as u64 + 1);
        assert_eq!(told[0].2.as_ref().map(String::len), Some(BODY_BYTES));
        // A length that no stream has.
        assert!(read(&[&[FINAL | BINARY, 127], &[0xff; 8], b"abc"]).1);
    }
}

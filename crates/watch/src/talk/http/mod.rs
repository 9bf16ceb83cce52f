//! HTTP on a connection: what is asked for and answered, by HTTP/1 (RFC 9112), HTTP/2 (RFC 9113) and server-sent events.
//!
//! A [`Conversation`] has two sides, each read by itself as its bytes come, in parts of any size. What a side speaks shows in its first
//! bytes; what is no HTTP, or ceases to be (an upgrade to anything but a WebSocket, garbage, a gap), is left alone from there on. A message is given out when
//! it has ended, or is cut: of its body JSON is kept, up to [`BODY_BYTES`].
//!
//! Bounded: [`HEAD_BYTES`] of a head, [`BODY_BYTES`] of a body, [`STREAMS_MAX`] messages of HTTP/2 at once on a side.
//!
//! ```
//! use kernscope_watch::talk::http::{Conversation, Kind};
//! let mut talk = Conversation::default();
//! let mut told = Vec::new();
//! talk.push(0, 0, b"GET /x HTTP/1.1\r\nhost: example.org\r\n\r\n", &mut told);
//! talk.push(1, 0, b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", &mut told);
//! assert_eq!((told[0].kind, told[0].host.as_deref()), (Kind::Request, Some("example.org")));
//! assert_eq!((told[1].status, told[1].path.as_deref(), told[1].body_bytes), (Some(200), Some("/x"), 2));
//! ```

mod body;
mod one;
mod socket;
mod sse;
#[cfg(test)]
mod tests;
mod two;
mod unpack;

use std::collections::{BTreeMap, VecDeque};

/// Longest head of a message, and longest block of headers.
pub const HEAD_BYTES: usize = 32 * 1024;
/// Bytes of a body that are kept.
pub const BODY_BYTES: usize = 16 * 1024;
/// Messages of HTTP/2 that one side may have begun.
pub const STREAMS_MAX: usize = 64;
/// Questions that wait for their answers.
const ASKED_MAX: usize = 256;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A request.
    Request,
    /// A response; of one that is a stream of events, its head.
    Response,
    /// An event of a response that is a stream of them.
    Event,
    /// A message of a WebSocket.
    Frame,
}

/// A message, or a part of one that means something by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What it is.
    pub kind: Kind,
    /// The side that said it.
    pub side: usize,
    /// `1.0`, `1.1` or `2`.
    pub version: &'static str,
    /// Its stream, in HTTP/2.
    pub stream: Option<u32>,
    /// Where it begins among what the side has said.
    pub offset: u64,
    /// The method; of a response, that of its request.
    pub method: Option<String>,
    /// The host, and the port where it is told.
    pub host: Option<String>,
    /// Path and query as sent.
    pub path: Option<String>,
    /// The status.
    pub status: Option<u16>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Content-Encoding`; of a WebSocket's message the extension that packed it.
    pub content_encoding: Option<String>,
    /// What the connection becomes, as the head has it.
    pub upgrade: Option<String>,
    /// The sort of an event, where it is named; `text` or `binary` of a WebSocket's message.
    pub event: Option<String>,
    /// The body, if it is JSON and was readable, unpacked; the data of an event, the text of a WebSocket. Its first [`BODY_BYTES`].
    pub body: Option<Vec<u8>>,
    /// Bytes of the body as it was sent, whether kept or not.
    pub body_bytes: u64,
    /// It broke off, or more of its body came than is kept.
    pub is_cut: bool,
}

impl Message {
    fn new(kind: Kind, version: &'static str, offset: u64) -> Self {
        Self {
            kind,
            side: 0,
            version,
            stream: None,
            offset,
            method: None,
            host: None,
            path: None,
            status: None,
            content_type: None,
            content_encoding: None,
            upgrade: None,
            event: None,
            body: None,
            body_bytes: 0,
            is_cut: false,
        }
    }

    /// Takes over what was asked.
    fn answers(&mut self, asked: Asked) {
        (self.method, self.host, self.path) = (asked.method, asked.host, asked.path);
    }
}

/// What was asked, until it is answered.
#[derive(Clone, Debug, Default)]
struct Asked {
    method: Option<String>,
    host: Option<String>,
    path: Option<String>,
}

impl Asked {
    fn of(message: &Message) -> Self {
        let Message { method, host, path, .. } = message.clone();
        Self { method, host, path }
    }
}

/// What both sides know: which questions are open.
#[derive(Debug, Default)]
struct Shared {
    in_order: VecDeque<Asked>,
    by_stream: BTreeMap<u32, Asked>,
    /// The connection has become something else.
    is_over: bool,
    /// It has become a WebSocket, which this asked for.
    is_socket: Option<Asked>,
}

impl Shared {
    fn ask(&mut self, message: &Message) {
        let asked = Asked::of(message);
        match message.stream {
            Some(stream) => {
                if self.by_stream.len() >= ASKED_MAX {
                    self.by_stream.pop_first();
                }
                self.by_stream.insert(stream, asked);
            }
            None if self.in_order.len() < ASKED_MAX => self.in_order.push_back(asked),
            None => {}
        }
    }
}

/// One side, as far as it is known what it speaks.
#[derive(Debug)]
enum Side {
    Start {
        bytes: Vec<u8>,
        offset: u64,
    },
    One(Box<one::Reader>),
    Two(Box<two::Reader>),
    Socket(Box<socket::Reader>),
    /// No HTTP, or not any more.
    Other,
}

/// Both sides of a connection.
#[derive(Debug)]
pub struct Conversation {
    sides: [Side; 2],
    shared: Shared,
}

impl Default for Conversation {
    fn default() -> Self {
        let start = || Side::Start { bytes: Vec::new(), offset: 0 };
        Self { sides: [start(), start()], shared: Shared::default() }
    }
}

impl Conversation {
    /// Takes what one side (0 or 1) has said, from `offset` on, directly behind what it said before.
    pub fn push(&mut self, side: usize, offset: u64, data: &[u8], out: &mut Vec<Message>) {
        let Some(one) = self.sides.get_mut(side) else { return };
        if let Side::Start { bytes, offset: first } = one {
            if bytes.is_empty() {
                *first = offset;
            }
            bytes.extend_from_slice(data);
            let (first, bytes) = (*first, std::mem::take(bytes));
            match recognise(&bytes) {
                Some(Speaks::NotYet) => {
                    *one = Side::Start { bytes, offset: first };
                    return;
                }
                Some(Speaks::One) => *one = Side::One(Box::new(one::Reader::new(first))),
                Some(Speaks::Two { preface }) => {
                    let reader = two::Reader::new(first + preface as u64);
                    *one = Side::Two(Box::new(reader));
                    self.feed(side, &bytes[preface..], out);
                    return;
                }
                None => *one = Side::Other,
            }
            return self.feed(side, &bytes, out);
        }
        self.feed(side, data, out);
    }

    fn feed(&mut self, side: usize, data: &[u8], out: &mut Vec<Message>) {
        let Some(one) = self.sides.get_mut(side) else { return };
        let before = out.len();
        let goes_on = match one {
            Side::One(reader) => reader.push(data, &mut self.shared, out),
            Side::Two(reader) => reader.push(data, &mut self.shared, out),
            Side::Socket(reader) => reader.push(data, out),
            Side::Start { .. } | Side::Other => return,
        };
        out.iter_mut().skip(before).for_each(|message| message.side = side);
        if let Some(asked) = self.shared.is_socket.take() {
            return self.becomes_socket(&asked, out);
        }
        if !goes_on {
            self.cut(side, out);
        }
        if self.shared.is_over {
            self.end(out);
        }
    }

    /// Both sides go on as a WebSocket, with what came behind the heads.
    fn becomes_socket(&mut self, asked: &Asked, out: &mut Vec<Message>) {
        for side in 0..self.sides.len() {
            let (offset, rest) = match std::mem::replace(&mut self.sides[side], Side::Other) {
                Side::One(reader) => reader.rest(),
                _ => continue,
            };
            self.sides[side] = Side::Socket(Box::new(socket::Reader::new(offset, asked.clone())));
            self.feed(side, &rest, out);
        }
    }

    /// What follows on a side is not what came before, or cannot be read: what has begun there is given out as cut.
    pub fn cut(&mut self, side: usize, out: &mut Vec<Message>) {
        let Some(one) = self.sides.get_mut(side) else { return };
        let before = out.len();
        match std::mem::replace(one, Side::Other) {
            Side::One(reader) => reader.end(out),
            Side::Two(reader) => reader.end(out),
            Side::Socket(reader) => reader.end(out),
            Side::Start { .. } | Side::Other => {}
        }
        out.iter_mut().skip(before).for_each(|message| message.side = side);
    }

    /// The connection has ended.
    pub fn end(&mut self, out: &mut Vec<Message>) {
        self.cut(0, out);
        self.cut(1, out);
    }

    /// Nothing that comes will be read.
    pub fn is_over(&self) -> bool {
        self.sides.iter().all(|side| matches!(side, Side::Other))
    }
}

enum Speaks {
    NotYet,
    One,
    Two { preface: usize },
}

/// What a side speaks, by its first bytes; `None`: no HTTP.
fn recognise(bytes: &[u8]) -> Option<Speaks> {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    /// Longest method that is waited for.
    const METHOD_MAX: usize = 24;
    if bytes.starts_with(PREFACE) {
        return Some(Speaks::Two { preface: PREFACE.len() });
    }
    if PREFACE.starts_with(bytes) {
        return Some(Speaks::NotYet);
    }
    // A server begins with its settings: length, type 4, flags, stream 0.
    if bytes[0] == 0 {
        let begin: &[u8] = &bytes[..bytes.len().min(9)];
        let fits = begin.iter().enumerate().all(|(at, byte)| match at {
            0 | 5.. => *byte == 0,
            3 => *byte == 4,
            4 => *byte <= 1,
            _ => true,
        });
        return fits.then_some(if begin.len() == 9 { Speaks::Two { preface: 0 } } else { Speaks::NotYet });
    }
    // A method, or `HTTP/1.`.
    let word = bytes.iter().position(|byte| !byte.is_ascii_alphanumeric() && !b"/.-_".contains(byte));
    match word {
        Some(at @ 1..=METHOD_MAX) if bytes[at] == b' ' => Some(Speaks::One),
        None if bytes.len() <= METHOD_MAX => Some(Speaks::NotYet),
        _ => None,
    }
}

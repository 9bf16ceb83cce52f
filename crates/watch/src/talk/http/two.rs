//! HTTP/2: frames (RFC 9113, 4 and 6) and their headers (RFC 7541).
//!
//! Frames of data are taken as they come; others are read when they are whole, and must not be longer than a head may. Where
//! headers cannot be read, later ones cannot either, as each depends on those before: the side is given up.

use super::body::Body;
use super::{HEAD_BYTES, Kind, Message, STREAMS_MAX, Shared};
use loona_hpack::Decoder;
use std::collections::BTreeMap;

/// Bytes in front of a frame.
const FRONT: usize = 9;
/// Largest table of headers that the other side may have allowed.
const TABLE_BYTES: usize = 64 * 1024;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const PUSH_PROMISE: u8 = 5;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
const PRIORITY: u8 = 32;

/// Reads one side.
pub(super) struct Reader {
    bytes: Vec<u8>,
    /// Where the first of them lies in the stream of bytes.
    offset: u64,
    decoder: Decoder<'static>,
    streams: BTreeMap<u32, (Message, Body)>,
    /// The frame of data that is being taken.
    data: Option<Data>,
    /// Headers that are not whole.
    block: Option<Block>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("offset", &self.offset)
            .field("streams", &self.streams)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Data {
    stream: u32,
    left: usize,
    /// Of those so many are padding, at the end.
    padding: usize,
    is_end: bool,
}

#[derive(Debug)]
struct Block {
    stream: u32,
    /// The stream that a server announces, instead of the one that it does it on.
    promised: bool,
    offset: u64,
    is_end: bool,
    bytes: Vec<u8>,
}

impl Reader {
    pub(super) fn new(offset: u64) -> Self {
        let mut decoder = Decoder::new();
        decoder.set_max_allowed_table_size(TABLE_BYTES);
        let streams = BTreeMap::new();
        Self { bytes: Vec::new(), offset, decoder, streams, data: None, block: None }
    }

    /// Reads what is there; `false` when it cannot be read.
    pub(super) fn push(&mut self, data: &[u8], shared: &mut Shared, out: &mut Vec<Message>) -> bool {
        self.bytes.extend_from_slice(data);
        let bytes = std::mem::take(&mut self.bytes);
        let mut rest = &bytes[..];
        loop {
            if let Some(frame) = self.data.take() {
                let count = frame.left.min(rest.len());
                self.take(frame, &rest[..count], out);
                rest = &rest[count..];
                self.offset += count as u64;
            }
            if self.data.is_some() || rest.len() < FRONT {
                break;
            }
            match self.frame(rest, shared, out) {
                Ok(Some(used)) => {
                    rest = &rest[used..];
                    self.offset += used as u64;
                }
                Ok(None) => break,
                Err(Unreadable) => return false,
            }
        }
        self.bytes = rest.to_vec();
        true
    }

    /// The connection has ended.
    pub(super) fn end(mut self, out: &mut Vec<Message>) {
        while let Some((stream, _)) = self.streams.first_key_value() {
            self.done(*stream, true, out);
        }
    }

    /// Reads a frame, or the front of one of data; how many bytes, or `None` if more are needed.
    fn frame(
        &mut self,
        bytes: &[u8],
        shared: &mut Shared,
        out: &mut Vec<Message>,
    ) -> Result<Option<usize>, Unreadable> {
        let [l2, l1, l0, kind, flags, s3, s2, s1, s0] = *bytes.first_chunk().ok_or(Unreadable)?;
        let len = u32::from_be_bytes([0, l2, l1, l0]) as usize;
        let stream = u32::from_be_bytes([s3 & 0x7f, s2, s1, s0]);
        if kind == DATA {
            return self.data_begins(&bytes[FRONT..], len, flags, stream);
        }
        if len > HEAD_BYTES {
            return Err(Unreadable);
        }
        let Some(payload) = bytes.get(FRONT..FRONT + len) else { return Ok(None) };
        if self.block.is_some() != (kind == CONTINUATION) {
            return Err(Unreadable);
        }
        match kind {
            HEADERS | PUSH_PROMISE => {
                let (stream, part, promised) = part(kind, flags, stream, payload).ok_or(Unreadable)?;
                let (offset, is_end) = (self.offset, kind == HEADERS && flags & END_STREAM != 0);
                self.block = Some(Block { stream, promised, offset, is_end, bytes: part.to_vec() });
            }
            CONTINUATION => {
                let block = self.block.as_mut().filter(|block| block.promised || block.stream == stream);
                block.ok_or(Unreadable)?.bytes.extend_from_slice(payload);
            }
            RST_STREAM => self.done(stream, true, out),
            _ => {}
        }
        if let Some(block) = self.block.take_if(|_| flags & END_HEADERS != 0) {
            self.headers(block, shared, out)?;
        } else if self.block.as_ref().is_some_and(|block| block.bytes.len() > HEAD_BYTES) {
            return Err(Unreadable);
        }
        Ok(Some(FRONT + len))
    }

    fn data_begins(
        &mut self,
        bytes: &[u8],
        len: usize,
        flags: u8,
        stream: u32,
    ) -> Result<Option<usize>, Unreadable> {
        let is_end = flags & END_STREAM != 0;
        let (front, padding) = match flags & PADDED {
            0 => (0, 0),
            _ => match bytes.first() {
                Some(&padding) => (1, usize::from(padding)),
                None => return Ok(None),
            },
        };
        let left = len.checked_sub(front).filter(|left| *left >= padding).ok_or(Unreadable)?;
        self.data = Some(Data { stream, left, padding, is_end });
        Ok(Some(FRONT + front))
    }

    /// Takes bytes of a frame of data.
    fn take(&mut self, mut frame: Data, bytes: &[u8], out: &mut Vec<Message>) {
        let own = (frame.left - frame.padding).min(bytes.len());
        if let Some((message, body)) = self.streams.get_mut(&frame.stream) {
            body.take(message, &bytes[..own], out);
        }
        // What is left of the padding is less than before once the data is through.
        frame.left -= bytes.len();
        frame.padding = frame.padding.min(frame.left);
        if frame.left > 0 {
            self.data = Some(frame);
        } else if frame.is_end {
            self.done(frame.stream, false, out);
        }
    }

    /// Reads headers: a message begins, or ends with them.
    fn headers(
        &mut self,
        block: Block,
        shared: &mut Shared,
        out: &mut Vec<Message>,
    ) -> Result<(), Unreadable> {
        let mut message = Message::new(Kind::Request, "2", block.offset);
        message.stream = Some(block.stream);
        let read = self.decoder.decode_with_cb(&block.bytes, |name, value| note(&mut message, &name, &value));
        read.map_err(|_| Unreadable)?;
        if block.promised {
            shared.ask(&message);
            return Ok(());
        }
        let is_interim = message.status.is_some_and(|status| (100..200).contains(&status));
        if !self.streams.contains_key(&block.stream) && !is_interim {
            self.begin(message, shared, out);
        }
        if block.is_end {
            self.done(block.stream, false, out);
        }
        Ok(())
    }

    fn begin(&mut self, mut message: Message, shared: &mut Shared, out: &mut Vec<Message>) {
        let Some(stream) = message.stream else { return };
        if message.status.is_some() {
            message.kind = Kind::Response;
            message.answers(shared.by_stream.remove(&stream).unwrap_or_default());
        } else {
            shared.ask(&message);
        }
        if self.streams.len() >= STREAMS_MAX
            && let Some((&oldest, _)) = self.streams.first_key_value()
        {
            self.done(oldest, true, out);
        }
        let body = Body::of(&message);
        if body.is_events() {
            out.push(message.clone());
        }
        self.streams.insert(stream, (message, body));
    }

    fn done(&mut self, stream: u32, is_cut: bool, out: &mut Vec<Message>) {
        let Some((mut message, body)) = self.streams.remove(&stream) else { return };
        message.is_cut |= is_cut;
        if !body.is_events() {
            out.push(message);
        }
    }
}

/// The side cannot be read any farther.
struct Unreadable;

/// The stream and the headers of a frame that begins them; whether it announces a stream.
fn part(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Option<(u32, &[u8], bool)> {
    let mut payload = payload;
    if flags & PADDED != 0 {
        let (&padding, rest) = payload.split_first()?;
        payload = rest.get(..rest.len().checked_sub(usize::from(padding))?)?;
    }
    if kind == PUSH_PROMISE {
        let (promised, rest) = payload.split_first_chunk::<4>()?;
        return Some((u32::from_be_bytes(*promised) & 0x7fff_ffff, rest, true));
    }
    if flags & PRIORITY != 0 {
        payload = payload.get(5..)?;
    }
    Some((stream, payload, false))
}

/// Notes what a header says.
fn note(message: &mut Message, name: &[u8], value: &[u8]) {
    let text = || Some(String::from_utf8_lossy(value).into_owned());
    match name {
        b":method" => message.method = text(),
        b":path" => message.path = text(),
        b":authority" => message.host = text(),
        b":status" => message.status = text().and_then(|text| text.parse().ok()),
        b"host" if message.host.is_none() => message.host = text(),
        b"content-type" => message.content_type = text(),
        b"content-encoding" => message.content_encoding = text().filter(|name| name != "identity"),
        _ => {}
    }
}

//! HTTP/1: a head, and a body as long as the head says (RFC 9112, 6).

use super::body::Body;
use super::{HEAD_BYTES, Kind, Message, Shared};

/// Most headers of a message.
const HEADERS_MAX: usize = 128;
/// Longest line in front of a chunk.
const LINE_BYTES: usize = 1024;

/// Reads one side.
#[derive(Debug)]
pub(super) struct Reader {
    /// What was not read yet.
    bytes: Vec<u8>,
    /// Where the first of them lies in the stream.
    offset: u64,
    state: State,
    message: Option<(Message, Body)>,
}

#[derive(Debug)]
enum State {
    Head,
    /// So many bytes of the body are left.
    Counted(u64),
    /// The line in front of a chunk.
    Chunk,
    /// So many bytes of a chunk and its end are left; of these the last two are no body.
    InChunk(u64),
    /// The lines behind the last chunk.
    Trailer,
    /// The body goes on to the end of the connection.
    ToEnd,
}

/// What a step of reading came to.
enum Step {
    On,
    /// More bytes are needed.
    Wait,
    /// This is no HTTP.
    Stop,
}

impl Reader {
    pub(super) fn new(offset: u64) -> Self {
        Self { bytes: Vec::new(), offset, state: State::Head, message: None }
    }

    /// Reads what is there; `false` when it is no HTTP.
    pub(super) fn push(&mut self, data: &[u8], shared: &mut Shared, out: &mut Vec<Message>) -> bool {
        self.bytes.extend_from_slice(data);
        loop {
            let step = match self.state {
                State::Head => self.head(shared, out),
                State::Counted(left) => self.counted(left, out),
                State::Chunk => self.chunk(),
                State::InChunk(left) => self.in_chunk(left, out),
                State::Trailer => self.trailer(out),
                State::ToEnd => {
                    let bytes = self.skip(self.bytes.len());
                    self.body(&bytes, out);
                    Step::Wait
                }
            };
            match step {
                Step::On => {}
                Step::Wait => return true,
                Step::Stop => return false,
            }
        }
    }

    /// The connection has ended: a message without a length ends with it.
    pub(super) fn end(mut self, out: &mut Vec<Message>) {
        if let Some((message, _)) = &mut self.message {
            message.is_cut |= !matches!(self.state, State::ToEnd);
            self.done(out);
        }
    }

    /// What was not read, and where it lies.
    pub(super) fn rest(self) -> (u64, Vec<u8>) {
        (self.offset, self.bytes)
    }

    fn skip(&mut self, count: usize) -> Vec<u8> {
        self.offset += count as u64;
        let rest = self.bytes.split_off(count);
        std::mem::replace(&mut self.bytes, rest)
    }

    fn body(&mut self, bytes: &[u8], out: &mut Vec<Message>) {
        if let Some((message, body)) = &mut self.message {
            body.take(message, bytes, out);
        }
    }

    fn done(&mut self, out: &mut Vec<Message>) {
        self.state = State::Head;
        // The head of a stream of events has been told.
        if let Some((message, body)) = self.message.take()
            && !body.is_events()
        {
            out.push(message);
        }
    }

    fn head(&mut self, shared: &mut Shared, out: &mut Vec<Message>) -> Step {
        if self.bytes.is_empty() {
            return Step::Wait;
        }
        let parsed = match self.bytes.starts_with(b"HTTP/") {
            true => response(&self.bytes, self.offset),
            false => request(&self.bytes, self.offset),
        };
        let Some(parsed) = parsed else { return Step::Stop };
        let Some(head) = parsed else {
            return if self.bytes.len() > HEAD_BYTES { Step::Stop } else { Step::Wait };
        };
        self.skip(head.bytes);
        let Some((message, state)) = head.placed(shared) else { return Step::On };
        let body = Body::of(&message);
        if body.is_events() {
            out.push(message.clone());
        }
        self.message = Some((message, body));
        self.state = state;
        if shared.is_over || shared.is_socket.is_some() {
            self.done(out);
            return Step::Stop;
        }
        Step::On
    }

    fn counted(&mut self, left: u64, out: &mut Vec<Message>) -> Step {
        let count = self.bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let bytes = self.skip(count);
        self.body(&bytes, out);
        let left = left - count as u64;
        self.state = State::Counted(left);
        if left > 0 {
            return Step::Wait;
        }
        self.done(out);
        Step::On
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        let at = self.bytes.iter().position(|&byte| byte == b'\n')?;
        Some(self.skip(at + 1))
    }

    fn chunk(&mut self) -> Step {
        let Some(line) = self.line() else {
            return if self.bytes.len() > LINE_BYTES { Step::Stop } else { Step::Wait };
        };
        let size = line.split(|byte| b";\r\n".contains(byte)).next().unwrap_or_default();
        let size = std::str::from_utf8(size).ok().and_then(|text| u64::from_str_radix(text.trim(), 16).ok());
        match size {
            None => return Step::Stop,
            Some(0) => self.state = State::Trailer,
            Some(size) => self.state = State::InChunk(size.saturating_add(2)),
        }
        Step::On
    }

    fn in_chunk(&mut self, left: u64, out: &mut Vec<Message>) -> Step {
        let count = self.bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let bytes = self.skip(count);
        let own = usize::try_from(left.saturating_sub(2)).unwrap_or(usize::MAX).min(count);
        self.body(&bytes[..own], out);
        let left = left - count as u64;
        self.state = if left == 0 { State::Chunk } else { State::InChunk(left) };
        if left == 0 { Step::On } else { Step::Wait }
    }

    fn trailer(&mut self, out: &mut Vec<Message>) -> Step {
        let Some(line) = self.line() else {
            return if self.bytes.len() > HEAD_BYTES { Step::Stop } else { Step::Wait };
        };
        if line == b"\r\n" || line == b"\n" {
            self.done(out);
        }
        Step::On
    }
}

/// A head, read.
struct Head {
    message: Message,
    bytes: usize,
    length: Option<u64>,
    is_chunked: bool,
}

impl Head {
    /// The message and how its body ends; `None` for one that another follows.
    fn placed(self, shared: &mut Shared) -> Option<(Message, State)> {
        let mut message = self.message;
        let sized = match (self.is_chunked, self.length) {
            (true, _) => Some(State::Chunk),
            (false, length) => length.map(State::Counted),
        };
        let Some(status) = message.status else {
            shared.ask(&message);
            return Some((message, sized.unwrap_or(State::Counted(0))));
        };
        if (100..200).contains(&status) && status != 101 {
            return None;
        }
        let asked = shared.in_order.pop_front().unwrap_or_default();
        let is_tunnel = asked.method.as_deref() == Some("CONNECT") && (200..300).contains(&status);
        let is_head = asked.method.as_deref() == Some("HEAD");
        let is_socket = message.upgrade.as_ref().is_some_and(|name| name.eq_ignore_ascii_case("websocket"));
        shared.is_socket = (status == 101 && is_socket).then(|| asked.clone());
        message.answers(asked);
        shared.is_over = shared.is_socket.is_none() && (status == 101 || is_tunnel);
        let is_empty = status == 101 || is_tunnel || is_head || status == 204 || status == 304;
        Some((message, if is_empty { State::Counted(0) } else { sized.unwrap_or(State::ToEnd) }))
    }
}

/// Reads a request; `None` is no request, `Some(None)` one that is not whole.
fn request(bytes: &[u8], offset: u64) -> Option<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(len) = request.parse(bytes).ok()? else { return Some(None) };
    let mut message = Message::new(Kind::Request, version(request.version), offset);
    message.method = request.method.map(str::to_owned);
    message.path = request.path.map(str::to_owned);
    Some(Some(with(message, len, request.headers)))
}

/// The same for a response.
fn response(bytes: &[u8], offset: u64) -> Option<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(len) = response.parse(bytes).ok()? else { return Some(None) };
    let mut message = Message::new(Kind::Response, version(response.version), offset);
    message.status = response.code;
    Some(Some(with(message, len, response.headers)))
}

fn version(minor: Option<u8>) -> &'static str {
    if minor == Some(0) { "1.0" } else { "1.1" }
}

/// Notes what the headers say.
fn with(mut message: Message, bytes: usize, headers: &[httparse::Header<'_>]) -> Head {
    let (mut length, mut is_chunked) = (None, false);
    for header in headers {
        let text = || String::from_utf8_lossy(header.value).trim().to_owned();
        match header.name.to_ascii_lowercase().as_str() {
            "host" => message.host = Some(text()),
            "content-type" => message.content_type = Some(text()),
            "content-encoding" => message.content_encoding = Some(text()).filter(|name| name != "identity"),
            "upgrade" => message.upgrade = Some(text()),
            "content-length" => length = text().parse().ok(),
            "transfer-encoding" => is_chunked = text().to_ascii_lowercase().ends_with("chunked"),
            _ => {}
        }
    }
    Head { message, bytes, length, is_chunked }
}

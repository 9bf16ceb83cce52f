//! Answers, with the headers that keep a browser from doing more with them than show them.

use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// Events that wait for a client; one that reads slower misses some, and is told by the next.
const EVENTS_MAX: usize = 16;

/// Of every answer.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
];

/// What a site answers.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    kind: &'static str,
    pub(super) content: Content,
    cookie: Option<String>,
}

/// What an answer holds.
#[derive(Debug)]
pub(crate) enum Content {
    /// All of it.
    Whole(Option<Bytes>),
    /// Events, as long as the client listens.
    Events(mpsc::Receiver<Bytes>),
}

/// Sends events to a client.
#[derive(Clone, Debug)]
pub(crate) struct Events(mpsc::Sender<Bytes>);

impl Events {
    /// Sends one; whether the client is still there.
    pub(crate) fn send(&self, name: &str, data: &str) -> bool {
        let event = format!("event: {name}\ndata: {}\n\n", data.replace(['\n', '\r'], " "));
        !matches!(self.0.try_send(event.into()), Err(mpsc::error::TrySendError::Closed(_)))
    }
}

impl Reply {
    /// An answer of a kind (a media type).
    pub(crate) fn new(kind: &'static str, bytes: impl Into<Bytes>) -> Self {
        Self { status: StatusCode::OK, kind, content: Content::Whole(Some(bytes.into())), cookie: None }
    }

    /// JSON.
    pub(crate) fn json(bytes: impl Into<Bytes>) -> Self {
        Self::new("application/json", bytes)
    }

    /// No, and why.
    pub(crate) fn refusal(status: StatusCode, why: impl Into<Bytes>) -> Self {
        Self { status, ..Self::new("text/plain; charset=utf-8", why) }
    }

    /// There is no such thing.
    pub(crate) fn missing() -> Self {
        Self::refusal(StatusCode::NOT_FOUND, "there is no such thing\n")
    }

    /// A stream of events, and who sends them.
    pub(crate) fn events() -> (Self, Events) {
        let (sender, receiver) = mpsc::channel(EVENTS_MAX);
        let content = Content::Events(receiver);
        let reply = Self { status: StatusCode::OK, kind: "text/event-stream", content, cookie: None };
        (reply, Events(sender))
    }

    /// The same, with a cookie.
    pub(crate) fn with_cookie(self, cookie: Option<String>) -> Self {
        Self { cookie, ..self }
    }

    pub(super) fn response(self) -> Response<Content> {
        let mut response = Response::new(self.content);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        for (name, value) in HEADERS {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if let Some(cookie) = self.cookie.and_then(|cookie| HeaderValue::from_str(&cookie).ok()) {
            headers.insert(header::SET_COOKIE, cookie);
        }
        response
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Events(receiver) => {
                receiver.poll_recv(context).map(|event| event.map(|event| Ok(Frame::data(event))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Events(_) => SizeHint::default(),
        }
    }
}

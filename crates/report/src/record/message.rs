//! Messages that programs exchange: HTTP, and lines of JSON on standard streams.

use super::TlsDirection;
use super::is_default;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a message of HTTP is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HttpMessage {
    /// A request.
    Request,
    /// A response; of one that is a stream of events, its head.
    Response,
    /// An event of a response that is a stream of them (`text/event-stream`).
    Event,
    /// A message of the WebSocket that the connection has become.
    Frame,
}

/// A message of HTTP/1 or HTTP/2 on a TLS connection, told when it has ended. Texts in it are redacted unless `--no-redact`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Http {
    /// What it is.
    pub message: HttpMessage,
    /// `1.0`, `1.1` or `2`.
    pub version: String,
    /// Number of the TLS connection, as in `tls_data`.
    pub conn: u64,
    /// Which way it went.
    pub direction: TlsDirection,
    /// Its stream, in HTTP/2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<u32>,
    /// Where it begins among the bytes of its direction on the connection.
    pub offset: u64,
    /// The method; of a response that of its request, `null` when that was not seen.
    pub method: Option<String>,
    /// The host asked for, with the port where it is told.
    pub host: Option<String>,
    /// Path and query.
    pub path: Option<String>,
    /// The status; `null` for a request.
    pub status: Option<u16>,
    /// `Content-Type`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// `Content-Encoding`; a body is shown as it was before, if that is `gzip` or `deflate`, else not. Of a WebSocket's
    /// message the extension that packed it; then it is not shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    /// What the connection is to become (`Upgrade`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgrade: Option<String>,
    /// The sort of an event, where it is named; of a WebSocket's message `text` or `binary`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The body, if its type is JSON, the data of an event, or the text of a WebSocket: as JSON, or as text where it is
    /// none. Its first 16 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<serde_json::Value>,
    /// Bytes of the body as it was sent, shown or not.
    pub body_bytes: u64,
    /// The message broke off, or more of its body came than is shown.
    #[serde(default, skip_serializing_if = "is_default")]
    pub truncated: bool,
    /// The socket's other end, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<String>,
}

/// What a line of JSON is, by the rules of JSON-RPC 2.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StdioMessage {
    /// It asks for an answer.
    Request,
    /// It asks for none.
    Notification,
    /// What came of a request.
    Response,
    /// Why nothing came of a request.
    Error,
    /// Other JSON, or a line that was not seen whole.
    Other,
}

/// A line of JSON that a process read from its standard input, or wrote to its standard output or error, where that is a pipe or
/// a local socket. Texts in it are redacted unless `--no-redact`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stdio {
    /// `recv` for what it read.
    pub direction: TlsDirection,
    /// The descriptor: 0, 1 or 2.
    pub fd: i32,
    /// What it is.
    pub message: StdioMessage,
    /// What is asked for or told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Joins request and answer: a number, or a text of at most 36 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<serde_json::Value>,
    /// Where the line begins among the bytes that the process moved through the file.
    pub offset: u64,
    /// The line, if it has at most 64 KiB; as text if a redacted part makes it other than JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<serde_json::Value>,
    /// Bytes of the line, shown or not.
    pub body_bytes: u64,
    /// The line is not shown: it is too long, or a part of it was lost.
    #[serde(default, skip_serializing_if = "is_default")]
    pub truncated: bool,
}

//! What rules find.

use super::PathInfo;
use super::TlsDirection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where data was moved that a rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ContentSource {
    /// Read from a file, a pipe or a device.
    FileRead,
    /// Written to one.
    FileWrite,
    /// Sent through a socket.
    NetSend,
    /// Received from one.
    NetRecv,
    /// Given to a TLS library or got from it, as plain text; `direction` says which.
    Tls,
}

/// What a rule found in data that a process moved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ContentMatch {
    /// The rule's name.
    pub rule: String,
    /// What the rule is about; may be empty.
    pub description: String,
    /// `critical`, `high`, `medium`, `low` or `info`.
    pub severity: String,
    /// Which way the data went.
    pub source: ContentSource,
    /// The file; `null` for a socket.
    #[serde(flatten)]
    pub path: PathInfo,
    /// The socket's other end, `ip:port`; left out where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<String>,
    /// The descriptor; -1 where it is not known.
    pub fd: i32,
    /// Offset of the match's first byte: in a regular file, else in what this process has moved that way through it, or said
    /// on the connection; `null` when unknown.
    pub offset: Option<u64>,
    /// Number of the TLS connection, as in `tls_data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conn: Option<u64>,
    /// Which way it went on that connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<TlsDirection>,
    /// The secret, redacted; as it is with `--no-redact`.
    pub redacted: String,
    /// Bytes of the secret.
    pub secret_bytes: u64,
}

/// What a rule found in a file or a piece of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Match {
    /// The rule's name.
    pub rule: String,
    /// What the rule is about; may be empty.
    pub description: String,
    /// `critical`, `high`, `medium`, `low` or `info`.
    pub severity: String,
    /// The file, as it was reached from the command line; `-` is standard input. What is in an archive stands behind its
    /// name and `!`.
    pub path: String,
    /// The commit that it is in (with `--git`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Offset of the match's first byte, in the file or member as it is.
    pub start: u64,
    /// Offset behind its last byte; `start` where the path alone matches.
    pub end: u64,
    /// Offset of the secret's first byte.
    pub secret_start: u64,
    /// Line of the match's first byte, counted from 1.
    pub line: u64,
    /// Its column in bytes, counted from 1; of UTF-16 in bytes of the same text in UTF-8.
    pub column: u64,
    /// The secret, redacted; as it is with `--no-redact`.
    pub redacted: String,
    /// Bytes of the secret.
    pub secret_bytes: u64,
    /// The secret's Shannon entropy, bits a character.
    pub entropy: f64,
    /// Names this finding for a baseline; the same wherever in the file it moves.
    #[schemars(regex(pattern = r"^[0-9a-f]{32}$"))]
    pub fingerprint: String,
}

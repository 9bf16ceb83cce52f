//! What goes through TLS.

use super::is_default;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which way plain text went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TlsDirection {
    /// The process sent it.
    Send,
    /// The process received it.
    Recv,
}

/// What a process said or heard through TLS: the data of one call of a library's function, or a part of it.
///
/// The parts of a connection and a direction, by `offset`, are what went that way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TlsData {
    /// Which way it went.
    pub direction: TlsDirection,
    /// `openssl`, `gnutls`, `nss`, ...: whose functions were called.
    pub library: String,
    /// The file with the library's code; left out where the kernel does not tell (before 5.15).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub library_path: Option<String>,
    /// Number of the connection in this run, counted from 1.
    pub conn: u64,
    /// Where the data begins among all that went this way since the connection was first seen, bytes.
    pub offset: u64,
    /// Bytes of the data.
    pub len: u64,
    /// Bytes that the call moved in all: those of this record and of others beside it.
    pub call_bytes: u64,
    /// Bytes directly before this data are missing: they were lost, as the ledger says.
    pub truncated: bool,
    /// How many bytes are missing there.
    #[serde(default, skip_serializing_if = "is_default")]
    pub missing_bytes: u64,
    /// The data, each secret in it redacted; as it is with `--no-redact`.
    pub data: String,
    /// Secrets that were redacted.
    #[serde(default, skip_serializing_if = "is_default")]
    pub secrets: u64,
    /// The socket's descriptor; left out when it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fd: Option<i32>,
    /// The socket's own end, `ip:port`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<String>,
    /// The socket's other end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<String>,
    /// The library does not use the socket itself: this is the one that the thread used last.
    #[serde(default, skip_serializing_if = "is_default")]
    pub socket_guessed: bool,
}

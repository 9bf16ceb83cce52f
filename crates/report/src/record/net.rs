//! Sockets and names of hosts.

use super::is_default;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the records about socket calls share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NetCall {
    /// `tcp`, `udp`, `unix`, `netlink`, ...
    pub proto: String,
    /// Local end: `ip:port`, `[ip6]:port`, a UNIX path, `@name` for an abstract one; `null` when it has none.
    pub local: Option<String>,
    /// Remote end, likewise.
    pub remote: Option<String>,
    /// The name by which a name server last answered the remote address to one of the watched processes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The descriptor.
    pub fd: i32,
    /// What the call returned: 0, a descriptor, or negative errno.
    pub ret: i64,
    /// Name of the errno when it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errno: Option<String>,
    /// Done through `io_uring`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub io_uring: bool,
}

/// A question to a name server on port 53, or what was answered to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Dns {
    /// The name asked for, as zone files write it.
    pub query: String,
    /// What was asked of it: `A`, `AAAA`, `HTTPS`, ...
    pub qtype: String,
    /// What was answered, in order: addresses, names that stand for the one asked for, texts; empty for a question.
    pub answers: Vec<String>,
    /// How it was answered: `NOERROR`, `NXDOMAIN`, ...; `null` for a question.
    pub rcode: Option<String>,
    /// Number that joins question and answer.
    pub id: u16,
    /// The name server, `ip:port`.
    pub server: Option<String>,
    /// `udp` or `tcp`.
    pub proto: String,
    /// The descriptor.
    pub fd: i32,
    /// The server had no room for all of its answer, or not all of it could be read.
    #[serde(default, skip_serializing_if = "is_default")]
    pub truncated: bool,
}

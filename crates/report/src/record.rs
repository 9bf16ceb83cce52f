//! The records: what a run tells, one at a time, in the words of the JSON schema.
//!
//! A [`Record`] is an [`Entry`] with its place in the stream (`v`, `seq`, `ts`). Producers make entries; only
//! a sink numbers and dates them, so that `seq` has no gap and times become wall time in one place.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Version of the record schema. Goes up when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// One thing that happened, before it has a place in the stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// `CLOCK_MONOTONIC` nanoseconds.
    pub ts_ns: u64,
    /// Who did it; `None` for records about the run itself.
    pub proc: Option<Proc>,
    /// What happened.
    pub body: Body,
    /// Names of the fields whose bytes were not UTF-8 and are escaped (see [`crate::text`]).
    pub escaped: Vec<&'static str>,
}

/// One line of output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// Schema version.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    pub v: u32,
    /// Counts up by one from 0, no gap.
    pub seq: u64,
    /// RFC 3339 with nanoseconds, UTC.
    #[schemars(regex(pattern = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{9}Z$"))]
    pub ts: String,
    /// The process that did it; absent from records about the run itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Proc")]
    pub proc: Option<Proc>,
    /// `kind` and the fields of that kind.
    #[serde(flatten)]
    pub body: Body,
    /// Fields in which bytes that are not UTF-8 stand as `\xHH` and a backslash as `\\`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub escaped: Vec<String>,
}

/// The process (and thread) that a record is about, as it was at that moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Proc {
    /// Process id.
    pub pid: u32,
    /// Thread id.
    pub tid: u32,
    /// Process id of the parent, when the process was created or last executed a program.
    pub ppid: u32,
    /// Real user id.
    pub uid: u32,
    /// The thread's name, at most 15 bytes.
    #[schemars(with = "String")]
    pub comm: Arc<str>,
    /// Path of the binary; `null` when it is not known.
    #[schemars(with = "Option<String>")]
    pub exe: Option<Arc<str>>,
    /// Start of the process in nanoseconds since boot; with `pid` it names a process for good.
    pub start_ns: u64,
    /// The AI coding agent that the process is, or that has started it (docs/AGENTS.md); left out where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub agent: Option<Arc<str>>,
}

/// How a file was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OpenMode {
    /// For reading only (also `O_PATH`).
    Read,
    /// For writing only.
    Write,
    /// For both.
    ReadWrite,
    /// With `O_CREAT` or `O_TMPFILE`: the file may have been made by this call.
    Create,
}

/// How a path was established.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PathSource {
    /// From the kernel's own objects: exact.
    #[default]
    Kernel,
    /// From strings joined by the monitor, symbolic links followed shortly after the call.
    Resolved,
    /// From strings joined by the monitor, symbolic links not followed.
    Joined,
}

/// A path, and what is known about how good it is. Flattened into the records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PathInfo {
    /// Absolute path, up to the root of the mount namespace; `null` when it could not be established.
    pub path: Option<String>,
    /// Where the path comes from; left out when it is the kernel's own.
    #[serde(default, skip_serializing_if = "is_default")]
    pub path_source: PathSource,
    /// The path was longer or deeper than the limits: its beginning is missing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub path_truncated: bool,
    /// The file had no name any more when this was seen.
    #[serde(default, skip_serializing_if = "is_default")]
    pub deleted: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The kinds of records. The names and fields are a contract: they may be added to, not changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Body {
    /// A process that was there before the run, found in `/proc`.
    ProcessSnapshot {
        /// Argument vector.
        argv: Vec<String>,
        /// Working directory.
        cwd: Option<String>,
        /// Path of the binary.
        exe: Option<String>,
        /// Inside the watched set; `false` for an ancestor that is listed for lineage only.
        watched: bool,
    },
    /// A process was created.
    ProcessFork {
        /// Its process id.
        child_pid: u32,
        /// Its start, nanoseconds since boot.
        child_start_ns: u64,
        /// Its parent, where that is not the process that called (`CLONE_PARENT`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        child_ppid: Option<u32>,
    },
    /// A process replaced its image.
    ProcessExec {
        /// Argument vector.
        argv: Vec<String>,
        /// Arguments are missing at the end, or the last one is cut.
        #[serde(default, skip_serializing_if = "is_default")]
        argv_truncated: bool,
        /// Number of arguments passed.
        argc: u32,
        /// Working directory.
        cwd: Option<String>,
        /// Path of the binary that runs; for a script this is its interpreter.
        exe: Option<String>,
        /// The name passed to exec.
        filename: Option<String>,
        /// For a script (`#!` or binfmt_misc): the interpreter that the kernel chose, as written.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        interpreter: Option<String>,
        /// Device of the binary, as `st_dev`.
        dev: u64,
        /// Inode of the binary.
        inode: u64,
        /// SHA-256 of the binary in hex (with `--hash`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(regex(pattern = r"^[0-9a-f]{64}$"))]
        sha256: Option<String>,
        /// Environment, values of secret-looking names redacted (with `--env`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        env: Option<Vec<String>>,
        /// Environment strings are missing at the end.
        #[serde(default, skip_serializing_if = "is_default")]
        env_truncated: bool,
    },
    /// An exec that failed; the process goes on as it was.
    ProcessExecFailed {
        /// Absolute path.
        #[serde(flatten)]
        path: PathInfo,
        /// The name passed to exec.
        raw_path: Option<String>,
        /// Negative errno.
        ret: i64,
        /// Name of the errno.
        errno: Option<String>,
    },
    /// A process ended (its last thread did).
    ProcessExit {
        /// Exit code; `null` when a signal ended it.
        code: Option<i32>,
        /// Signal number; `null` when it exited.
        signal: Option<i32>,
        /// A core was dumped.
        #[serde(default, skip_serializing_if = "is_default")]
        core_dumped: bool,
        /// From start to end; `null` when the start was not seen.
        duration_ns: Option<u64>,
    },
    /// A file was opened, or an attempt failed.
    FileOpen {
        /// Absolute path.
        #[serde(flatten)]
        path: PathInfo,
        /// The string that the program passed; `null` where none was.
        raw_path: Option<String>,
        /// Directory descriptor, -100 for the working directory.
        dirfd: i32,
        /// Names of the `O_*` flags.
        flags: Vec<String>,
        /// What it was opened for.
        mode: OpenMode,
        /// Device, as `st_dev`; `null` when the open failed.
        dev: Option<u64>,
        /// Inode; `null` when the open failed.
        inode: Option<u64>,
        /// Descriptor or negative errno.
        ret: i64,
        /// Name of the errno when it failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        errno: Option<String>,
        /// Done through `io_uring`.
        #[serde(default, skip_serializing_if = "is_default")]
        io_uring: bool,
    },
    /// A descriptor of a file went away, with what this process moved through it since the last time.
    FileClose {
        /// Absolute path at this moment.
        #[serde(flatten)]
        path: PathInfo,
        /// The descriptor.
        fd: i32,
        /// Why it went away: `close`, `dup`, `exec` or `exit`; `flush` when its close was not seen and only the
        /// counters are told.
        cause: String,
        /// Device, as `st_dev`.
        dev: u64,
        /// Inode.
        inode: u64,
        /// Bytes read; `null` where the back end does not count.
        read_bytes: Option<u64>,
        /// Bytes written.
        write_bytes: Option<u64>,
        /// Calls that read.
        reads: Option<u64>,
        /// Calls that wrote.
        writes: Option<u64>,
    },
    /// A file was mapped into memory.
    FileMmap {
        /// Absolute path.
        #[serde(flatten)]
        path: PathInfo,
        /// `read`, `write`, `exec`.
        prot: Vec<String>,
        /// Changes go to the file.
        shared: bool,
        /// Bytes.
        len: u64,
        /// Offset in the file.
        offset: u64,
        /// Device, as `st_dev`.
        dev: u64,
        /// Inode.
        inode: u64,
        /// 0, or negative errno.
        ret: i64,
        /// Name of the errno when it failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        errno: Option<String>,
    },
    /// A name was removed.
    FileUnlink(PathCall),
    /// A name was changed.
    FileRename {
        /// What all path calls share.
        #[serde(flatten)]
        call: PathCall,
        /// The new absolute path.
        new_path: Option<String>,
        /// The new string as passed.
        raw_new_path: Option<String>,
    },
    /// A hard link was made.
    FileLink {
        /// What all path calls share; `path` is the existing name.
        #[serde(flatten)]
        call: PathCall,
        /// The new absolute path.
        new_path: Option<String>,
        /// The new string as passed.
        raw_new_path: Option<String>,
    },
    /// A symbolic link was made.
    FileSymlink {
        /// What all path calls share; `path` is the new link.
        #[serde(flatten)]
        call: PathCall,
        /// The text of the link.
        target: Option<String>,
    },
    /// A directory was made.
    FileMkdir {
        /// What all path calls share.
        #[serde(flatten)]
        call: PathCall,
        /// Permission bits as passed.
        mode: u32,
    },
    /// Permissions were changed.
    FileChmod {
        /// What all path calls share.
        #[serde(flatten)]
        call: PathCall,
        /// Permission bits as passed.
        mode: u32,
    },
    /// Owner or group was changed.
    FileChown {
        /// What all path calls share.
        #[serde(flatten)]
        call: PathCall,
        /// New owner; `null` when it stays.
        owner: Option<u32>,
        /// New group; `null` when it stays.
        group: Option<u32>,
    },
    /// A file's length was set.
    FileTruncate {
        /// What all path calls share.
        #[serde(flatten)]
        call: PathCall,
        /// Bytes.
        length: u64,
    },
    /// A socket was connected, or an attempt was made or begun (`EINPROGRESS`).
    NetConnect(NetCall),
    /// A socket got a local address.
    NetBind(NetCall),
    /// A socket began to listen.
    NetListen(NetCall),
    /// A connection was accepted.
    NetAccept(NetCall),
    /// A datagram went to an address from a socket not connected to it; first to each new address.
    NetSend(NetCall),
    /// A descriptor of a socket went away, with what this process moved through it.
    NetClose {
        /// What all socket calls share.
        #[serde(flatten)]
        call: NetCall,
        /// Bytes sent; `null` where the back end does not count.
        bytes_sent: Option<u64>,
        /// Bytes received.
        bytes_received: Option<u64>,
    },
    /// A rule matches what a process read, wrote, sent or received (`watch --rules`), or said or heard through TLS.
    ContentMatch(ContentMatch),
    /// Plain text that a process gave to a TLS library to send, or got from it.
    TlsData(TlsData),
    /// A process asked a name server, or was answered.
    Dns(Dns),
    /// A message of HTTP on a TLS connection, or an event of a stream of them.
    Http(Http),
    /// A line of JSON on standard input, output or error (`watch --stdio`).
    Stdio(Stdio),
    /// A rule matches (`scan`).
    Match(Match),
    /// A device on the network (`lan`).
    Device(Device),
    /// Something is wrong, or may be (`lan`).
    Alert(Alert),
    /// A policy denies what the record before it tells (`watch --policy`).
    PolicyDeny(PolicyDeny),
    /// What a filter on an interface has decided so far (`filter attach`).
    FilterCounts(FilterCounts),
    /// One thing that this machine was asked for (`doctor`).
    Probe(Probe),
    /// What the probes mean for one instrument (`doctor`).
    Verdict(Verdict),
    /// What was attached, partial or blind, and why.
    Coverage(Coverage),
    /// The account of the run; the last record of every run.
    Ledger(Ledger),
}

/// What the records about path calls share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PathCall {
    /// Absolute path.
    #[serde(flatten)]
    pub path: PathInfo,
    /// The string that the program passed; `null` where it passed a descriptor.
    pub raw_path: Option<String>,
    /// Directory descriptor (or the descriptor itself), -100 for the working directory.
    pub dirfd: i32,
    /// Device as `st_dev`, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dev: Option<u64>,
    /// Inode, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inode: Option<u64>,
    /// 0 or negative errno.
    pub ret: i64,
    /// Name of the errno when it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errno: Option<String>,
    /// Done through `io_uring`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub io_uring: bool,
}

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

/// What a probe answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It works: it was done.
    Yes,
    /// It does not work.
    No,
    /// The probe could not tell.
    Unknown,
}

/// Why something does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The kernel cannot.
    Unsupported,
    /// The process may not.
    Forbidden,
    /// It is switched off, not mounted, or did not fire.
    Off,
}

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Probe {
    /// What was probed.
    pub name: String,
    /// `kernel`, `privilege`, `machine`, `program`, `map`, `helper`, `hook` or `backend`.
    pub group: String,
    /// The answer.
    pub answer: Answer,
    /// What sort of no; `null` for the other answers.
    pub cause: Option<Cause>,
    /// The reason of a no or an unknown; empty for a yes.
    pub why: String,
    /// What was found beside the answer: a value, a place, how often a hook fired; may be empty.
    pub detail: String,
    /// What kernscope loses; empty if nothing.
    pub costs: String,
    /// What would help; empty if nothing is needed.
    pub fix: String,
}

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

/// A device, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Device {
    /// Its hardware address, in lower case with colons.
    #[schemars(regex(pattern = r"^([0-9a-f]{2}:){5}[0-9a-f]{2}$"))]
    pub mac: String,
    /// Software made the hardware address up: it names no vendor, and may be another one tomorrow.
    pub mac_random: bool,
    /// Its own addresses, IPv4 first; not those that it passes packets on for.
    pub ips: Vec<String>,
    /// Who made it, or its network part: the owner of the address block; `null` when that says nothing.
    pub vendor: Option<String>,
    /// Its best name; `null` when it told none.
    pub hostname: Option<String>,
    /// All its names, each with the protocol that told it.
    pub names: Vec<DeviceName>,
    /// What it is, in words; `unknown` rather than a guess.
    pub device_type: String,
    /// The sort of device: `camera`, `plug`, `phone`, `router`, ...; `unknown` rather than a guess.
    pub category: String,
    /// The trained class, named as in its training data; `null` when it is none of them, or not surely one.
    pub label: Option<String>,
    /// How sure `label` is, or `category` where there is no label: the share of such answers that are right. 0 when both are
    /// unknown.
    #[schemars(range(min = 0, max = 1))]
    pub confidence: f64,
    /// Operating system; `null` when nothing tells.
    pub os: Option<String>,
    /// Model, where the device says so itself.
    pub model: Option<String>,
    /// What it does for others: `router`, `dhcp_server`, ...
    pub roles: Vec<String>,
    /// Why it is called so, the weightiest first.
    pub evidence: Vec<Evidence>,
    /// Other devices that may be this one under another hardware address. Suggested, never done.
    pub same_as: Vec<Suggestion>,
    /// How many different addresses and ports it sought, about; `null` if it sought none.
    pub sought: Option<Sought>,
    /// Frames that it sent.
    pub frames: u64,
    /// When it was seen first: RFC 3339, UTC.
    pub first_seen: String,
    /// When it was seen last.
    pub last_seen: String,
    /// It was seen within the last minutes of the capture.
    pub online: bool,
    /// The capture that it was seen in.
    pub source: String,
}

/// How bad it is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth a look when there is time.
    #[default]
    Low,
    /// Should be looked at.
    Medium,
    /// Look at once: somebody may be taking traffic over.
    High,
}

impl Severity {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// Something that is wrong, or may be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Alert {
    /// Which rule: `secret_sent` (`watch`: docs/TLS.md), the id of a detection (docs/DETECTIONS.md), or such as `port_scan_vertical` (`lan`: docs/LAN.md has them all); names stay.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// What happened, in one sentence.
    pub message: String,
    /// `seq` of the records that it is about, in this output: devices; the finds and forks of a chain.
    pub evidence: Vec<u64>,
    /// What was seen, a fact each.
    pub because: Vec<String>,
    /// Names this alert: the same rule, device and matter have the same `id` in every run.
    #[schemars(regex(pattern = r"^[0-9a-f]{16}$"))]
    pub id: String,
    /// Hardware address of the device that did it (`lan`).
    #[serde(default, skip_serializing_if = "is_default")]
    pub mac: String,
    /// The address that it did it from; `null` where none is told.
    pub ip: Option<String>,
    /// How often it was seen.
    pub count: u64,
    /// When first: RFC 3339, UTC (`lan`).
    #[serde(default, skip_serializing_if = "is_default")]
    pub first_seen: String,
    /// When last (`lan`).
    #[serde(default, skip_serializing_if = "is_default")]
    pub last_seen: String,
    /// The capture or interface that it was seen in (`lan`).
    #[serde(default, skip_serializing_if = "is_default")]
    pub source: String,
    /// Techniques of MITRE ATT&CK that it is a case of (detections).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub technique: Vec<String>,
    /// What it is about (detections).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// A user has seen it (`lan alerts --acknowledge`).
    #[serde(default, skip_serializing_if = "is_default")]
    pub acknowledged: bool,
}

/// Something that a policy denies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyDeny {
    /// The action and the entry of its list that denies it, such as `read: ~/.ssh/**`.
    pub rule: String,
    /// The policy's name.
    pub policy: String,
    /// `read`, `write`, `exec` or `connect`.
    pub action: String,
    /// The kernel made it fail, because of the policy.
    pub enforced: bool,
    /// What made it fail: `lsm`, `landlock` or `cgroup`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why it did not fail because of the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Absolute path of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The remote end, `ip:port`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<String>,
    /// The name by which a name server last answered that address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `seq` of the record of what was done.
    pub evidence: Vec<u64>,
}

/// What a device began to talk to: the targets of TCP segments that do not answer and of UDP datagrams to lower ports, and
/// addresses asked for by ARP. Counts are estimates, within 3 % at 1,000; 7,098 is as much or more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sought {
    /// Different addresses.
    pub addresses: u32,
    /// Different TCP and UDP ports.
    pub ports: u32,
    /// Different addresses in the busiest minute.
    pub addresses_a_minute: u32,
    /// Different ports in the busiest minute.
    pub ports_a_minute: u32,
}

/// A name of a device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceName {
    /// The name.
    pub name: String,
    /// `dhcp`, `mdns`, `nbns`, ...
    pub via: String,
}

/// One reason why a device is called what it is called.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// What was seen.
    pub fact: String,
    /// What it speaks for.
    #[serde(rename = "for")]
    pub speaks_for: String,
    /// How much it weighs.
    pub weight: f64,
}

/// Two hardware addresses that may be of one device.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Suggestion {
    /// The other hardware address.
    pub mac: String,
    /// What both have.
    pub because: Vec<String>,
}

/// Which way one instrument would go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// The instrument, or a part of it.
    pub feature: String,
    /// The way: `ebpf`, `ptrace`, `fentry`, `xdp`, ...; `none` if there is none.
    pub tier: String,
    /// Why this one.
    pub why: String,
    /// What is lost on it, one thing each.
    pub lost: Vec<String>,
}

/// What a filter on an interface has decided since it was attached: `packets = passed + dropped + other`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FilterCounts {
    /// The network interface.
    pub interface: String,
    /// `xdp` or `tc`.
    pub hook: String,
    /// `ingress` or `egress`.
    pub direction: String,
    /// Packets that were decided.
    pub packets: u64,
    /// Those that meet the condition; `null` for a program that was given as bytecode.
    pub matched: Option<u64>,
    /// Let pass.
    pub passed: u64,
    /// Dropped.
    pub dropped: u64,
    /// Redirected, sent back, or else.
    pub other: u64,
}

/// How well a hook, a library or a sort of event is covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Attached and seen to fire.
    Attached,
    /// Attached; nothing in this run made it fire.
    Idle,
    /// Works in part; `why` says which.
    Partial,
    /// Sees nothing; `why` says the reason.
    Blind,
}

/// One hook of the coverage statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hook {
    /// What it watches: `exec`, `open`, `path_calls`, `io_uring`, ...
    pub name: String,
    /// How: `fentry`, `kprobe`, `tp_btf`, `tracepoint`, `ptrace`, `none`.
    pub tier: String,
    /// Whether it works.
    pub state: State,
    /// What is missing and why; empty when nothing is.
    #[serde(default)]
    pub why: String,
}

/// How far TLS of one library in one process is covered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TlsTarget {
    /// Process id.
    pub pid: u32,
    /// Path of the binary.
    pub exe: String,
    /// `openssl`, `gnutls`, `nss`, ...; `unknown` where none was seen.
    pub library: String,
    /// The file with its code, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Whether it works.
    pub state: State,
    /// What is missing and why.
    pub why: String,
}

/// The coverage statement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// `ebpf`, `ptrace` or `replay`.
    pub backend: String,
    /// Why this back end was chosen.
    #[serde(default)]
    pub why: String,
    /// Hook by hook.
    pub hooks: Vec<Hook>,
    /// TLS, process by process; empty until TLS is asked for.
    pub tls: Vec<TlsTarget>,
}

/// The account: `seen = emitted + filtered + sum(lost)`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ledger {
    /// Events that the hooks produced, plus records that the monitor added itself.
    pub seen: u64,
    /// Records written, not counting `coverage` and `ledger`.
    pub emitted: u64,
    /// Events that were used or set aside without a record of their own.
    pub filtered: u64,
    /// Events that did not arrive, by cause.
    pub lost: BTreeMap<String, u64>,
    /// Whether the equation holds.
    pub closes: bool,
    /// `filtered`, by reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub filtered_by: BTreeMap<String, u64>,
    /// `seen`, by raw event kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub seen_by: BTreeMap<String, u64>,
}

impl Ledger {
    /// Sets [`Ledger::closes`] from the other fields.
    pub fn close(mut self) -> Self {
        let lost: u128 = self.lost.values().map(|count| u128::from(*count)).sum();
        self.closes = u128::from(self.seen) == u128::from(self.emitted) + u128::from(self.filtered) + lost;
        self
    }
}

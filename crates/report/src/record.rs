//! The records: what a run tells, one at a time, in the words of the JSON schema.
//!
//! A [`Record`] is an [`Entry`] with its place in the stream (`v`, `seq`, `ts`). Producers make entries; only
//! a sink numbers and dates them, so that `seq` has no gap and times become wall time in one place.
//!
//! [`Body`] has the kinds; what is in them has a file for each family.

mod alert;
mod content;
mod coverage;
mod device;
mod file;
mod filter;
mod message;
mod net;
mod probe;
mod process;
mod tls;

pub use alert::{Alert, PolicyDeny, Severity};
pub use content::{ContentMatch, ContentSource, Match};
pub use coverage::{Coverage, Hook, Ledger, State, TlsTarget};
pub use device::{Device, DeviceName, Evidence, Sought, Suggestion};
pub use file::{NodeType, OpenMode, PathCall, PathInfo, PathSource};
pub use filter::FilterCounts;
pub use message::{Http, HttpMessage, Stdio, StdioMessage};
pub use net::{Dns, NetCall};
pub use probe::{Answer, Cause, Probe, Verdict};
pub use process::Proc;
pub use tls::{TlsData, TlsDirection};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
        /// What was at the new path has the old one now (`RENAME_EXCHANGE`).
        #[serde(default, skip_serializing_if = "is_default")]
        exchange: bool,
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
    /// A FIFO, a device, a socket or an empty file was made by `mknod` (`mkfifo` is one).
    FileMknod {
        /// What all path calls share.
        #[serde(flatten)]
        call: PathCall,
        /// What was made.
        node: NodeType,
        /// Permission bits as passed.
        mode: u32,
        /// The device that a device file stands for, as `st_rdev`; `null` for all else.
        rdev: Option<u32>,
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

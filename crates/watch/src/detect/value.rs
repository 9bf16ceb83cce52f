//! Fields of records, by the names of docs/SCHEMA.md.
//!
//! A record is looked at where it lies: nothing is copied and no JSON is made, since every record of a run comes here.

use kernscope_report::{Body, ContentSource, Entry, OpenMode, PathCall, TlsDirection};

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    /// The record has no such field, or `null` in it.
    Missing,
    /// A text.
    Text(&'a str),
    /// A list of texts.
    Texts(&'a [String]),
    /// A number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
}

/// Fields that belong to the process, in every record that has one.
const PROC: &[&str] = &["proc.pid", "proc.tid", "proc.ppid", "proc.uid", "proc.comm", "proc.exe"];

const PATH: &[&str] = &["path", "path_truncated", "deleted"];
const CALL: &[&str] = &["path", "path_truncated", "deleted", "raw_path", "dirfd", "ret", "errno", "io_uring"];
const NET: &[&str] = &["proto", "local", "remote", "name", "fd", "ret", "errno", "io_uring"];

/// Not a kind of its own: a file opened for writing, or a name made by a rename or a link; `path` is the name.
pub(super) const WRITTEN: &str = "file_written";
/// The kinds that it stands for.
pub(super) const WRITES: [&str; 4] = ["file_open", "file_rename", "file_link", "file_symlink"];

/// The kinds of records that rules can be about, each with its fields in parts.
const KINDS: &[(&str, &[&[&str]])] = &[
    ("process_fork", &[&["child_pid"]]),
    (
        "process_exec",
        &[&[
            "argv",
            "argc",
            "argv_truncated",
            "cwd",
            "exe",
            "filename",
            "interpreter",
            "sha256",
            "env",
            "line",
            "run",
            "shell",
            "from",
        ]],
    ),
    ("process_exec_failed", &[CALL]),
    ("process_exit", &[&["code", "signal"]]),
    (WRITTEN, &[&["path"]]),
    ("file_open", &[CALL, &["flags", "mode", "of_other"]]),
    ("file_close", &[PATH, &["fd", "cause", "read_bytes", "write_bytes"]]),
    ("file_mmap", &[PATH, &["prot", "shared", "len", "ret", "errno"]]),
    ("file_unlink", &[CALL]),
    ("file_rename", &[CALL, &["new_path", "raw_new_path"]]),
    ("file_link", &[CALL, &["new_path", "raw_new_path"]]),
    ("file_symlink", &[CALL, &["target"]]),
    ("file_mkdir", &[CALL, &["mode"]]),
    ("file_mknod", &[CALL, &["node", "mode", "rdev"]]),
    ("file_chmod", &[CALL, &["mode"]]),
    ("file_chown", &[CALL, &["owner", "group"]]),
    ("file_truncate", &[CALL, &["length"]]),
    ("net_connect", &[NET]),
    ("net_bind", &[NET]),
    ("net_listen", &[NET]),
    ("net_accept", &[NET]),
    ("net_send", &[NET]),
    ("net_close", &[NET, &["bytes_sent", "bytes_received"]]),
    ("content_match", &[PATH, &["rule", "source", "severity", "remote", "fd", "direction"]]),
    ("dns", &[&["query", "qtype", "answers", "rcode", "server", "proto", "fd"]]),
    ("tls_data", &[&["direction", "library", "remote", "local", "fd", "data"]]),
    ("stdio", &[&["direction", "fd", "method"]]),
    ("http", &[&["direction", "method", "host", "path", "status", "content_type", "remote"]]),
];

/// The kinds that rules can be about.
pub(super) fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|(kind, _)| *kind)
}

/// The names of a kind's fields.
pub(super) fn fields(kind: &str) -> impl Iterator<Item = &'static str> {
    let parts = KINDS.iter().find(|(known, _)| *known == kind).map_or(&[][..], |(_, parts)| *parts);
    parts.iter().flat_map(|part| part.iter()).chain(PROC).copied()
}

/// The field of this name, without the fields that are worked out (`line`, `run`, `shell`, `from`).
pub(super) fn get<'a>(entry: &'a Entry, name: &str) -> Value<'a> {
    match name.strip_prefix("proc.") {
        Some(name) => of_proc(entry, name),
        None => of_body(&entry.body, name),
    }
}

fn of_proc<'a>(entry: &'a Entry, name: &str) -> Value<'a> {
    let Some(proc) = &entry.proc else { return Value::Missing };
    match name {
        "pid" => Value::Number(proc.pid.into()),
        "tid" => Value::Number(proc.tid.into()),
        "ppid" => Value::Number(proc.ppid.into()),
        "uid" => Value::Number(proc.uid.into()),
        "comm" => Value::Text(&proc.comm),
        "exe" => proc.exe.as_deref().map_or(Value::Missing, Value::Text),
        _ => Value::Missing,
    }
}

fn of_body<'a>(body: &'a Body, name: &str) -> Value<'a> {
    match body {
        Body::ProcessFork { child_pid, .. } => match name {
            "child_pid" => number(Some(u64::from(*child_pid))),
            _ => Value::Missing,
        },
        Body::ProcessExec {
            argv,
            argv_truncated,
            argc,
            cwd,
            exe,
            filename,
            interpreter,
            sha256,
            env,
            ..
        } => match name {
            "argv" => Value::Texts(argv),
            "argc" => number(Some(u64::from(*argc))),
            "argv_truncated" => Value::Flag(*argv_truncated),
            "cwd" => text(cwd),
            "exe" => text(exe),
            "filename" => text(filename),
            "interpreter" => text(interpreter),
            "sha256" => text(sha256),
            "env" => env.as_deref().map_or(Value::Missing, Value::Texts),
            _ => Value::Missing,
        },
        Body::ProcessExit { code, signal, .. } => match name {
            "code" => signed(code.map(i64::from)),
            "signal" => signed(signal.map(i64::from)),
            _ => Value::Missing,
        },
        Body::Dns(dns) => match name {
            "query" => Value::Text(&dns.query),
            "qtype" => Value::Text(&dns.qtype),
            "answers" => Value::Texts(&dns.answers),
            "rcode" => text(&dns.rcode),
            "server" => text(&dns.server),
            "proto" => Value::Text(&dns.proto),
            "fd" => Value::Number(dns.fd.into()),
            _ => Value::Missing,
        },
        Body::Http(http) => match name {
            "direction" => Value::Text(direction(http.direction)),
            "method" => text(&http.method),
            "host" => text(&http.host),
            "path" => text(&http.path),
            "status" => number(http.status.map(u64::from)),
            "content_type" => text(&http.content_type),
            "remote" => text(&http.remote),
            _ => Value::Missing,
        },
        Body::TlsData(said) => match name {
            "direction" => Value::Text(direction(said.direction)),
            "library" => Value::Text(&said.library),
            "remote" => text(&said.remote),
            "local" => text(&said.local),
            "fd" => signed(said.fd.map(i64::from)),
            "data" => Value::Text(&said.data),
            _ => Value::Missing,
        },
        Body::Stdio(said) => match name {
            "direction" => Value::Text(direction(said.direction)),
            "fd" => Value::Number(said.fd.into()),
            "method" => text(&said.method),
            _ => Value::Missing,
        },
        _ => of_file(body, name),
    }
}

fn of_file<'a>(body: &'a Body, name: &str) -> Value<'a> {
    match (body, name) {
        (Body::FileOpen { path, .. }, "path")
        | (Body::FileClose { path, .. }, "path")
        | (Body::FileMmap { path, .. }, "path")
        | (Body::ProcessExecFailed { path, .. }, "path") => text(&path.path),
        (Body::FileOpen { path, .. } | Body::FileClose { path, .. } | Body::FileMmap { path, .. }, _)
            if name == "deleted" || name == "path_truncated" =>
        {
            Value::Flag(if name == "deleted" { path.deleted } else { path.path_truncated })
        }
        (Body::FileOpen { raw_path, .. } | Body::ProcessExecFailed { raw_path, .. }, "raw_path") => {
            text(raw_path)
        }
        (Body::FileOpen { mode, .. }, "mode") => Value::Text(open_mode(*mode)),
        (Body::FileOpen { flags, .. }, "flags") => Value::Texts(flags),
        (Body::FileOpen { dirfd, .. }, "dirfd") => Value::Number((*dirfd).into()),
        (Body::FileOpen { io_uring, .. }, "io_uring") => Value::Flag(*io_uring),
        (Body::FileClose { fd, .. }, "fd") => Value::Number((*fd).into()),
        (Body::FileClose { cause, .. }, "cause") => Value::Text(cause),
        (Body::FileClose { read_bytes, .. }, "read_bytes") => number(*read_bytes),
        (Body::FileClose { write_bytes, .. }, "write_bytes") => number(*write_bytes),
        (Body::FileMmap { prot, .. }, "prot") => Value::Texts(prot),
        (Body::FileMmap { shared, .. }, "shared") => Value::Flag(*shared),
        (Body::FileMmap { len, .. }, "len") => number(Some(*len)),
        (Body::FileRename { new_path, .. } | Body::FileLink { new_path, .. }, "new_path") => text(new_path),
        (Body::FileRename { raw_new_path, .. } | Body::FileLink { raw_new_path, .. }, "raw_new_path") => {
            text(raw_new_path)
        }
        (Body::FileSymlink { target, .. }, "target") => text(target),
        (
            Body::FileMkdir { mode, .. } | Body::FileMknod { mode, .. } | Body::FileChmod { mode, .. },
            "mode",
        ) => number(Some(u64::from(*mode))),
        (Body::FileMknod { node, .. }, "node") => Value::Text(node.name()),
        (Body::FileMknod { rdev, .. }, "rdev") => number(rdev.map(u64::from)),
        (Body::FileChown { owner, .. }, "owner") => number(owner.map(u64::from)),
        (Body::FileChown { group, .. }, "group") => number(group.map(u64::from)),
        (Body::FileTruncate { length, .. }, "length") => number(Some(*length)),
        (_, "ret") => signed(body.outcome().map(|(ret, _)| ret)),
        (_, "errno") => body.outcome().and_then(|(_, errno)| errno).map_or(Value::Missing, Value::Text),
        _ => body.path_call().map_or_else(|| of_net(body, name), |call| of_call(call, name)),
    }
}

/// The name that a record writes or makes, if it does.
pub(super) fn written(body: &Body) -> Value<'_> {
    match body {
        Body::FileOpen { path, mode, .. } if *mode != OpenMode::Read => text(&path.path),
        Body::FileRename { new_path, .. } | Body::FileLink { new_path, .. } => text(new_path),
        Body::FileSymlink { call, .. } => text(&call.path.path),
        _ => Value::Missing,
    }
}

fn of_call<'a>(call: &'a PathCall, name: &str) -> Value<'a> {
    match name {
        "path" => text(&call.path.path),
        "deleted" => Value::Flag(call.path.deleted),
        "path_truncated" => Value::Flag(call.path.path_truncated),
        "raw_path" => text(&call.raw_path),
        "dirfd" => Value::Number(call.dirfd.into()),
        "io_uring" => Value::Flag(call.io_uring),
        _ => Value::Missing,
    }
}

fn of_net<'a>(body: &'a Body, name: &str) -> Value<'a> {
    match body {
        Body::NetClose { bytes_sent, bytes_received, .. } => match name {
            "bytes_sent" => return number(*bytes_sent),
            "bytes_received" => return number(*bytes_received),
            _ => {}
        },
        Body::ContentMatch(found) => {
            return match name {
                "rule" => Value::Text(&found.rule),
                "severity" => Value::Text(&found.severity),
                "source" => Value::Text(source(found.source)),
                "remote" => text(&found.remote),
                "path" => text(&found.path.path),
                "fd" => Value::Number(found.fd.into()),
                "direction" => found.direction.map_or(Value::Missing, |way| Value::Text(direction(way))),
                _ => Value::Missing,
            };
        }
        _ => {}
    }
    let Some(call) = body.net_call() else { return Value::Missing };
    match name {
        "proto" => Value::Text(&call.proto),
        "local" => text(&call.local),
        "remote" => text(&call.remote),
        "name" => text(&call.name),
        "fd" => Value::Number(call.fd.into()),
        "io_uring" => Value::Flag(call.io_uring),
        _ => Value::Missing,
    }
}

fn text(value: &Option<String>) -> Value<'_> {
    value.as_deref().map_or(Value::Missing, Value::Text)
}

fn number(value: Option<u64>) -> Value<'static> {
    signed(value.map(|value| i64::try_from(value).unwrap_or(i64::MAX)))
}

fn signed(value: Option<i64>) -> Value<'static> {
    value.map_or(Value::Missing, Value::Number)
}

fn open_mode(mode: OpenMode) -> &'static str {
    match mode {
        OpenMode::Read => "read",
        OpenMode::Write => "write",
        OpenMode::ReadWrite => "read_write",
        OpenMode::Create => "create",
    }
}

fn direction(way: TlsDirection) -> &'static str {
    match way {
        TlsDirection::Send => "send",
        TlsDirection::Recv => "recv",
    }
}

fn source(source: ContentSource) -> &'static str {
    match source {
        ContentSource::FileRead => "file_read",
        ContentSource::FileWrite => "file_write",
        ContentSource::NetSend => "net_send",
        ContentSource::NetRecv => "net_recv",
        _ => "tls",
    }
}

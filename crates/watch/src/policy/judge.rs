//! What of a record a policy denies.

use super::Policy;
use super::paths::Class;
use kernscope_abi::paths::{JUDGED, UNDECIDED, denied};
use kernscope_report::text::unescape;
use kernscope_report::{Body, Entry, NetCall, OpenMode, PathInfo};
use std::borrow::Cow;
use std::net::SocketAddr;

/// Something that a policy denies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// What was done.
    pub action: Action,
    /// The entry of the list; `""` where it is on none, [`UNRESOLVED`] where the path is not known.
    pub entry: String,
    /// What it was done to.
    pub object: Object,
}

/// Calls that failed with these touched nothing.
const NOTHING_THERE: [&str; 4] = ["ENOENT", "ENOTDIR", "EFAULT", "EBADF"];

/// Stands for the entry of a list where a path is not known to its root: that is never taken for allowed.
pub const UNRESOLVED: &str = "(path not resolved)";

/// Stands for the entry of a list where the file is on it under another path than the one that was used.
pub const OTHER_PATH: &str = "(under another path)";

/// What something was done to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// An absolute path.
    Path(String),
    /// `ip:port`, with the name that it was asked for by.
    Remote(String, Option<String>),
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Something with a file.
    File(Class),
    /// A socket was connected, or a datagram sent.
    Connect,
    /// A system call was made.
    System,
}

impl Action {
    /// Its name in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::File(class) => class.name(),
            Self::Connect => "connect",
            Self::System => "system",
        }
    }
}

impl Policy {
    /// What of an entry it denies.
    pub fn judge(&self, entry: &Entry) -> Vec<Broken> {
        self.judge_with(entry, None)
    }

    /// The same where the kernel's programs said of the file that was opened or executed which lists it is on
    /// ([`kernscope_abi::paths`]): they know all of its paths, and judged when it happened.
    pub fn judge_with(&self, entry: &Entry, verdict: Option<u32>) -> Vec<Broken> {
        let (body, mut out) = (&entry.body, Vec::new());
        if body.outcome().and_then(|(_, errno)| errno).is_some_and(|errno| NOTHING_THERE.contains(&errno)) {
            return out;
        }
        let verdict = verdict.filter(|bits| bits & JUDGED != 0 && bits & UNDECIDED == 0);
        let judged = body.judged_path();
        accesses_of(entry, &mut |Access { class, path, bytes, truncated }| {
            let by_default = self.rule(class).default_denied;
            let by_path = || self.paths.denied(&bytes, class, by_default);
            let denied = match verdict {
                _ if truncated => self.restricts(class).then_some(UNRESOLVED),
                Some(bits) if judged == Some(path) => {
                    denied(bits, class.number(), by_default).then(|| by_path().unwrap_or(OTHER_PATH))
                }
                _ => by_path(),
            };
            let broken = denied.map(|entry| Broken {
                action: Action::File(class),
                entry: entry.to_owned(),
                object: Object::Path(path.to_owned()),
            });
            out.extend(broken);
        });
        out.dedup();
        out.extend(self.judge_code(entry));
        if let Body::NetConnect(call) | Body::NetSend(call) = body {
            out.extend(self.judge_remote(call));
        }
        out
    }

    /// Code of a file, mapped. Libraries need not be on a list of what may be executed, but must not be on the one of what may not.
    fn judge_code(&self, entry: &Entry) -> Option<Broken> {
        let Body::FileMmap { path, prot, .. } = &entry.body else { return None };
        let path = path.path.as_deref().filter(|path| path.starts_with('/'))?;
        let is_code = prot.iter().any(|prot| prot == "exec");
        let listed =
            self.paths.denied(&bytes(entry, path), Class::Exec, false).filter(|_| is_code)?.to_owned();
        Some(Broken {
            action: Action::File(Class::Exec),
            entry: listed,
            object: Object::Path(path.to_owned()),
        })
    }

    fn judge_remote(&self, call: &NetCall) -> Option<Broken> {
        if self.hosts.is_empty() {
            return None;
        }
        let remote = call.remote.as_deref()?;
        let address: SocketAddr = remote.parse().ok()?;
        let entry = self.hosts.denied(address.ip(), address.port(), call.name.as_deref())?.to_owned();
        let object = Object::Remote(remote.to_owned(), call.name.clone());
        Some(Broken { action: Action::Connect, entry, object })
    }
}

/// A file that a record is about.
pub(super) struct Access<'a> {
    /// What was done with it.
    pub(super) class: Class,
    /// Its path as the record has it.
    pub(super) path: &'a str,
    /// Its path.
    pub(super) bytes: Cow<'a, [u8]>,
    /// The beginning of its path is missing.
    pub(super) truncated: bool,
}

/// The files that a record is about.
pub(super) fn accesses_of(entry: &Entry, told: &mut dyn FnMut(Access<'_>)) {
    accesses(&entry.body, &mut |class, path, truncated| {
        told(Access { class, path, bytes: bytes(entry, path), truncated });
    });
}

/// A path of a record as the kernel has it.
fn bytes<'a>(entry: &Entry, path: &'a str) -> Cow<'a, [u8]> {
    let is_escaped = entry.escaped.iter().any(|field| PATHS.contains(field));
    let raw = if is_escaped { unescape(path) } else { None };
    raw.map_or_else(|| Cow::Borrowed(path.as_bytes()), Cow::Owned)
}

/// Fields of records that are paths.
const PATHS: [&str; 6] = ["path", "new_path", "exe", "cwd", "filename", "local"];

/// The files that a record is about, what was done with each, and whether the beginning of its path is missing.
fn accesses(body: &Body, told: &mut dyn FnMut(Class, &str, bool)) {
    let mut path = |class: Class, path: Option<&str>| {
        if let Some(path) = path.filter(|path| path.starts_with('/')) {
            told(class, path, false);
        }
    };
    match body {
        Body::FileOpen { flags, .. } if flags.iter().any(|flag| flag == "O_PATH") => {}
        Body::FileOpen { path: info, mode, flags, .. } => {
            let reads = matches!(mode, OpenMode::Read | OpenMode::ReadWrite);
            if reads || flags.iter().any(|flag| flag == "O_RDWR") {
                of(info, Class::Read, told);
            }
            if *mode != OpenMode::Read {
                of(info, Class::Write, told);
            }
        }
        Body::ProcessExec { exe, cwd, filename, interpreter, .. } => {
            path(Class::Exec, exe.as_deref());
            if interpreter.is_some() {
                path(Class::Exec, joined(cwd.as_deref(), filename.as_deref()).as_deref());
            }
            // What no directory has, a memfd, is never taken for allowed.
            if let Some(unnamed) = exe.as_deref().filter(|exe| !exe.starts_with('/')) {
                told(Class::Exec, unnamed, true);
            }
        }
        Body::ProcessExecFailed { path: info, .. } => of(info, Class::Exec, told),
        Body::FileUnlink(call)
        | Body::FileSymlink { call, .. }
        | Body::FileMkdir { call, .. }
        | Body::FileMknod { call, .. }
        | Body::FileChmod { call, .. }
        | Body::FileChown { call, .. }
        | Body::FileTruncate { call, .. } => of(&call.path, Class::Write, told),
        // Under another name it could be read.
        Body::FileRename { call, new_path, .. } | Body::FileLink { call, new_path, .. } => {
            path(Class::Write, new_path.as_deref());
            if matches!(body, Body::FileRename { exchange: true, .. }) {
                path(Class::Read, new_path.as_deref());
            }
            of(&call.path, Class::Read, told);
            of(&call.path, Class::Write, told);
        }
        // A socket with a name in the file system.
        Body::NetBind(call) if call.proto == "unix" => path(Class::Write, call.local.as_deref()),
        _ => {}
    }
}

fn of(info: &PathInfo, class: Class, told: &mut dyn FnMut(Class, &str, bool)) {
    let Some(path) = info.path.as_deref() else { return };
    if info.path_truncated || path.starts_with('/') {
        told(class, path, info.path_truncated);
    }
}

/// The path of a script.
fn joined(cwd: Option<&str>, filename: Option<&str>) -> Option<String> {
    let filename = filename?;
    match filename.starts_with('/') {
        true => Some(filename.to_owned()),
        false => Some(format!("{}/{}", cwd?, filename.trim_start_matches("./"))),
    }
}

//! Paths: walks turned round, strings joined, and a word on how good the result is.
//!
//! A path comes from the best source there is, in this order: the kernel's walk of the object (or of the parent
//! and name, as a hint), the host's own resolution right after the call, and at last the strings joined. The
//! record says which it was.

use super::uring::Submitted;
use crate::raw::{Sec, Sections};
use kernscope_abi as abi;
use kernscope_report::text::Escapes;
use kernscope_report::{PathInfo, PathSource};

/// What an event may say about one path.
#[derive(Clone, Copy, Default)]
pub(super) struct Clues<'a> {
    /// Walk of the object itself.
    pub(super) walk: Option<Sec<'a>>,
    /// Worked out by the host.
    pub(super) resolved: Option<Sec<'a>>,
    /// Walk of the directory that `raw` is relative to.
    pub(super) base: Option<Sec<'a>>,
    /// The string that was passed.
    pub(super) raw: Option<Sec<'a>>,
    /// Walk of the process's root, where that is not the namespace's.
    pub(super) root: Option<Sec<'a>>,
}

impl<'a> Clues<'a> {
    /// The clues to the first path of an event, with those of the `io_uring` submission it belongs to.
    pub(super) fn first(sections: &Sections<'a>, submitted: Option<&Submitted<'a>>) -> Self {
        let get = |tag| find(sections, submitted, tag);
        Self {
            walk: sections.get(abi::SEC_PATH),
            resolved: get(abi::SEC_RESOLVED),
            base: get(abi::SEC_BASE),
            raw: get(abi::SEC_RAW),
            root: get(abi::SEC_ROOT),
        }
    }

    /// The clues to the second path.
    pub(super) fn second(sections: &Sections<'a>, submitted: Option<&Submitted<'a>>) -> Self {
        let get = |tag| find(sections, submitted, tag);
        Self {
            walk: sections.get(abi::SEC_PATH2),
            resolved: get(abi::SEC_RESOLVED2),
            base: get(abi::SEC_BASE2),
            raw: get(abi::SEC_RAW2),
            root: get(abi::SEC_ROOT),
        }
    }

    /// The string as passed.
    pub(super) fn raw_text(&self, field: &'static str, escapes: &mut Escapes) -> Option<String> {
        self.raw.filter(|sec| !sec.has(abi::SECF_UNRESOLVED)).map(|sec| escapes.text(field, sec.bytes))
    }

    /// The best path that the clues allow; `field` is its name in the record.
    pub(super) fn path(&self, field: &'static str, escapes: &mut Escapes) -> PathInfo {
        if let Some(walk) = self.walk.filter(|sec| !sec.has(abi::SECF_UNRESOLVED)) {
            return walked(walk, None, field, escapes);
        }
        if let Some(resolved) = self.resolved.filter(|sec| !sec.has(abi::SECF_UNRESOLVED)) {
            return host_resolved(resolved, field, escapes);
        }
        self.joined(field, escapes)
    }

    fn joined(&self, field: &'static str, escapes: &mut Escapes) -> PathInfo {
        let mut info = PathInfo { path_source: PathSource::Joined, ..PathInfo::default() };
        let Some(raw) = self.raw.filter(|sec| !sec.has(abi::SECF_UNRESOLVED)) else { return info };
        let Some(first) = raw.bytes.first() else { return info };
        let usable = |sec: &Sec<'_>| !sec.has(abi::SECF_UNRESOLVED) && !sec.has(abi::SECF_DISCONNECTED);
        let root = self.root.filter(usable);
        let start = if *first == b'/' { root } else { self.base.filter(usable) };
        // Without a word on it, the root is the namespace's; one that could not be told is not.
        let is_plain_root = *first == b'/' && self.root.is_none();
        if start.is_none() && !is_plain_root {
            return info;
        }
        let root = root.map(from_walk).unwrap_or_default();
        let base = start.map(from_walk).unwrap_or_default();
        info.path_truncated =
            raw.has(abi::SECF_TRUNCATED) || start.is_some_and(|sec| sec.has(abi::SECF_TRUNCATED));
        info.path = Some(owned(escapes, field, join(&root, base, raw.bytes)));
        info
    }
}

fn find<'a>(sections: &Sections<'a>, submitted: Option<&Submitted<'a>>, tag: u8) -> Option<Sec<'a>> {
    sections.get(tag).or_else(|| submitted?.event.sections.get(tag))
}

fn host_resolved(sec: Sec<'_>, field: &'static str, escapes: &mut Escapes) -> PathInfo {
    PathInfo {
        path: Some(escapes.text(field, sec.bytes)),
        path_source: if sec.has(abi::SECF_JOINED) { PathSource::Joined } else { PathSource::Resolved },
        path_truncated: sec.has(abi::SECF_TRUNCATED),
        deleted: sec.has(abi::SECF_DELETED),
    }
}

/// The path of a walked object. `file` gives objects without a name theirs (`pipe:[1234]`).
pub(super) fn walked(
    sec: Sec<'_>,
    file: Option<&abi::FileId>,
    field: &'static str,
    escapes: &mut Escapes,
) -> PathInfo {
    let mut info = PathInfo {
        path_truncated: sec.has(abi::SECF_TRUNCATED),
        deleted: sec.has(abi::SECF_DELETED),
        ..PathInfo::default()
    };
    if sec.has(abi::SECF_UNRESOLVED) {
        return info;
    }
    let path = if sec.has(abi::SECF_DISCONNECTED) { unnamed(sec.bytes, file) } else { Some(from_walk(sec)) };
    info.path = path.map(|path| owned(escapes, field, path));
    info
}

/// Text for bytes that are already owned; copies only when they must be escaped.
pub(super) fn owned(escapes: &mut Escapes, field: &'static str, bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| escapes.text(field, error.as_bytes()))
}

/// NUL-separated strings; the last one may lack its NUL.
pub(super) fn strings(bytes: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    let whole = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    whole.split(|&b| b == 0).filter(move |_| !bytes.is_empty())
}

/// The weaker of two sources, for a record with two paths and one word about them.
pub(super) fn weaker(a: PathSource, b: PathSource) -> PathSource {
    match (a, b) {
        (PathSource::Joined, _) | (_, PathSource::Joined) => PathSource::Joined,
        (PathSource::Resolved, _) | (_, PathSource::Resolved) => PathSource::Resolved,
        _ => PathSource::Kernel,
    }
}

/// A connected walk as a path. One whose beginning is missing starts with `...`, so that nobody takes its first
/// component for one below `/`.
pub(super) fn from_walk(sec: Sec<'_>) -> Vec<u8> {
    let mut path = if sec.has(abi::SECF_TRUNCATED) { b"...".to_vec() } else { Vec::new() };
    path.reserve(sec.bytes.len() + 1);
    push_names(&mut path, sec.bytes);
    if path.is_empty() {
        path.push(b'/');
    }
    path
}

fn push_names(path: &mut Vec<u8>, walk: &[u8]) {
    for name in walk.rsplit(|&b| b == 0).filter(|name| !name.is_empty() && *name != b"/") {
        path.push(b'/');
        path.extend_from_slice(name);
    }
}

const S_IFMT: u32 = 0o170_000;
const S_IFIFO: u32 = 0o010_000;
const S_IFREG: u32 = 0o100_000;
const S_IFSOCK: u32 = 0o140_000;

/// Whether `st_mode` is that of a regular file.
pub(super) fn is_regular(st_mode: u32) -> bool {
    st_mode & S_IFMT == S_IFREG
}

/// Whether `st_mode` is that of a socket.
pub(super) fn is_socket(st_mode: u32) -> bool {
    st_mode & S_IFMT == S_IFSOCK
}

/// Names of anonymous inodes that come without brackets.
const ANON: [&[u8]; 5] = [b"inotify", b"bpf-map", b"bpf-prog", b"bpf_link", b"kvm-vm"];

/// The name of an object that hangs in no tree, as `/proc/PID/fd` shows it: never with a leading slash.
fn unnamed(walk: &[u8], file: Option<&abi::FileId>) -> Option<Vec<u8>> {
    let mut name = Vec::with_capacity(walk.len() + 1);
    push_names(&mut name, walk);
    if !name.is_empty() {
        name.remove(0);
    }
    let ino = file.map_or(0, |file| file.ino);
    let of_type = |kind: &str| Some(format!("{kind}:[{ino}]").into_bytes());
    match file.map(|file| file.st_mode & S_IFMT) {
        Some(S_IFIFO) if name.is_empty() || name.starts_with(b"pipe:") => of_type("pipe"),
        Some(S_IFSOCK) if name.is_empty() || name.starts_with(b"socket:") => of_type("socket"),
        _ if name.is_empty() => None,
        kind if is_anonymous(kind, &name) => Some([b"anon_inode:", &name[..]].concat()),
        _ => Some(name),
    }
}

fn is_anonymous(kind: Option<u32>, name: &[u8]) -> bool {
    let single = !name.contains(&b'/') && !name.starts_with(b"anon_inode:") && !name.starts_with(b"memfd:");
    single && (name.starts_with(b"[") || kind == Some(0) || ANON.contains(&name))
}

/// Joins a string to a directory and normalises `.` and `..`, which do not lead above `root`. Symbolic links
/// are not followed: nothing here looks at a file system. `root` and `base` are absolute; empty and `/` are the same.
pub(super) fn join(root: &[u8], base: Vec<u8>, raw: &[u8]) -> Vec<u8> {
    let mut path = if raw.first() == Some(&b'/') { root.to_vec() } else { base };
    let root = if root == b"/" { b"" } else { root };
    if path == b"/" {
        path.clear();
    }
    let inside = path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest[0] == b'/');
    let floor = if inside { root.len() } else { 0 };
    path.reserve(raw.len() + 1);
    for name in raw.split(|&b| b == b'/') {
        match name {
            b"" | b"." => {}
            b".." => {
                let parent = path.iter().rposition(|&b| b == b'/').unwrap_or(0);
                path.truncate(parent.max(floor));
            }
            name => {
                path.push(b'/');
                path.extend_from_slice(name);
            }
        }
    }
    if path.is_empty() {
        path.push(b'/');
    }
    path
}

#[cfg(test)]
mod tests;

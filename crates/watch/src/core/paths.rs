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
const S_IFSOCK: u32 = 0o140_000;

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
mod tests {
    use super::*;

    fn sec(bytes: &[u8], flags: u8) -> Sec<'_> {
        Sec { tag: 0, flags, bytes }
    }

    fn text(clues: Clues<'_>) -> PathInfo {
        clues.path("path", &mut Escapes::default())
    }

    #[test]
    fn joins() {
        let cases: [(&str, &str, &str, &str); 10] = [
            ("", "/home/u", "x", "/home/u/x"),
            ("", "/home/u", "./a/../b//c/.", "/home/u/b/c"),
            ("", "/home/u", "../../../../etc", "/etc"),
            ("", "/home/u", "/etc/./passwd", "/etc/passwd"),
            ("", "/", "a", "/a"),
            ("", "/a", "..", "/"),
            ("/jail", "/jail/d", "../../x", "/jail/x"),
            ("/jail", "/jail/d", "/x/../../y", "/jail/y"),
            ("/jail", "/outside/d", "../x", "/outside/x"),
            ("/jail", "/jailer/d", "../../x", "/x"),
        ];
        for (root, base, raw, expect) in cases {
            let got = join(root.as_bytes(), base.into(), raw.as_bytes());
            assert_eq!(String::from_utf8(got).unwrap(), expect, "{root} {base} {raw}");
        }
    }

    #[test]
    fn sources_are_taken_in_order() {
        let all = Clues {
            walk: Some(sec(b"w\0", 0)),
            resolved: Some(sec(b"/r", 0)),
            base: Some(sec(b"b\0", 0)),
            raw: Some(sec(b"j", 0)),
            root: None,
        };
        let info = text(all);
        assert_eq!((info.path.as_deref(), info.path_source), (Some("/w"), PathSource::Kernel));
        let info = text(Clues { walk: None, ..all });
        assert_eq!((info.path.as_deref(), info.path_source), (Some("/r"), PathSource::Resolved));
        let joined = Some(sec(b"/r", abi::SECF_JOINED));
        assert_eq!(text(Clues { walk: None, resolved: joined, ..all }).path_source, PathSource::Joined);
        let unresolved = Some(sec(b"w\0", abi::SECF_UNRESOLVED));
        let info = text(Clues { walk: unresolved, resolved: None, ..all });
        assert_eq!((info.path.as_deref(), info.path_source), (Some("/b/j"), PathSource::Joined));
    }

    #[test]
    fn what_cannot_be_joined_is_null() {
        let none = |clues: Clues<'_>| assert_eq!(text(clues).path, None);
        none(Clues::default());
        none(Clues { raw: Some(sec(b"x", 0)), ..Clues::default() });
        none(Clues { raw: Some(sec(b"", 0)), base: Some(sec(b"b\0", 0)), ..Clues::default() });
        none(Clues { raw: Some(sec(b"x", abi::SECF_UNRESOLVED)), ..Clues::default() });
        let base = Some(sec(b"b\0", abi::SECF_UNRESOLVED));
        none(Clues { raw: Some(sec(b"x", 0)), base, ..Clues::default() });
        let root = Some(sec(b"", abi::SECF_UNRESOLVED));
        none(Clues { raw: Some(sec(b"/x", 0)), root, ..Clues::default() });
    }

    #[test]
    fn a_missing_beginning_shows() {
        let info = text(Clues { walk: Some(sec(b"leaf\0dir\0", abi::SECF_TRUNCATED)), ..Clues::default() });
        assert_eq!(info.path.as_deref(), Some(".../dir/leaf"));
        assert!(info.path_truncated);
        let base = Some(sec(b"dir\0", abi::SECF_TRUNCATED));
        let info = text(Clues { base, raw: Some(sec(b"x", 0)), ..Clues::default() });
        assert_eq!(info.path.as_deref(), Some(".../dir/x"));
        assert!(info.path_truncated);
    }

    #[test]
    fn the_root_of_a_chroot_is_where_absolute_strings_start() {
        let clues = Clues {
            raw: Some(sec(b"/etc/passwd", 0)),
            root: Some(sec(b"jail\0srv\0", 0)),
            ..Clues::default()
        };
        assert_eq!(text(clues).path.as_deref(), Some("/srv/jail/etc/passwd"));
    }

    #[test]
    fn objects_without_a_tree_have_no_leading_slash() {
        let name = |walk: &[u8], st_mode: u32| {
            let file = abi::FileId { ino: 77, st_mode, ..Default::default() };
            let sec = sec(walk, abi::SECF_DISCONNECTED);
            walked(sec, Some(&file), "path", &mut Escapes::default()).path
        };
        assert_eq!(name(b"memfd:x\0", 0o100_777).as_deref(), Some("memfd:x"));
        assert_eq!(name(b"", S_IFIFO).as_deref(), Some("pipe:[77]"));
        assert_eq!(name(b"", S_IFSOCK).as_deref(), Some("socket:[77]"));
        assert_eq!(name(b"[eventpoll]\0", 0o600).as_deref(), Some("anon_inode:[eventpoll]"));
        assert_eq!(name(b"[eventfd]\0", 0o100_600).as_deref(), Some("anon_inode:[eventfd]"));
        assert_eq!(name(b"anon_inode:[eventfd]\0", 0o600).as_deref(), Some("anon_inode:[eventfd]"));
        assert_eq!(name(b"inotify\0", 0o100_600).as_deref(), Some("anon_inode:inotify"));
        assert_eq!(name(b"leaf\0dir\0", 0o100_644).as_deref(), Some("dir/leaf"));
        assert_eq!(name(b"", 0o100_644), None);
    }

    #[test]
    fn deleted_is_a_flag_not_a_suffix() {
        let mut escapes = Escapes::default();
        let info = walked(sec(b"f\0tmp\0", abi::SECF_DELETED), None, "path", &mut escapes);
        assert_eq!(info.path.as_deref(), Some("/tmp/f"));
        assert!(info.deleted);
        let info = walked(sec(b"\xff\0", 0), None, "path", &mut escapes);
        assert_eq!(info.path.as_deref(), Some("/\\xff"));
        assert_eq!(escapes.into_fields(), ["path"]);
    }
}

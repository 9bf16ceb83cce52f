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
    let clues =
        Clues { raw: Some(sec(b"/etc/passwd", 0)), root: Some(sec(b"jail\0srv\0", 0)), ..Clues::default() };
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

//! What is in archives is found, and named by where it is.

use crate::formats::{Packed, gzip, member, tar, xz, zip, zstd};
use crate::support::{TOKEN, scan, scan_with};
use kernscope_scan::Options;

/// A file with the token at offset 4.
fn file() -> Vec<u8> {
    format!("key={TOKEN}\n").into_bytes()
}

#[test]
fn members_of_every_format() {
    let file = file();
    let zipped = |method, wide| {
        zip(
            &[
                Packed::new("d/", 0, b""),
                Packed::new("clean", 8, b"nothing"),
                Packed::new("d/a", method, &file),
            ],
            wide,
        )
    };
    let twice = [gzip(b"nothing, "), gzip(&file)].concat();
    let frames = [zstd(b"nothing"), vec![0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2], zstd(&file)].concat();
    for (name, data, path, start, members) in [
        ("a.log.gz", gzip(&file), "a.log.gz!a.log", 4, 1),
        ("twice.gz", twice, "twice.gz!twice", 13, 1),
        ("a.zst", zstd(&file), "a.zst!a", 4, 1),
        ("frames.zst", frames, "frames.zst!frames", 11, 1),
        ("a.xz", xz(&file), "a.xz!a", 4, 1),
        ("stored.zip", zipped(0, false), "stored.zip!d/a", 4, 2),
        ("deflated.zip", zipped(8, false), "deflated.zip!d/a", 4, 2),
        ("wide.zip", zipped(8, true), "wide.zip!d/a", 4, 2),
        ("zstd.zip", zipped(93, false), "zstd.zip!d/a", 4, 2),
        ("xz.zip", zipped(95, false), "xz.zip!d/a", 4, 2),
        ("named.as.text", tar(&[("x", b"nothing"), ("d/a", &file)]), "named.as.text!d/a", 4, 2),
        ("a.tar.gz", gzip(&tar(&[("d/a", &file)])), "a.tar.gz!d/a", 4, 1),
        ("a.tar.zst", zstd(&tar(&[("./d/a", &file)])), "a.tar.zst!d/a", 4, 1),
        ("a.tar.xz", xz(&tar(&[("/d/a", &file)])), "a.tar.xz!d/a", 4, 1),
    ] {
        let result = scan(name, &data);
        let at = [(path.to_owned(), start, start + TOKEN.len() as u64)];
        assert_eq!(result.found, at, "{name}: {result:?}");
        assert_eq!(result.tally.seen_by.get("member"), Some(&members), "{name}");
        assert_eq!(result.tally.filtered_by.get("archive"), Some(&1), "{name}");
        assert!(result.troubles.is_empty(), "{name}: {result:?}");
    }
}

#[test]
fn archives_in_archives() {
    let inner = zip(&[Packed::new("deep/a.gz", 8, &gzip(&file()))], false);
    let middle = gzip(&tar(&[("other", &file()), ("in.zip", &inner)]));
    let outer = zip(&[Packed::new("m.tar.gz", 0, &middle), Packed::new("last", 8, &file())], false);
    let result = scan("o.jar", &outer);
    let paths = ["o.jar!m.tar.gz!other", "o.jar!m.tar.gz!in.zip!deep/a.gz!a", "o.jar!last"];
    assert_eq!(result.paths(), paths, "{result:?}");
    assert!(result.troubles.is_empty());
    let closed = scan_with("o.jar", &outer, Options { archives: false, ..Options::default() });
    assert_eq!(closed.tally.seen_by.len(), 1, "{closed:?}");
}

#[test]
fn names_of_tar_may_be_long() {
    let long = format!("{}/name", "d".repeat(300));
    let pax = |line: &str| format!("{} {line}", line.len() + 4).into_bytes();
    let line = format!("path={long}\n");
    let mut all = member(b"ignored", b'x', &pax(&line));
    all.extend(member(b"short", b'0', &file()));
    all.extend(member(b"././@LongLink", b'L', format!("{long}\0").as_bytes()));
    all.extend(member(b"short", b'0', &file()));
    all.extend(member(b"folder/", b'5', b""));
    all.extend(member(b"link", b'2', b""));
    all.extend(member(b"plain", b'0', &file()));
    let result = scan("a.tar", &all);
    let long = format!("a.tar!{long}");
    assert_eq!(result.paths(), [&long, &long, "a.tar!plain"], "{result:?}");
    assert!(result.troubles.is_empty(), "no end is fine: {result:?}");
}

#[test]
fn rules_and_lists_see_names_of_members() {
    let file = file();
    let data = zip(&[Packed::new("secret.key", 0, b"x"), Packed::new("excused", 0, &file)], false);
    let result = scan("a.zip", &data);
    assert_eq!(result.paths(), ["a.zip!secret.key"], "{result:?}");
    assert_eq!(result.tally.filtered_by.get("excused"), Some(&1));
    assert_eq!(scan("secret.key.gz", &gzip(b"x")).paths(), ["secret.key.gz!secret.key"]);
}

#[test]
fn what_is_not_opened_is_said() {
    let mut encrypted = Packed::new("a", 8, b"x");
    encrypted.encrypted = true;
    let data = zip(&[encrypted, Packed::new("b", 98, b"x"), Packed::new("c", 0, &file())], false);
    let result = scan("a.zip", &data);
    assert_eq!(result.paths(), ["a.zip!c"], "{result:?}");
    assert_eq!((result.lost("encrypted"), result.lost("archive_method")), (1, 1));
    assert!(result.troubles[0].ends_with("a.zip!a: it is encrypted; unpack it first"), "{result:?}");
    let seven = [b"7z\xbc\xaf\x27\x1c", &file()[..]].concat();
    let result = scan("a.7z", &seven);
    assert_eq!((result.paths(), result.tally.filtered_by.get("unopened")), (vec!["a.7z"], Some(&1)));
}

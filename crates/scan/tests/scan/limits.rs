//! Broken archives and bombs: told and counted, and all else is scanned.

use crate::formats::{Packed, gzip, tar, xz, zip, zstd};
use crate::support::{TOKEN, scan, scan_with};
use kernscope_scan::{Limits, Options};
use proptest::prelude::*;

#[test]
fn broken_archives_are_told_and_the_rest_is_scanned() {
    let text: Vec<u8> = (0..40_000u32).flat_map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let file = [TOKEN.as_bytes(), &text[..]].concat();
    for (name, data) in [("a.gz", gzip(&file)), ("a.xz", xz(&file)), ("a.zst", zstd(&file))] {
        let result = scan(name, &data[..data.len() / 2]);
        assert_eq!((result.lost("broken_archive"), result.troubles.len()), (1, 1), "{result:?}");
        // The decoder of zstd holds back a window, and it ends within the first: its bytes are what there is.
        let path = if name == "a.zst" { name.to_owned() } else { format!("{name}!a") };
        assert_eq!(result.paths(), [path], "what comes before is looked at");
    }
    let archive = tar(&[("a", TOKEN.as_bytes()), ("b", &file)]);
    let result = scan("a.tar", &archive[..3000]);
    assert_eq!((result.found.len(), result.lost("broken_archive")), (2, 2), "{result:?}");

    let entries = [Packed::new("a", 8, &file), Packed::new("b", 0, TOKEN.as_bytes())];
    let whole = zip(&entries, false);
    let mut wrong = whole.clone();
    wrong[31 + 20_000] ^= 1;
    let result = scan("a.zip", &wrong);
    assert_eq!(
        (result.paths(), result.lost("broken_archive")),
        (vec!["a.zip!a", "a.zip!b"], 1),
        "{result:?}"
    );
    let result = scan("a.zip", &whole[..whole.len() - 60]);
    assert_eq!(result.lost("broken_archive"), 1, "{result:?}");
    assert_eq!(result.paths(), ["a.zip"; 2], "without a directory its bytes are looked at: {result:?}");
}

#[test]
fn what_comes_before_a_break_is_looked_at_however_little_it_is() {
    let token = TOKEN.as_bytes();
    // Bytes behind the end, as padding leaves them; a stream that lacks its last bytes.
    for (name, data) in [("a.gz", gzip(token)), ("a.xz", xz(token))] {
        let result = scan(name, &[&data[..], b"garbage"].concat());
        assert_eq!((result.found.len(), result.lost("broken_archive")), (1, 1), "{name}: {result:?}");
        assert_eq!(scan(name, &[&data[..], &[0; 512]].concat()).found.len(), 1, "{name}");
        let result = scan(name, &data[..data.len() - 4]);
        assert_eq!((result.found.len(), result.lost("broken_archive")), (1, 1), "{name}: {result:?}");
    }
    // A member that ends early, and one whose sum is wrong.
    let archive = tar(&[("a", &[token, &[b' '; 100]].concat())]);
    let result = scan("a.tar", &archive[..512 + 50]);
    assert_eq!((result.paths(), result.lost("broken_archive")), (vec!["a.tar!a"], 2), "{result:?}");
    let mut wrong = zip(&[Packed::new("a", 0, &[token, b" end"].concat())], false);
    let end = wrong.windows(4).position(|bytes| bytes == b" end").expect("stored");
    wrong[end] = b'-';
    let result = scan("a.zip", &wrong);
    assert_eq!((result.paths(), result.lost("broken_archive")), (vec!["a.zip!a"], 1), "{result:?}");
}

#[test]
fn what_is_no_archive_after_all_is_looked_at_as_bytes() {
    for magic in [&b"\x1f\x8b\x08"[..], b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"BZh91AY&SY", b"PK\x03\x04"] {
        let result = scan("a", &[magic, b"\n", TOKEN.as_bytes(), &[b'\n'; 600]].concat());
        assert_eq!((result.paths(), result.lost("broken_archive")), (vec!["a"], 1), "{magic:?}: {result:?}");
    }
    let inner = [b"PK\x03\x04 ", TOKEN.as_bytes()].concat();
    let result = scan("a.tar", &tar(&[("in.zip", &inner)]));
    assert_eq!((result.paths(), result.lost("broken_archive")), (vec!["a.tar!in.zip"], 1), "{result:?}");
}

#[test]
fn a_zip_with_bytes_behind_it_is_opened() {
    let whole = zip(&[Packed::new("a", 8, TOKEN.as_bytes())], false);
    for behind in [&b"x"[..], &[0; 1000], b"PK\x05\x06"] {
        let result = scan("a.zip", &[&whole[..], behind].concat());
        assert_eq!((result.paths(), result.troubles.len()), (vec!["a.zip!a"], 0), "{result:?}");
    }
}

#[test]
fn bombs_end_early() {
    let limits = Limits { free_bytes: 1 << 20, ..Limits::default() };
    let zeros = vec![0; 2 << 20];
    let bomb = gzip(&zeros);
    let entries = [Packed::new("bomb", 8, &zeros), Packed::new("behind", 0, TOKEN.as_bytes())];
    for (name, data) in [("a.gz", bomb.clone()), ("a.zip", zip(&entries, false)), ("two.gz", gzip(&bomb))] {
        let result = scan_with(name, &data, Options { limits: limits.clone(), ..Options::default() });
        assert!(result.lost("archive_ratio") >= 1, "{result:?}");
        assert!(result.tally.bytes <= limits.free_bytes + (64 << 10), "{result:?}");
        assert_eq!(result.troubles.len(), 1, "said once: {result:?}");
        assert!(
            result.troubles[0].contains("more than 200 bytes come out for each that goes in"),
            "{result:?}"
        );
    }
}

#[test]
fn depth_and_memory_have_an_end() {
    let mut data = TOKEN.as_bytes().to_vec();
    for level in 0..=Limits::default().depth {
        let result = scan("a.gz", &data);
        assert_eq!(result.found.len(), 1, "{level}: {result:?}");
        data = gzip(&data);
    }
    let result = scan("a.gz", &data);
    assert_eq!((result.found.len(), result.lost("archive_depth")), (0, 1), "{result:?}");

    let limits = Limits { held_bytes: 1 << 16, members: 3, ..Limits::default() };
    let noise = vec![7; 1 << 16];
    let large = zip(&[Packed::new("noise", 0, &noise)], false);
    let archive =
        tar(&[("in.zip", &large), ("behind", TOKEN.as_bytes()), ("c", b""), ("d", b""), ("e", b"")]);
    let result = scan_with("a.tar", &archive, Options { limits, ..Options::default() });
    assert_eq!((result.paths(), result.lost("archive_memory")), (vec!["a.tar!behind"], 1), "{result:?}");
    assert_eq!(result.lost("archive_members"), 2, "the fourth member, and with it the archive: {result:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever is wrong with it, an archive is told of in counts that add up, and nothing panics.
    #[test]
    fn damage_is_counted(which in 0..6usize, cut in 0.0..1.0f64, hits in prop::collection::vec((0.0..1.0f64, any::<u8>()), 0..6)) {
        let file = TOKEN.repeat(30);
        let entry = |method| zip(&[Packed::new("x", method, file.as_bytes())], method == 8);
        let mut data = match which {
            0 => gzip(file.as_bytes()),
            1 => zstd(file.as_bytes()),
            2 => xz(file.as_bytes()),
            3 => tar(&[("x", file.as_bytes()), ("y", b"z")]),
            4 => entry(8),
            _ => entry(0),
        };
        for (at, byte) in hits {
            let place = (at * data.len() as f64) as usize;
            data[place] = byte;
        }
        data.truncate((cut * 1.5 * data.len() as f64) as usize);
        let result = scan("a", &data);
        prop_assert_eq!(result.lost("internal"), 0);
    }
}

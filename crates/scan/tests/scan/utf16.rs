//! UTF-16: found, with the offsets of the file as it is.

use crate::formats::gzip;
use crate::support::{TOKEN, scan};
use kernscope_scan::BUFFER_BYTES;

fn utf16(text: &str, little: bool) -> Vec<u8> {
    let turn = |unit: u16| if little { unit.to_le_bytes() } else { unit.to_be_bytes() };
    text.encode_utf16().flat_map(turn).collect()
}

#[test]
fn offsets_are_those_of_the_file() {
    // Characters of every length, and more than one buffer of them.
    let long = "aé€😀 ".repeat(BUFFER_BYTES / 10);
    for (front, mark) in [("", true), ("key = the value of it\r\n", false), (&long, true)] {
        for little in [true, false] {
            let text = format!("{}{front}{TOKEN} {TOKEN}\r\n", if mark { "\u{feff}" } else { "" });
            let data = utf16(&text, little);
            let first = text.find(TOKEN).expect("there");
            let places = [first, first + TOKEN.len() + 1].map(|at| {
                let start = utf16(&text[..at], little).len() as u64;
                ("a.txt".to_owned(), start, start + 2 * TOKEN.len() as u64)
            });
            let result = scan("a.txt", &data);
            assert_eq!(result.found, places, "{little} {mark}");
        }
    }
}

#[test]
fn it_is_found_in_archives_and_beside_what_is_not() {
    let text = utf16(&format!("key = {TOKEN}\n"), true);
    let result = scan("a.gz", &gzip(&text));
    assert_eq!(result.found, [("a.gz!a".to_owned(), 12, 54)]);
    let binary = [&[0, 1, 2, 0xff, 0xfe, 0][..], TOKEN.as_bytes(), &[0; 100]].concat();
    assert_eq!(scan("a.bin", &binary).found, [("a.bin".to_owned(), 6, 27)]);
}

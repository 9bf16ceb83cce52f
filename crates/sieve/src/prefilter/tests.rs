use super::*;
use proptest::prelude::*;

/// Where literals are, by looking everywhere.
fn naive(literals: &[Vec<u8>], data: &[u8]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (number, literal) in literals.iter().enumerate().filter(|(_, literal)| !literal.is_empty()) {
        let windows = data.windows(literal.len()).enumerate();
        let equal = windows.filter(|(_, here)| here.eq_ignore_ascii_case(literal));
        found.extend(equal.map(|(at, _)| (number, at)));
    }
    found.sort_unstable();
    found
}

fn found(prefilter: &Prefilter, data: &[u8]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    prefilter.find(data, &mut |number, at| found.push((number, at)));
    found.sort_unstable();
    found
}

/// Bytes that fold into each other, nearly do, or are beyond ASCII.
fn byte() -> impl Strategy<Value = u8> {
    prop::sample::select(&b"aAbBkK@`[{_ 0P\x00\x20\x7f\xc5\xe5\xff"[..])
}

proptest! {
    #[test]
    fn every_level_finds_what_is_there(
        literals in prop::collection::vec(prop::collection::vec(byte(), 0..9), 0..40),
        data in prop::collection::vec(byte(), 0..400),
    ) {
        let right = naive(&literals, &data);
        for level in Level::all() {
            let prefilter = Prefilter::new(&literals).with_level(level);
            prop_assert_eq!(&found(&prefilter, &data), &right, "{:?}", level);
            prop_assert_eq!(prefilter.rejects(&data), right.is_empty(), "{:?}", level);
        }
    }
}

#[test]
fn at_every_distance_from_the_ends() {
    for literal in ["k", "Q~", "key", "akia", "glpat-", "-----begin rsa private key"] {
        for level in Level::all() {
            let prefilter = Prefilter::new([literal, "other"]).with_level(level);
            for len in literal.len()..200 {
                for at in [0, 1, len / 2, len - literal.len()] {
                    let at = at.min(len - literal.len());
                    let mut data = vec![b'.'; len];
                    data[at..at + literal.len()].copy_from_slice(literal.to_ascii_uppercase().as_bytes());
                    assert_eq!(found(&prefilter, &data), [(0, at)], "{literal} at {at} of {len}, {level:?}");
                }
            }
        }
    }
}

#[test]
fn a_literal_that_is_there_twice_is_told_twice() {
    let prefilter = Prefilter::new(["same", "SAME", ""]);
    assert_eq!(found(&prefilter, b"a same"), [(0, 2), (1, 2)]);
}

//! Limits are errors or counts.

use crate::cover::{case, cover};
use crate::random::Random;
use kernscope_sieve::frequency::{Exceed, Filter, LimitError, Limits, ReadError, Tally};
use std::io;

fn filter(limits: Limits) -> Filter {
    Filter::builder().at_least(b'x', 1).window(4).limits(limits).build().expect("is a filter")
}

const DATA: &[u8] = b"x........xxxxxxxxxxxxxxxxx........x........x";

#[test]
fn a_large_region_is_an_error() {
    let filter = filter(Limits { region_bytes: Some(12), ..Limits::default() });
    let mut regions = filter.limited(DATA);
    assert_eq!(regions.next(), Some(Ok(0..4)));
    let error = regions.next().expect("an error").expect_err("too large");
    assert_eq!(error, LimitError::Region { start: 6, most: 12 });
    assert_eq!(
        error.to_string(),
        "find regions: the one at byte 6 is larger than 12 bytes; raise region_bytes, or let it be cut by exceed = count"
    );
    assert_eq!(regions.next(), None);
}

#[test]
fn too_many_regions_are_an_error() {
    let filter = filter(Limits { regions: Some(2), ..Limits::default() });
    let found: Vec<_> = filter.limited(DATA).collect();
    assert_eq!(found, [Ok(0..4), Ok(6..29), Err(LimitError::Regions { start: 31, most: 2 })]);
    let last = filter.read(DATA).last().expect("an error").expect_err("too many");
    assert!(matches!(last, ReadError::Limit(LimitError::Regions { start: 31, most: 2 })));
}

#[test]
fn what_is_beyond_is_counted() {
    let filter = filter(Limits { region_bytes: Some(12), regions: Some(4), exceed: Exceed::Count });
    let mut regions = filter.limited(DATA);
    let found: Vec<_> = regions.by_ref().map(|region| region.expect("only counted")).collect();
    assert_eq!(found, [0..4, 6..18, 15..27, 24..29]);
    let told = Tally { regions: 4, bytes: 33, cut: 2, withheld: 2, withheld_bytes: 11 };
    assert_eq!(regions.tally(), told);
    let mut read = filter.read(DATA);
    assert_eq!(read.by_ref().filter_map(Result::ok).count(), 4);
    assert_eq!(read.tally(), told);
}

/// Each window that meets the thresholds is whole in one piece, and no piece is larger than allowed.
#[test]
fn pieces_hold_every_window() {
    let mut random = Random(5);
    for _ in 0..300 {
        let (plain, data) = case(&mut random);
        let window = plain.window();
        let most = u64::from(2 * window) + random.below(50) as u64;
        let limits = Limits { region_bytes: Some(most), exceed: Exceed::Count, ..Limits::default() };
        let needed: u32 = plain.thresholds().iter().map(|&(_, min)| min).sum();
        if plain.thresholds().is_empty() || needed > window || data.len() < window as usize {
            continue;
        }
        let builder = Filter::builder().window(window).limits(limits);
        let builder =
            plain.thresholds().iter().fold(builder, |builder, &(byte, min)| builder.at_least(byte, min));
        let filter = builder.build().expect("is a filter");
        let pieces: Vec<_> = filter.limited(&data).map(|piece| piece.expect("only cut")).collect();
        assert!(pieces.iter().all(|piece| piece.len() as u64 <= most));
        for region in cover(&plain, &data) {
            for start in region.start..=region.end - window as usize {
                let whole = start..start + window as usize;
                assert!(
                    pieces.iter().any(|piece| piece.start <= whole.start && whole.end <= piece.end),
                    "{whole:?} of {region:?} is in none of {pieces:?}"
                );
            }
        }
    }
}

/// A region without end is told in pieces as it is read.
#[test]
fn endless_data_is_told_in_pieces() {
    let filter = filter(Limits { region_bytes: Some(1 << 20), exceed: Exceed::Count, ..Limits::default() });
    let mut regions = filter.read(io::repeat(b'x'));
    let third = regions.nth(2).expect("a region").expect("only cut");
    assert_eq!(third, 2 * ((1 << 20) - 3)..3 * (1 << 20) - 6);
    assert_eq!(regions.tally().cut, 3);
}

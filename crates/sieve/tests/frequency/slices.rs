//! Data in one piece.

use crate::cover::{case, cover};
use crate::random::Random;
use kernscope_sieve::Level;
use kernscope_sieve::frequency::Filter;

#[test]
fn random_windows_on_every_level() {
    let mut random = Random(1);
    for _ in 0..1_500 {
        let (filter, data) = case(&mut random);
        let right = cover(&filter, &data);
        for level in Level::all() {
            let filter = filter.clone().with_level(level);
            let found: Vec<_> = filter.regions(&data).collect();
            assert_eq!(found, right, "{filter:?} on {}", data.escape_ascii());
            assert_eq!(filter.is_match(&data), !right.is_empty());
        }
    }
}

#[test]
fn one_byte_at_every_distance_from_the_ends() {
    let filter = Filter::builder().at_least(b'x', 2).window(70).build().expect("is a filter");
    for len in 60..210 {
        for (first, second) in [(0, 1), (0, 69), (0, 70), (3, 67), (len - 2, len - 1), (len / 2, len - 1)] {
            let mut data = vec![b'.'; len];
            (data[first], data[second.min(len - 1)]) = (b'x', b'x');
            let found: Vec<_> = filter.regions(&data).collect();
            assert_eq!(found, cover(&filter, &data), "{first} and {second} of {len}");
        }
    }
}

/// More than one stretch between samples, in which different bytes are rare, and a run longer than is told at once.
#[test]
fn long_data_whose_rare_byte_changes() {
    let part = 3 << 19;
    let mut data = [vec![b'a'; part], vec![b'b'; part], vec![b'.'; part]].concat();
    data[part..part + 3].copy_from_slice(b"aab");
    let len = data.len();
    data[len - 40..len - 36].copy_from_slice(b"abab");
    let filter =
        Filter::builder().at_least(b'a', 2).at_least(b'b', 2).window(10).build().expect("is a filter");
    for level in Level::all() {
        let found: Vec<_> = filter.clone().with_level(level).regions(&data).collect();
        assert_eq!(found, [part - 6..part + 10, len - 46..len - 30], "{level:?}");
        let all_a = Filter::builder().at_least(b'a', 5).window(9).build().expect("is a filter");
        let found: Vec<_> = all_a.with_level(level).regions(&data).collect();
        assert_eq!(found, std::slice::from_ref(&(0..part + 6)), "{level:?}");
    }
}

#[test]
fn regions_are_found_as_they_are_asked_for() {
    let data = b"..x....x..".repeat(1000);
    let filter = Filter::builder().at_least(b'x', 1).window(2).build().expect("is a filter");
    let mut regions = filter.regions(&data);
    assert_eq!(regions.next(), Some(1..4));
    assert_eq!(regions.next(), Some(6..9));
    assert_eq!(regions.count(), 1998);
}

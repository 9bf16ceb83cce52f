//! Every level gives what the plain one gives.

use super::*;
use proptest::prelude::*;

struct Equal<'a>(&'a [u8; BLOCK], u8);

impl Op for Equal<'_> {
    type Output = u64;
    #[inline(always)]
    fn run<V: Vector>(self, vector: V) -> u64 {
        vector.equal(self.0, self.1)
    }
}

struct Reaches(u64, u64, i8);

impl Op for Reaches {
    type Output = u64;
    #[inline(always)]
    fn run<V: Vector>(self, vector: V) -> u64 {
        vector.reaches(self.0, self.1, self.2)
    }
}

fn block() -> impl Strategy<Value = [u8; BLOCK]> {
    // Few values, neighbours among them, so that there is something to find and to mistake for it.
    let byte = proptest::sample::select(&[0u8, 1, 0x7e, 0x7f, 0x80, 0x81, 0xfe, 0xff][..]);
    proptest::collection::vec(byte, BLOCK).prop_map(|bytes| bytes.try_into().expect("64 bytes"))
}

fn mask() -> impl Strategy<Value = u64> {
    prop_oneof![any::<u64>(), Just(0), Just(u64::MAX), (any::<u64>(), any::<u64>()).prop_map(|(a, b)| a & b)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn equal_is_a_comparison_of_each_byte(block in block(), byte in proptest::sample::select(&[0u8, 1, 0x7f, 0x80, 0xff, b'a'][..])) {
        let expected = block.iter().rev().fold(0, |mask, &here| mask << 1 | u64::from(here == byte));
        for level in Level::all() {
            prop_assert_eq!(level.run(Equal(&block, byte)), expected, "{:?}", level);
        }
    }

    #[test]
    fn reaches_is_a_count_below_each_bit(enter in mask(), leave in mask(), need in -64i8..=64) {
        let below = |mask: u64, bit: u32| i64::from((mask & ((1 << bit) - 1)).count_ones());
        let expected = (0..64)
            .filter(|&bit| below(enter, bit) - below(leave, bit) >= i64::from(need))
            .fold(0, |mask, bit| mask | 1 << bit);
        for level in Level::all() {
            prop_assert_eq!(level.run(Reaches(enter, leave, need)), expected, "{:?}", level);
        }
    }
}

#[test]
fn the_best_level_is_the_last_of_all() {
    assert_eq!(Level::all().last(), Some(&Level::best()));
}

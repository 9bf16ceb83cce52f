//! What a byte-frequency filter must say, one window after the other, and cases to ask it about.

use super::random::Random;
use kernscope_kit::compile::{Content, oracle};
use kernscope_sieve::frequency::Filter;
use std::ops::Range;

/// The bytes of all windows that meet the thresholds, as ranges that neither overlap nor touch.
pub(crate) fn cover(filter: &Filter, data: &[u8]) -> Vec<Range<usize>> {
    let content = Content::Thresholds { counts: filter.thresholds().to_vec(), window: filter.window() };
    let window = data.len().min(filter.window() as usize);
    let mut regions: Vec<Range<usize>> = Vec::new();
    for start in 0..=data.len() - window {
        let end = start + window;
        if oracle::matches(&content, &data[start..end]) {
            match regions.last_mut() {
                Some(last) if start <= last.end => last.end = end,
                _ => regions.push(start..end),
            }
        }
    }
    regions
}

/// A filter and data that are a near thing for it: counts about as often as chance gives them.
pub(crate) fn case(random: &mut Random) -> (Filter, Vec<u8>) {
    let window = match random.below(8) {
        0 => random.within(1, 4),
        1..5 => random.within(1, 80),
        5 | 6 => random.within(60, 200),
        _ => random.pick(&[63, 64, 65, 127, 128, 129, 192, 256, 300]),
    };
    let alphabet = random.pick(&[
        &b"ab"[..],
        b"abcdefghijklmnop",
        b"a.......b.......c...............",
        b"\0\xff\x80\x7f",
    ]);
    let len = match random.below(10) {
        0 => random.below(window + 2),
        _ => window + random.within(0, 400),
    };
    let mut data = random.bytes(alphabet, len);
    for _ in 0..random.below(4) {
        // A stretch with more of one byte.
        let (start, byte) = (random.below(len + 1), random.pick(alphabet));
        let end = len.min(start + random.below(window + 20));
        data[start..end].iter_mut().for_each(|here| *here = if random.below(3) == 0 { byte } else { *here });
    }
    let counts = (0..random.within(1, 4)).map(|_| {
        let byte = random.pick(alphabet);
        let share = alphabet.iter().filter(|&&each| each == byte).count() * window / alphabet.len();
        (byte, random.within(0, share + 2 + window / 16) as u32)
    });
    let counts = counts.collect();
    let filter = Filter::from_content(&Content::Thresholds { counts, window: window as u32 });
    (filter.expect("has a window"), data)
}

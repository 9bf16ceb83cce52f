//! How common each byte is, so that a filter looks for the rarest part of what it seeks.
//!
//! Measured over 349 MB of text that people wrote (Rust, C, Python, Markdown, JSON, HTML and more), byte by byte and byte
//! after byte: "tion" is far more common than its letters are. Zero bytes, rare in text, are taken for one in sixteen:
//! they are what binary data is full of. A wrong guess here costs time and never an answer.

use super::byteset::ByteSet;
use std::sync::LazyLock;

/// Written by the example `byte_pairs`: 256 rarities of bytes, then 65,536 of each byte after another. A rarity is -16
/// log2 of a share, at most 255.
static RARITIES: &[u8; 65_792] = include_bytes!("byte_pairs.bin");

/// Rarity of a zero byte.
const ZERO: u32 = 64;
/// Rarity of a zero byte after another.
const ZERO_AFTER_ZERO: u32 = 8;

/// What a byte of random data tells, in sixteenths of a bit.
const RANDOM: u32 = 128;

/// Sixteenths of a bit that seeing this byte tells.
pub(super) fn rarity(byte: u8) -> u32 {
    if byte == 0 { ZERO } else { u32::from(RARITIES[usize::from(byte)]) }
}

/// The same for a byte whose case does not matter.
pub(super) fn rarity_folded(byte: u8) -> u32 {
    let (lower, upper) = (rarity(byte.to_ascii_lowercase()), rarity(byte.to_ascii_uppercase()));
    let share = |sixteenths: u32| (-f64::from(sixteenths) / 16.0).exp2();
    if byte.is_ascii_alphabetic() {
        (-16.0 * (share(lower) + share(upper)).log2()) as u32
    } else {
        rarity(byte)
    }
}

/// Share of positions at which these bytes are expected: in text, but in random data every byte is one in 256.
pub fn share(bytes: &[u8], fold: bool) -> f64 {
    let Some((&first, rest)) = bytes.split_first() else { return 1.0 };
    let mut ends = cases(first, fold).map(|byte| (byte, at_least_random(rarity(byte))));
    let mut known = if ends[0].0 == ends[1].0 { 1 } else { 2 };
    for &byte in rest {
        let next = cases(byte, fold);
        let from = |byte: u8| ends[..known].iter().map(|&(last, share)| share * after(last, byte)).sum();
        ends = next.map(|byte| (byte, from(byte)));
        known = if next[0] == next[1] { 1 } else { 2 };
    }
    ends[..known].iter().map(|(_, share)| share).sum::<f64>().min(1.0)
}

/// A byte, and of a letter whose case does not matter the other case.
fn cases(byte: u8, fold: bool) -> [u8; 2] {
    if fold { [byte.to_ascii_uppercase(), byte.to_ascii_lowercase()] } else { [byte; 2] }
}

/// Share of positions from which on each byte is one of its set. Where any byte may be, at either end, nothing is told.
pub(super) fn share_of(sets: &[ByteSet]) -> f64 {
    let tells = |set: &ByteSet| *set != ByteSet::FULL;
    let told = sets.iter().position(tells).zip(sets.iter().rposition(tells));
    let Some((first, rest)) = told.and_then(|(first, last)| sets[first..=last].split_first()) else {
        return 1.0;
    };
    let mut ends: Vec<(u8, f64)> = first.iter().map(|byte| (byte, at_least_random(rarity(byte)))).collect();
    for set in rest {
        let from = |byte: u8| ends.iter().map(|&(last, share)| share * after(last, byte)).sum();
        ends = set.iter().map(|byte| (byte, from(byte))).collect();
    }
    ends.iter().map(|(_, share)| share).sum::<f64>().min(1.0)
}

/// Share of the positions after a `last` that have a `byte`.
fn after(last: u8, byte: u8) -> f64 {
    let rarity = RARITIES[256 + usize::from(last) * 256 + usize::from(byte)];
    at_least_random(if (last, byte) == (0, 0) { ZERO_AFTER_ZERO } else { u32::from(rarity) })
}

/// The share that a rarity stands for, but not below that of random data.
fn at_least_random(rarity: u32) -> f64 {
    static SHARES: LazyLock<[f64; RANDOM as usize + 1]> =
        LazyLock::new(|| std::array::from_fn(|rarity| (-(rarity as f64) / 16.0).exp2()));
    SHARES[rarity.min(RANDOM) as usize]
}

/// Share of bytes of source text that are this one.
pub(super) fn share_in_text(byte: u8) -> f64 {
    (-f64::from(rarity(byte)) / 16.0).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_sets_of_one_or_of_both_cases() {
        for bytes in [&b""[..], b"a", b"Zz", b"key=", b"\0\0\0", b"aB3_\xffq"] {
            for fold in [false, true] {
                let sets: Vec<ByteSet> = bytes.iter().map(|&byte| ByteSet::of(byte, fold)).collect();
                assert_eq!(share(bytes, fold), share_of(&sets), "{bytes:?}, {fold}");
            }
        }
    }
}

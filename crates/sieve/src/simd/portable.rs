//! Eight bytes in a register: for CPUs without vectors that are known here.

use super::{BLOCK, Columns, Vector, WINDOW};

/// No vectors.
#[derive(Clone, Copy)]
pub(super) struct Portable;

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;
/// Brings the lowest bits of eight bytes together in the highest byte.
const GATHER: u64 = 0x0102_0408_1020_4080;

impl Vector for Portable {
    #[inline(always)]
    fn equal(self, block: &[u8; BLOCK], byte: u8) -> u64 {
        let wanted = LOW * u64::from(byte);
        let (words, _) = block.as_chunks::<8>();
        let mut mask = 0;
        for (place, &word) in words.iter().enumerate() {
            let differs = u64::from_le_bytes(word) ^ wanted;
            // The high bit of each byte that is not zero; no carry passes from one byte to the next.
            let other = ((differs & !HIGH) + !HIGH) | differs;
            let equal = (!other & HIGH) >> 7;
            mask |= (equal.wrapping_mul(GATHER) >> 56) << (8 * place);
        }
        mask
    }

    #[inline(always)]
    fn reaches(self, enter: u64, leave: u64, need: i8) -> u64 {
        walk(enter, leave, need)
    }

    #[inline(always)]
    fn windows(self, columns: &Columns, data: &[u8; BLOCK + WINDOW]) -> u64 {
        let takes = |place: usize, at: usize| columns.bytes[place][usize::from(data[at + place])];
        let taken = |at: usize| (0..WINDOW).fold(u16::MAX, |buckets, place| buckets & takes(place, at));
        (0..BLOCK).fold(0, |mask, at| mask | u64::from(taken(at) != 0) << at)
    }
}

/// [`Vector::reaches`], one change after the other: fast where there are few.
#[inline(always)]
pub(super) fn walk(enter: u64, leave: u64, need: i8) -> u64 {
    let mut changes = enter ^ leave;
    let (mut above, mut mask, mut from) = (-i32::from(need), 0u64, 0u32);
    while changes != 0 {
        let at = changes.trailing_zeros();
        if above >= 0 {
            mask |= bits(from, at + 1);
        }
        above += if enter >> at & 1 == 1 { 1 } else { -1 };
        from = at + 1;
        changes &= changes - 1;
    }
    if above >= 0 {
        mask |= bits(from, 64);
    }
    mask
}

/// The bits from `from` up to, not including, `to`.
#[inline(always)]
fn bits(from: u32, to: u32) -> u64 {
    let below = |end: u32| if end >= 64 { u64::MAX } else { (1 << end) - 1 };
    below(to) & !below(from)
}

/// In each byte, the bits below its own place, which is that of a bit in eight.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(super) const LOWER_BITS: u64 = 0x7f3f_1f0f_0703_0100;

/// Byte `q` of the result is how many bits of the mask are set in bytes below `q`.
#[inline(always)]
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(super) fn lower_bytes(mask: u64) -> u64 {
    const PAIRS: u64 = 0x5555_5555_5555_5555;
    const FOURS: u64 = 0x3333_3333_3333_3333;
    let pairs = mask - (mask >> 1 & PAIRS);
    let fours = (pairs & FOURS) + (pairs >> 2 & FOURS);
    let bytes = (fours + (fours >> 4)) & (0x0f * LOW);
    bytes.wrapping_mul(LOW) << 8
}

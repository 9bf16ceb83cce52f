//! AVX2: 32 bytes at a time.

use super::{BLOCK, Columns, Op, Vector, WINDOW, portable};
use std::arch::x86_64::*;

/// AVX2, and the bit instructions that every CPU with it has. Made in [`run`] alone.
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

pub(super) fn detected() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt")
}

/// Runs a loop.
///
/// # Safety
/// [`detected`] must have been true.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) unsafe fn run<O: Op>(op: O) -> O::Output {
    op.run(Avx2(()))
}

/// How many bits are set in a half byte.
const NIBBLE: [u8; 16] = [0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4];

impl Vector for Avx2 {
    #[inline(always)]
    fn equal(self, block: &[u8; BLOCK], byte: u8) -> u64 {
        // SAFETY: an `Avx2` exists only where the CPU has the instructions; both reads are inside the block.
        unsafe {
            let wanted = _mm256_set1_epi8(byte.cast_signed());
            let low = _mm256_loadu_si256(block.as_ptr().cast());
            let high = _mm256_loadu_si256(block.as_ptr().add(32).cast());
            let low = _mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted)).cast_unsigned();
            let high = _mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted)).cast_unsigned();
            u64::from(low) | u64::from(high) << 32
        }
    }

    #[inline(always)]
    fn reaches(self, enter: u64, leave: u64, need: i8) -> u64 {
        // SAFETY: an `Avx2` exists only where the CPU has the instructions.
        unsafe {
            let least = _mm256_set1_epi8(need - 1);
            let low = _mm256_sub_epi8(below(enter, FIRST), below(leave, FIRST));
            let high = _mm256_sub_epi8(below(enter, SECOND), below(leave, SECOND));
            let low = _mm256_movemask_epi8(_mm256_cmpgt_epi8(low, least)).cast_unsigned();
            let high = _mm256_movemask_epi8(_mm256_cmpgt_epi8(high, least)).cast_unsigned();
            u64::from(low) | u64::from(high) << 32
        }
    }

    #[inline(always)]
    fn windows(self, columns: &Columns, data: &[u8; BLOCK + WINDOW]) -> u64 {
        // SAFETY: an `Avx2` exists only where the CPU has the instructions; 32 bytes are read from each of the first
        // `WINDOW` of either half of the block, which has `WINDOW` bytes behind it.
        unsafe {
            let low = taken(columns, data.as_ptr());
            let high = taken(columns, data.as_ptr().add(32));
            u64::from(low) | u64::from(high) << 32
        }
    }
}

/// The same for 32 windows.
///
/// # Safety
/// The CPU must have AVX2, and `32 + WINDOW` bytes must be readable.
#[inline(always)]
unsafe fn taken(columns: &Columns, data: *const u8) -> u32 {
    // SAFETY: the caller's; tables have 16 bytes.
    unsafe {
        let table = |table: &[u8; 16]| _mm256_broadcastsi128_si256(_mm_loadu_si128(table.as_ptr().cast()));
        let nibble = _mm256_set1_epi8(0x0f);
        let mut buckets = [_mm256_set1_epi8(-1); 2];
        for (place, halves) in columns.nibbles.iter().enumerate() {
            let bytes = _mm256_loadu_si256(data.add(place).cast());
            let low = _mm256_and_si256(bytes, nibble);
            let high = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), nibble);
            for (taken, [lows, highs]) in buckets.iter_mut().zip(halves) {
                let both = _mm256_and_si256(
                    _mm256_shuffle_epi8(table(lows), low),
                    _mm256_shuffle_epi8(table(highs), high),
                );
                *taken = _mm256_and_si256(*taken, both);
            }
        }
        let none = _mm256_cmpeq_epi8(_mm256_or_si256(buckets[0], buckets[1]), _mm256_setzero_si256());
        !_mm256_movemask_epi8(none).cast_unsigned()
    }
}

/// Bytes of a mask that the lower and the higher half of the result are for, each eight times.
const FIRST: [u64; 4] = [0, 0x0101_0101_0101_0101, 0x0202_0202_0202_0202, 0x0303_0303_0303_0303];
const SECOND: [u64; 4] =
    [0x0404_0404_0404_0404, 0x0505_0505_0505_0505, 0x0606_0606_0606_0606, 0x0707_0707_0707_0707];

/// For half of the bits of a mask: how many are set below each.
///
/// # Safety
/// The CPU must have AVX2.
#[inline(always)]
unsafe fn below(mask: u64, half: [u64; 4]) -> __m256i {
    // SAFETY: the caller's; arrays are read that have 32 and 16 bytes.
    unsafe {
        let half = _mm256_loadu_si256(half.as_ptr().cast());
        let nibbles = _mm256_broadcastsi128_si256(_mm_loadu_si128(NIBBLE.as_ptr().cast()));
        let lower = _mm256_set1_epi64x(portable::lower_bytes(mask).cast_signed());
        let lower = _mm256_shuffle_epi8(lower, half);
        let own = _mm256_shuffle_epi8(_mm256_set1_epi64x(mask.cast_signed()), half);
        let own = _mm256_and_si256(own, _mm256_set1_epi64x(portable::LOWER_BITS.cast_signed()));
        let nibble = _mm256_set1_epi8(0x0f);
        let few = _mm256_shuffle_epi8(nibbles, _mm256_and_si256(own, nibble));
        let more = _mm256_shuffle_epi8(nibbles, _mm256_and_si256(_mm256_srli_epi16::<4>(own), nibble));
        _mm256_add_epi8(_mm256_add_epi8(few, more), lower)
    }
}

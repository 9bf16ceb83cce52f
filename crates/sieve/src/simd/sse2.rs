//! What every x86-64 has.

use super::{BLOCK, Columns, Vector, WINDOW, portable};
use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8};

/// SSE2.
#[derive(Clone, Copy)]
pub(super) struct Sse2;

impl Vector for Sse2 {
    #[inline(always)]
    fn equal(self, block: &[u8; BLOCK], byte: u8) -> u64 {
        let (quarters, _) = block.as_chunks::<16>();
        let mut mask = 0;
        for (place, quarter) in quarters.iter().enumerate() {
            // SAFETY: every x86-64 has SSE2; sixteen bytes are read, at any alignment.
            let equal = unsafe {
                let bytes = _mm_loadu_si128(quarter.as_ptr().cast());
                _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte.cast_signed())))
            };
            mask |= u64::from(equal.cast_unsigned()) << (16 * place);
        }
        mask
    }

    #[inline(always)]
    fn reaches(self, enter: u64, leave: u64, need: i8) -> u64 {
        portable::walk(enter, leave, need)
    }

    #[inline(always)]
    fn windows(self, columns: &Columns, data: &[u8; BLOCK + WINDOW]) -> u64 {
        portable::Portable.windows(columns, data)
    }
}

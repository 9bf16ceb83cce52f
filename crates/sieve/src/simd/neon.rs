//! NEON: 16 bytes at a time, on every aarch64.

use super::{BLOCK, Columns, Vector, WINDOW, portable};
use std::arch::aarch64::*;

/// NEON.
#[derive(Clone, Copy)]
pub(super) struct Neon;

/// The place of a byte in eight, as a bit.
const PLACES: u64 = 0x8040_2010_0804_0201;

impl Vector for Neon {
    #[inline(always)]
    fn equal(self, block: &[u8; BLOCK], byte: u8) -> u64 {
        let at = block.as_ptr();
        // SAFETY: the four reads are inside the block; every aarch64 that std supports has NEON.
        unsafe {
            let wanted = vdupq_n_u8(byte);
            gather([
                vceqq_u8(vld1q_u8(at), wanted),
                vceqq_u8(vld1q_u8(at.add(16)), wanted),
                vceqq_u8(vld1q_u8(at.add(32)), wanted),
                vceqq_u8(vld1q_u8(at.add(48)), wanted),
            ])
        }
    }

    #[inline(always)]
    fn reaches(self, enter: u64, leave: u64, need: i8) -> u64 {
        // SAFETY: every aarch64 that std supports has NEON.
        unsafe {
            let (enter, leave) = (below(enter), below(leave));
            let need = vdupq_n_s8(need);
            let quarter = |at: usize| vcgeq_s8(vreinterpretq_s8_u8(vsubq_u8(enter[at], leave[at])), need);
            gather([quarter(0), quarter(1), quarter(2), quarter(3)])
        }
    }

    #[inline(always)]
    fn windows(self, columns: &Columns, data: &[u8; BLOCK + WINDOW]) -> u64 {
        portable::Portable.windows(columns, data)
    }
}

/// One bit of each byte.
///
/// # Safety
/// The CPU must have NEON.
#[inline(always)]
unsafe fn gather(equal: [uint8x16_t; 4]) -> u64 {
    // SAFETY: the caller's.
    unsafe {
        let places = vreinterpretq_u8_u64(vdupq_n_u64(PLACES));
        let [a, b, c, d] = [
            vandq_u8(equal[0], places),
            vandq_u8(equal[1], places),
            vandq_u8(equal[2], places),
            vandq_u8(equal[3], places),
        ];
        let sums = vpaddq_u8(vpaddq_u8(a, b), vpaddq_u8(c, d));
        vgetq_lane_u64::<0>(vreinterpretq_u64_u8(vpaddq_u8(sums, sums)))
    }
}

/// Byte `j` of the result is how many bits of the mask are set below bit `j`.
///
/// # Safety
/// The CPU must have NEON.
#[inline(always)]
unsafe fn below(mask: u64) -> [uint8x16_t; 4] {
    // SAFETY: the caller's.
    unsafe {
        let bits = vreinterpretq_u8_u64(vdupq_n_u64(portable::LOWER_BITS));
        let own = vreinterpretq_u8_u64(vdupq_n_u64(mask));
        let lower = vreinterpretq_u8_u64(vdupq_n_u64(portable::lower_bytes(mask)));
        let mut quarters = [own; 4];
        for (place, quarter) in quarters.iter_mut().enumerate() {
            // The number of the byte, eight times, and of the next one.
            let first = vdupq_n_u8(2 * place as u8);
            let second =
                vreinterpretq_u8_u64(vcombine_u64(vcreate_u64(0), vcreate_u64(0x0101_0101_0101_0101)));
            let byte = vaddq_u8(first, second);
            let counted = vcntq_u8(vandq_u8(vqtbl1q_u8(own, byte), bits));
            *quarter = vaddq_u8(counted, vqtbl1q_u8(lower, byte));
        }
        quarters
    }
}

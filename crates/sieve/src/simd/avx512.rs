//! AVX-512 as of Ice Lake and Zen 4: 64 bytes at a time, and bits counted in vectors.

use super::{BLOCK, Columns, Op, Vector, WINDOW, portable};
use std::arch::x86_64::*;

/// AVX-512. Made in [`run`] alone.
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

pub(super) fn detected() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("avx512bitalg")
        && is_x86_feature_detected!("avx512vpopcntdq")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt")
}

/// Runs a loop.
///
/// # Safety
/// [`detected`] must have been true.
#[target_feature(
    enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512bitalg,avx512vpopcntdq,bmi1,bmi2,lzcnt,popcnt"
)]
pub(super) unsafe fn run<O: Op>(op: O) -> O::Output {
    op.run(Avx512(()))
}

impl Vector for Avx512 {
    #[inline(always)]
    fn equal(self, block: &[u8; BLOCK], byte: u8) -> u64 {
        // SAFETY: an `Avx512` exists only where the CPU has the instructions; the block has the 64 bytes that are read.
        unsafe {
            let bytes = _mm512_loadu_si512(block.as_ptr().cast());
            _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(byte.cast_signed()))
        }
    }

    #[inline(always)]
    fn reaches(self, enter: u64, leave: u64, need: i8) -> u64 {
        // SAFETY: an `Avx512` exists only where the CPU has the instructions.
        unsafe {
            let more = _mm512_sub_epi8(below(enter), below(leave));
            _mm512_cmpge_epi8_mask(more, _mm512_set1_epi8(need))
        }
    }

    #[inline(always)]
    fn windows(self, columns: &Columns, data: &[u8; BLOCK + WINDOW]) -> u64 {
        // SAFETY: an `Avx512` exists only where the CPU has the instructions; 64 bytes are read from each of the first
        // `WINDOW` of 64 + `WINDOW`, and from arrays of 64.
        unsafe {
            let low = _mm512_set1_epi8(0x1f);
            let (mut first, mut second) = (_mm512_set1_epi8(-1), _mm512_set1_epi8(-1));
            for (place, [half, other]) in columns.codes.iter().enumerate() {
                let bytes = _mm512_loadu_si512(data.as_ptr().add(place).cast());
                // `code`: five bits of the byte, and bit 6 in place of bit 5; a look-up heeds no others.
                let codes = _mm512_ternarylogic_epi32::<0xd8>(_mm512_srli_epi16::<1>(bytes), bytes, low);
                let (half, other) =
                    (_mm512_loadu_si512(half.as_ptr().cast()), _mm512_loadu_si512(other.as_ptr().cast()));
                first = _mm512_and_si512(first, _mm512_permutexvar_epi8(codes, half));
                second = _mm512_and_si512(second, _mm512_permutexvar_epi8(codes, other));
            }
            let any = _mm512_or_si512(first, second);
            _mm512_test_epi8_mask(any, any)
        }
    }
}

/// Byte `j` of the result is how many bits of the mask are set below bit `j`.
///
/// # Safety
/// The CPU must have AVX-512 BW, BITALG and VPOPCNTDQ.
#[inline(always)]
unsafe fn below(mask: u64) -> __m512i {
    // SAFETY: the caller's; arrays are read that have 64 bytes.
    unsafe {
        let word = _mm512_set1_epi64(mask.cast_signed());
        // Lane `q` is for bits 8q to 8q + 7: those in lower bytes are counted as a word, the others in each byte.
        let lower = _mm512_loadu_si512(LOWER_BYTES.as_ptr().cast());
        let lower = _mm512_popcnt_epi64(_mm512_and_si512(word, lower));
        let lower =
            _mm512_shuffle_epi8(lower, _mm512_broadcast_i32x4(_mm_set_epi64x(0x0808_0808_0808_0808, 0)));
        let own = _mm512_shuffle_epi8(word, _mm512_loadu_si512(OWN_BYTE.as_ptr().cast()));
        let own = _mm512_and_si512(own, _mm512_set1_epi64(portable::LOWER_BITS.cast_signed()));
        _mm512_add_epi8(_mm512_popcnt_epi8(own), lower)
    }
}

/// The bytes of a mask below byte `q`.
const LOWER_BYTES: [u64; 8] = each(false);
/// The number of a lane, in each of its bytes.
const OWN_BYTE: [u64; 8] = each(true);

const fn each(own: bool) -> [u64; 8] {
    let mut lanes = [0; 8];
    let mut lane = 0;
    while lane < 8 {
        lanes[lane] = if own { lane as u64 * 0x0101_0101_0101_0101 } else { (1 << (8 * lane)) - 1 };
        lane += 1;
    }
    lanes
}

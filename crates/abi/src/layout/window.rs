//! Where data lies while a generated program judges it: one value of map `WINDOW` for each CPU. The first bytes are the
//! program's own.

/// Offset of the length of the data, 8 bytes.
pub const LENGTH: i16 = 8;
/// Offset of the verdict, 8 bytes: 0 for data that matches nothing.
pub const VERDICT: i16 = 56;
/// Offset of the data.
pub const DATA: i16 = 192;
/// Most bytes of the end of a call that are looked at again with the next one of the same stream.
pub const CARRY_BYTES: u32 = 1024;
/// Bytes of a piece, and most of one event: a call of 64 KiB, as many programs make them, behind the end of the one before.
pub const PIECE_BYTES: u32 = 65_536 + CARRY_BYTES;
/// Most bytes that are judged at once: pieces grow where a call would have too many, since the kernel bounds how many there can be.
/// So 10 MiB of one call are judged. Each CPU has as much memory.
pub const MAX_BYTES: u32 = 704 * 1024;
/// Bytes of a value: of several buffers, a piece may be put behind the others before the sum is looked at.
pub const VALUE_BYTES: u32 = DATA as u32 + MAX_BYTES + PIECE_BYTES;
/// Streams of which an end is kept.
pub const CARRY_STREAMS: u32 = 4096;
/// Most bytes of a piece that are looked at again with the next one, and the share that they are of a shorter one.
pub const MOST_OVERLAP: u64 = PIECE_BYTES as u64 / OVERLAP_SHARE;
const OVERLAP_SHARE: u64 = 16;

/// Bytes at the end of a piece of `len` that are looked at again with the next one, so that what lies across is seen whole.
#[inline(always)]
pub const fn overlap(len: u64) -> u64 {
    let share = len / OVERLAP_SHARE;
    if share < MOST_OVERLAP { share } else { MOST_OVERLAP }
}

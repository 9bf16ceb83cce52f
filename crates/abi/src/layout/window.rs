//! Where data lies while a generated program judges it: one value of map `WINDOW` for each CPU. The first bytes are the
//! program's own.

/// Offset of the length of the data, 8 bytes.
pub const LENGTH: i16 = 8;
/// Offset of the verdict, 8 bytes: 0 for data that matches nothing.
pub const VERDICT: i16 = 56;
/// Offset of the data.
pub const DATA: i16 = 192;
/// Of a piece, so much is looked at again with the next one, so that what lies across is seen whole: one in so many.
pub const OVERLAP_SHARE: u64 = 16;
/// Most bytes of the end of a call that are looked at again with the next one of the same stream.
pub const CARRY_BYTES: u32 = 1024;
/// Most bytes that are judged at once: a call of 64 KiB, as many programs make them, behind the end of the one before.
pub const MAX_BYTES: u32 = 65_536 + CARRY_BYTES;
/// Streams of which an end is kept.
pub const CARRY_STREAMS: u32 = 4096;
/// Bytes of a value: of several buffers, each may be put behind the others before the sum is looked at.
pub const VALUE_BYTES: u32 = DATA as u32 + 2 * MAX_BYTES;

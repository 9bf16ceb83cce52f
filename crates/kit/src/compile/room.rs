//! How much a plan may take: what there is more of makes filters faster or more exact, and never wrong.

use super::LoopShape;

/// Most bytes of both copies of the tables before 5.11, where a map's value is at most what `kmalloc` gives
/// (`array_map_alloc_check`, `kernel/bpf/arraymap.c`).
const SMALL_MAP_BYTES: u64 = 4 << 20;

/// What a plan may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// Bits of the largest table of grams of a sieve.
    pub(super) table_bits: u32,
    /// Bytes of the rows of the texts and tails of a rule set.
    pub(super) tails_bytes: usize,
    /// Whether it is seen which gram of a group was found: not where the verifier follows each round.
    pub(super) locates: bool,
}

impl Room {
    /// Where maps are small.
    const fn small(table_bits: u32, tails_bytes: usize) -> Room {
        Room { table_bits, tails_bytes, locates: false }
    }

    /// The rooms for a shape of loop, largest first: one that does not do is followed by the next.
    pub(super) fn of(shape: LoopShape) -> &'static [Room] {
        const SMALL: [Room; 4] = [
            Room::small(19, 1 << 20),
            Room::small(18, 1 << 19),
            Room::small(17, 1 << 18),
            Room::small(15, 0),
        ];
        match shape {
            LoopShape::Bounded => &SMALL,
            _ => &[Room { table_bits: 20, tails_bytes: 8 << 20, locates: true }],
        }
    }

    /// Whether tables of so many bytes do in every kernel with this shape of loop.
    pub(super) fn takes(shape: LoopShape, table_bytes: u32) -> bool {
        shape != LoopShape::Bounded || 2 * u64::from(table_bytes) <= SMALL_MAP_BYTES
    }
}

//! Where the bytes lie while they are looked at: values of an array map, one for each CPU; for sockets several.
//!
//! A program copies what it was given into the window of its CPU and scans there. A copy costs some 0.03 ns a byte and
//! buys that packets in pieces, socket filters (which cannot read packets directly), buffers and memory are all
//! scanned by the same instructions, whose bounds the verifier sees from one comparison. Scans read some bytes past
//! the end; what lies there is of earlier inputs and is never taken for a match.
//!
//! Elsewhere a run ends before another begins on its CPU. A socket filter also runs where programs call the kernel, and may
//! be interrupted by another run of itself. So each of its windows counts the runs that want it: who finds itself alone has
//! it, who does not goes on to the next one. That needs an addition that cannot be interrupted and a load, which every
//! kernel has; a single owner follows, since nobody else can be alone while the first has not gone. A run that finds no
//! window lets the data match.
//!
//! | offset | bytes | what |
//! | --- | --- | --- |
//! | 0 | 8 | next byte that the running scan looks at |
//! | 8 | 8 | length of the data; for buffers, written by who fills it |
//! | 16 | 8 | state of the running scan |
//! | 24 | 8 | where a scan may not look before, or must look up to |
//! | 32 | 8 | patterns seen, a bit each |
//! | 40 | 8 | how the running scan ended |
//! | 48 | 8 | one more number of the running scan |
//! | 56 | 8 | for buffers: the verdict, see [`Verdict`](super::Verdict) |
//! | 64 | 32 | counts of the running scan |
//! | 96 | 8 | runs that want this window, where there are several |
//! | 192 | | the data, then room to read past its end |

/// Offset of the index.
pub(super) const INDEX: i16 = 0;
/// Offset of the length of the data, 8 bytes: who fills a buffer writes it.
pub const LENGTH: i16 = kernscope_abi::layout::window::LENGTH;
/// Offset of the state of a scan.
pub(super) const STATE: i16 = 16;
/// Offset of the lower (or upper) bound of a scan.
pub(super) const MARK: i16 = 24;
/// Offset of the patterns seen.
pub(super) const SEEN: i16 = 32;
/// Offset of the outcome of a scan: 0 while it runs.
pub(super) const OUTCOME: i16 = 40;
/// Offset of one more number.
pub(super) const EXTRA: i16 = 48;
/// Offset of the verdict on a buffer, 8 bytes.
pub const VERDICT: i16 = kernscope_abi::layout::window::VERDICT;
/// Offset of counts.
pub(super) const COUNTERS: i16 = 64;
/// Words of counts.
pub(super) const COUNTER_WORDS: u32 = 4;
/// Offset of the number of runs that want the window, 8 bytes.
pub const WANTED: i16 = 96;
/// Offset of the data.
pub const DATA: i16 = kernscope_abi::layout::window::DATA;

/// Most bytes that any window holds: of a buffer between the programs of `kernscope watch`.
pub(super) const MOST_BYTES: u32 = kernscope_abi::layout::window::MAX_BYTES;

/// Most bytes that any scan reads past the last byte of the data.
pub(super) const SLACK_BYTES: u32 = 1088;

/// Bytes of a window for data of up to `limit` bytes.
pub const fn bytes(limit: u32) -> u32 {
    (DATA as u32 + limit + SLACK_BYTES).next_multiple_of(64)
}

//! Cheap necessary conditions, tried before an automaton walks: which one suits a set of literals.
//!
//! Two kinds. **Bytes**: eight positions at a time, is there one byte, or are there two at their distance, that the
//! literal cannot do without? **Grams**: every `stride` bytes, is the hash of the next two to four bytes marked in a
//! table? A literal of `n` bytes has a gram of `q` bytes at one of any `n - q + 1` positions in a row, so that looking
//! at every such position finds it: the longer the shortest literal, the fewer looks.
//!
//! Both let something through that is not there; the automaton then looks at the bytes around it. Neither keeps
//! anything back.

use super::common;

/// Positions that one round looks at, for bytes.
pub(super) const BYTES_SPAN: u32 = 64;
/// Bytes of a literal that are considered. A walk begins that much before the byte found, at most, which must be less
/// than a round moves on: else the same bytes would be sieved again after every few that are walked.
const REACH_BYTES: usize = 61;
/// Grams of one round, in groups that are decided together.
pub(super) const GRAM_GROUPS: u32 = 2;
/// Grams of one group.
pub(super) const GROUP_GRAMS: u32 = 8;
/// Longest stride: a round reads at most `(32 - 1) * 16 + 4` bytes past its start.
const MAX_STRIDE: u32 = 16;
/// Bits of the largest table of grams: 1 MiB, for thousands of literals.
const MAX_TABLE_BITS: u32 = 20;
/// Bits of a table above which looking becomes slow.
const SLOW_TABLE_BITS: u32 = 15;
/// Bits of the smallest.
const MIN_TABLE_BITS: u32 = 12;
/// Odd, so that hashing loses nothing before the shift; the golden ratio of 32 bits.
pub(super) const MULTIPLIER: u32 = 0x9e37_79b1;

/// What is looked for first. It decides what is generated, so two filters with equal sieves differ only in tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sieve {
    /// One byte, or two.
    Bytes {
        /// Whether a second byte is looked for.
        pair: bool,
        /// Whether letters are compared without their case.
        fold: bool,
    },
    /// Hashes of grams.
    Grams {
        /// Bytes of a gram, 2 to 4.
        gram: u32,
        /// Bytes from one look to the next.
        stride: u32,
        /// Whether letters are hashed without their case.
        fold: bool,
        /// Bits of the hash.
        bits: u32,
    },
}

/// What [`Sieve::Bytes`] is told by its tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BytesTable {
    /// The earlier byte.
    pub(super) first: u8,
    /// Where it is in the literal.
    pub(super) offset: u8,
    /// The later byte.
    pub(super) second: u8,
    /// How much later.
    pub(super) distance: u8,
}

/// One way to sieve, and what it is thought to cost, in instructions a byte.
struct Choice {
    sieve: Sieve,
    cost: f64,
}

/// What a walk costs for each byte, in instructions of a sieve: it waits for memory at each step.
const WALK_COST: f64 = 26.0;
/// Bytes that are walked for nothing when a sieve lets through what it should not.
const WALK_BYTES: f64 = 24.0;

impl Sieve {
    /// The cheapest sieve for these literals, none of which is empty; `None` where walking alone is cheaper.
    pub(super) fn choose(list: &[&[u8]], fold: bool) -> Option<Sieve> {
        let shortest = list.iter().map(|bytes| bytes.len()).min()? as u32;
        let mut choices: Vec<Choice> = Vec::new();
        if let [bytes] = list {
            choices.extend(bytes_choices(bytes, fold));
        }
        for gram in 2..=shortest.min(4) {
            let longest = (shortest - gram + 1).min(MAX_STRIDE);
            // Fewer looks, or fewer grams to mark.
            choices
                .extend([longest, longest / 2, 1].map(|stride| gram_choice(list, gram, stride.max(1), fold)));
        }
        let best = choices.into_iter().min_by(|a, b| a.cost.total_cmp(&b.cost))?;
        (best.cost < WALK_COST).then_some(best.sieve)
    }

    /// Whether this sieve finds all of these literals.
    pub(super) fn suits(&self, list: &[&[u8]], fold: bool) -> bool {
        let shortest = list.iter().map(|bytes| bytes.len()).min().unwrap_or(0) as u32;
        match *self {
            Sieve::Bytes { pair, fold: folds } => {
                list.len() == 1 && folds == fold && shortest > u32::from(pair)
            }
            Sieve::Grams { gram, stride, fold: folds, .. } => folds == fold && shortest >= gram + stride - 1,
        }
    }

    /// Bytes that one round moves on.
    pub(super) fn span(&self) -> u32 {
        match self {
            Sieve::Bytes { .. } => BYTES_SPAN,
            Sieve::Grams { stride, .. } => GRAM_GROUPS * GROUP_GRAMS * stride,
        }
    }
}

fn rarity(byte: u8, fold: bool) -> u32 {
    if fold { common::rarity_folded(byte) } else { common::rarity(byte) }
}

/// The rarest byte, and the rarest two.
pub(super) fn bytes_table(literal: &[u8], pair: bool, fold: bool) -> BytesTable {
    let reach = literal.len().min(REACH_BYTES);
    let mut order: Vec<usize> = (0..reach).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(rarity(literal[at], fold)));
    let second = order.iter().copied().find(|&at| pair && at != order[0]).unwrap_or(order[0]);
    let (early, late) = (order[0].min(second), order[0].max(second));
    let folded = |at: usize| if fold { literal[at] | 0x20 } else { literal[at] };
    BytesTable {
        first: folded(early),
        offset: early as u8,
        second: folded(late),
        distance: (late - early) as u8,
    }
}

fn bytes_choices(literal: &[u8], fold: bool) -> impl Iterator<Item = Choice> {
    // A pair and letters without case would need one register more than there are.
    let possible = move |&pair: &bool| !pair || (!fold && literal.len() > 1);
    [false, true].into_iter().filter(possible).map(move |pair| {
        let table = bytes_table(literal, pair, fold);
        let found: &[u8] = if pair { &[table.first, table.second] } else { &[table.first] };
        let insns = f64::from(7 + 3 * u32::from(pair) + u32::from(fold) * (1 + u32::from(pair))) / 8.0;
        let cost = insns + common::share(found, fold) * WALK_BYTES * WALK_COST;
        Choice { sieve: Sieve::Bytes { pair, fold }, cost }
    })
}

fn gram_choice(list: &[&[u8]], gram: u32, stride: u32, fold: bool) -> Choice {
    let marks = list.len() as u32 * stride;
    let bits = (marks * 64).next_power_of_two().ilog2().clamp(MIN_TABLE_BITS, MAX_TABLE_BITS).min(8 * gram);
    // A table that no fast cache holds costs more to look at.
    let slow = f64::from(bits.saturating_sub(SLOW_TABLE_BITS));
    let collides = f64::from(marks) / f64::from(bits).exp2();
    let occurs: f64 =
        list.iter().flat_map(|bytes| grams(bytes, gram, stride)).map(|g| common::share(g, fold)).sum();
    let insns = (f64::from(6 + u32::from(fold)) + slow) / f64::from(stride);
    // A group is walked as a whole.
    let walked = WALK_BYTES + f64::from(GROUP_GRAMS * stride) / 2.0;
    let cost = insns + (collides + occurs) / f64::from(stride) * walked * WALK_COST;
    Choice { sieve: Sieve::Grams { gram, stride, fold, bits }, cost }
}

/// The grams of a literal of which one is met.
fn grams(literal: &[u8], gram: u32, stride: u32) -> impl Iterator<Item = &[u8]> {
    literal.windows(gram as usize).take(stride as usize)
}

/// The table: which hashes are of a gram.
pub(super) fn gram_table(list: &[&[u8]], gram: u32, stride: u32, fold: bool, bits: u32) -> Vec<u8> {
    let mut table = vec![0; 1 << bits];
    for bytes in list.iter().flat_map(|literal| grams(literal, gram, stride)) {
        let mut word = [0; 4];
        word[..bytes.len()].copy_from_slice(bytes);
        let word = u32::from_le_bytes(word) | if fold { 0x2020_2020 } else { 0 };
        table[(word.wrapping_mul(multiplier(gram)) >> (32 - bits)) as usize] = 1;
    }
    table
}

/// What a word of four bytes is multiplied with so that its first `gram` bytes alone decide.
pub(super) fn multiplier(gram: u32) -> u32 {
    MULTIPLIER.wrapping_shl(8 * (4 - gram))
}

//! Cheap necessary conditions, tried before an automaton walks: which one suits a set of literals.
//!
//! Two kinds. **Bytes**: eight positions at a time, is there one byte, or are there two at their distance, that the
//! literal cannot do without? **Grams**: every `stride` bytes, is the hash of the next two to four bytes marked in a
//! table? See [`Grams`]: the longer the shortest literal, the fewer looks.
//!
//! A mark is a byte of other bits of the hash, so that of grams with the same place in the table most are told apart where
//! one is found. Both let something through that is not there; the automaton then looks at the bytes around it. Neither
//! keeps anything back.

use super::byteset::ByteSet;
use super::common;
use super::room::Room;
use super::text::{Grams, Text, Weights, Window};

/// Positions that one round looks at, for bytes.
pub(super) const BYTES_SPAN: u32 = 64;
/// Bytes of a literal that are considered. A walk begins that much before the byte found, at most, which must be less
/// than a round moves on: else the same bytes would be sieved again after every few that are walked.
const REACH_BYTES: usize = 61;
/// Grams of one round, in groups that are decided together.
pub(super) const GRAM_GROUPS: u32 = 2;
/// Bytes that are passed over at once where all are zero.
pub(super) const ZEROS_SPAN: u32 = 64;
/// Grams of one group.
pub(super) const GROUP_GRAMS: u32 = 8;
/// Longest stride: a round reads at most `(32 - 1) * 16 + 4` bytes past its start.
const MAX_STRIDE: u32 = 16;
/// Bits of a table above which looking becomes slow, and by how many instructions a bit.
const SLOW_TABLE_BITS: u32 = 15;
const SLOW_BIT_COST: f64 = 0.5;
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
    /// Hashes of grams, of so many bits.
    Grams(Grams, u32),
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
/// Bytes that are walked for nothing when a sieve lets through what it should not, with the way there and back.
const WALK_BYTES: f64 = 40.0;
/// The same where it is known which gram was found.
const GRAM_WALK_BYTES: f64 = 20.0;
/// What it costs to see which gram of a group was found, in instructions.
const LOCATE_COST: f64 = 60.0;
/// How many marks of the same place a byte tells apart.
const MARKS_TOLD_APART: f64 = 128.0;
/// How often a gram occurs for each time that is expected of it: what goes before a pair of bytes says more.
const OCCURS: f64 = 0.5;
/// Strides that are tried.
const STRIDES: [u32; 8] = [1, 2, 3, 4, 6, 8, 12, MAX_STRIDE];
/// Texts by which a way is chosen; of more, the shortest and some others.
const MOST_WEIGHED: usize = 1024;

/// A mark of grams that differ in what a mark tells.
pub(super) const ANY_MARK: u8 = 2;

impl Sieve {
    /// The cheapest sieve for these texts, none of which is empty; `None` where walking alone is cheaper.
    pub(super) fn choose(texts: &[Text], fold: bool, room: Room) -> Option<Sieve> {
        let mut choices: Vec<Choice> = Vec::new();
        if let [text] = texts {
            choices.extend(literal_of(text, fold).iter().flat_map(|bytes| bytes_choices(bytes, fold)));
        }
        let weighed = some_of(texts);
        let scale = texts.len() as f64 / weighed.len().max(1) as f64;
        for gram in 2..=4 {
            let weights: Vec<Weights> = weighed.iter().map(|text| Weights::new(text, gram, fold)).collect();
            let grams = STRIDES.map(|stride| grams(gram, stride, fold));
            choices.extend(grams.into_iter().map_while(|grams| gram_choice(&weights, scale, grams, room)));
        }
        let best = choices.into_iter().min_by(|a, b| a.cost.total_cmp(&b.cost))?;
        (best.cost < WALK_COST).then_some(match best.sieve {
            Sieve::Grams(grams, bits) => {
                let skips_zeros = !texts.iter().any(|text| grams.begins_with_zero(text));
                Sieve::Grams(Grams { skips_zeros, ..grams }, bits)
            }
            bytes => bytes,
        })
    }

    /// Whether this sieve finds all of these texts.
    pub(super) fn suits(&self, texts: &[Text], fold: bool) -> bool {
        match self {
            Sieve::Bytes { pair, fold: folds } => {
                texts.len() == 1 && *folds == fold && texts[0].len() > usize::from(*pair)
            }
            Sieve::Grams(grams, _) => {
                grams.fold == fold
                    && texts.iter().all(|text| grams.window(text).is_some())
                    && !(grams.skips_zeros && texts.iter().any(|text| grams.begins_with_zero(text)))
            }
        }
    }

    /// Bytes that one round moves on.
    pub(super) fn span(&self) -> u32 {
        match self {
            Sieve::Bytes { .. } => BYTES_SPAN,
            Sieve::Grams(grams, _) => round_bytes(grams.stride),
        }
    }
}

fn round_bytes(stride: u32) -> u32 {
    GRAM_GROUPS * GROUP_GRAMS * stride
}

/// A walk begins far less far back than a round moves on, or the same bytes would be sieved again and again.
fn grams(gram: u32, stride: u32, fold: bool) -> Grams {
    Grams { gram, stride, fold, reach: round_bytes(stride) / 4, skips_zeros: false }
}

/// The shortest texts, which allow the least, and some of the others.
fn some_of(texts: &[Text]) -> Vec<&Text> {
    let mut order: Vec<&Text> = texts.iter().collect();
    if order.len() > MOST_WEIGHED {
        order.sort_by_key(|text| text.len());
        let step = order.len().div_ceil(MOST_WEIGHED / 2);
        let (shortest, others) = order.split_at(MOST_WEIGHED / 2);
        order = shortest.iter().chain(others.iter().step_by(step)).copied().collect();
    }
    order
}

/// The bytes of a text, if it is no more than a literal.
pub(super) fn literal_of(text: &[ByteSet], fold: bool) -> Option<Vec<u8>> {
    let byte = |set: &ByteSet| set.iter().last().filter(|&byte| ByteSet::of(byte, fold) == *set);
    text.iter().map(byte).collect()
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
        let share: f64 = found.iter().map(|&byte| common::share(&[byte], fold)).product();
        let insns = f64::from(7 + 3 * u32::from(pair) + u32::from(fold) * (1 + u32::from(pair))) / 8.0;
        Choice { sieve: Sieve::Bytes { pair, fold }, cost: insns + share * WALK_BYTES * WALK_COST }
    })
}

/// The table of the right size for grams of these texts, each of which stands for `scale` texts.
fn gram_choice(texts: &[Weights], scale: f64, grams: Grams, room: Room) -> Option<Choice> {
    let windows: Option<Vec<Window>> = texts.iter().map(|text| grams.window_in(text)).collect();
    let windows = windows?;
    let marks = scale * windows.iter().map(|window| f64::from(window.marks)).sum::<f64>();
    let occurs = OCCURS * scale * windows.iter().map(|window| window.share).sum::<f64>();
    let stride = f64::from(grams.stride);
    let most = room.table_bits.min(8 * grams.gram);
    let choices = (MIN_TABLE_BITS.min(most)..=most).map(|bits| {
        // A table that no fast cache holds costs more to look at.
        let slow = SLOW_BIT_COST * f64::from(bits.saturating_sub(SLOW_TABLE_BITS));
        let insns = f64::from(6 + u32::from(grams.fold)) + slow;
        let collides = marks / f64::from(bits).exp2();
        let found = if room.locates {
            let walked = (collides / MARKS_TOLD_APART + occurs).min(1.0) * GRAM_WALK_BYTES;
            (collides + occurs).min(1.0) * LOCATE_COST + walked * WALK_COST
        } else {
            // A group is walked as a whole.
            let walked = WALK_BYTES + f64::from(GROUP_GRAMS * grams.stride) / 2.0;
            (collides + occurs).min(1.0) * walked * WALK_COST
        };
        Choice { sieve: Sieve::Grams(grams, bits), cost: (insns + found) / stride }
    });
    choices.min_by(|a, b| a.cost.total_cmp(&b.cost))
}

/// The table: which hashes are of a gram. And how far a walk has to go back from where a gram is found.
pub(super) fn gram_table(texts: &[Text], grams: Grams, bits: u32) -> (Vec<u8>, u32) {
    let mut table = vec![0; 1 << bits];
    let mut back = 0;
    for text in texts {
        // A sieve is used only where every text has a window.
        let Some(window) = grams.window(text) else { continue };
        back = back.max(window.offset + grams.stride as i32 - 1);
        for word in grams.words(text, window) {
            let hash = word.wrapping_mul(multiplier(grams.gram));
            let (place, mark) = (&mut table[(hash >> (32 - bits)) as usize], mark(hash, bits));
            *place = if *place == 0 || *place == mark { mark } else { ANY_MARK };
        }
    }
    (table, back.cast_unsigned())
}

/// The mark of a hash in a table of so many bits: the bits behind those of its place, but odd, so that it is neither 0
/// nor [`ANY_MARK`].
fn mark(hash: u32, bits: u32) -> u8 {
    (hash >> mark_shift(bits)) as u8 | 1
}

/// How far a hash is shifted for its mark.
pub(super) fn mark_shift(bits: u32) -> u32 {
    24 - bits
}

/// What a word of four bytes is multiplied with so that its first `gram` bytes alone decide.
pub(super) fn multiplier(gram: u32) -> u32 {
    MULTIPLIER.wrapping_shl(8 * (4 - gram))
}

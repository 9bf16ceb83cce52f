//! What is known of one device: a sample of its past, and the forest that is made of it.

use super::super::activity::{FEATURES_LEN, Vector};
use crate::Mac;
use rcf3::Forest;
use serde::{Deserialize, Serialize};

/// Intervals of a device's past that are kept.
pub(super) const PAST: usize = 288;
/// Of these, intervals that a forest is made of.
const SAMPLE: usize = 64;
const TREES: usize = 16;
/// One of so many intervals takes the place of an older one when there are enough.
const REPLACED: u64 = 6;
/// A number in a byte: sixths of a doubling.
pub(super) const STEPS: f32 = 6.0;
/// One doubling.
const TWICE: u8 = 6;

pub(super) type Row = [u8; FEATURES_LEN];

/// What is known of one device.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Habit {
    pub(super) first_ns: u64,
    pub(super) last_ns: u64,
    pub(super) seen: u64,
    /// Rows of a byte a number, one behind the other, as hex.
    #[serde(with = "hex")]
    pub(super) past: Vec<u8>,
    /// The most of each number.
    pub(super) most: Row,
    pub(super) scored: u32,
    /// The highest score that was usual.
    pub(super) high: f32,
    #[serde(skip)]
    pub(super) strikes: Vec<(Row, f32)>,
}

/// A row as hex digits: JSON has no bytes.
mod hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap_or_default());
        pairs.map(|pair| u8::from_str_radix(pair, 16).map_err(D::Error::custom)).collect()
    }
}

pub(super) fn row(vector: &Vector) -> Row {
    vector.map(|number| (number * STEPS).round().clamp(0.0, 255.0) as u8)
}

pub(super) fn point(row: &[u8]) -> Vec<f32> {
    row.iter().map(|byte| f32::from(*byte) / STEPS).collect()
}

impl Habit {
    fn rows(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.past.chunks_exact(FEATURES_LEN)
    }

    /// Learns an interval. Gives the row if it is a part of the past now.
    pub(super) fn learn(&mut self, mac: Mac, row: Row) -> bool {
        self.seen = self.seen.saturating_add(1);
        self.most.iter_mut().zip(row).for_each(|(most, byte)| *most = byte.max(*most));
        if self.past.len() < PAST * FEATURES_LEN {
            self.past.extend(row);
            return true;
        }
        let chance = scramble(mac, self.seen);
        if chance.is_multiple_of(REPLACED) {
            let at = (chance / REPLACED % PAST as u64) as usize * FEATURES_LEN;
            self.past[at..at + FEATURES_LEN].copy_from_slice(&row);
            return true;
        }
        false
    }

    /// A forest of an even sample of the past.
    pub(super) fn forest(&self, mac: Mac) -> Option<Forest> {
        let mut forest = Forest::builder(FEATURES_LEN)
            .num_trees(TREES)
            .capacity(SAMPLE)
            .initial_accept_fraction(1.0)
            .output_after(1)
            .seed(scramble(mac, 0))
            .build()
            .ok()?;
        let step = self.rows().len().div_ceil(SAMPLE).max(1);
        self.rows().step_by(step).for_each(|row| _ = forest.update(&point(row)));
        Some(forest)
    }

    /// The middle of a number in the past.
    pub(super) fn middle(&self, feature: usize) -> u8 {
        let mut all: Vec<u8> = self.rows().map(|row| row[feature]).collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied().unwrap_or_default()
    }

    /// Whether some number is at least twice as large as it ever was.
    pub(super) fn is_beyond(&self, row: &Row) -> bool {
        row.iter().zip(self.most).any(|(byte, most)| *byte >= most.saturating_add(TWICE))
    }
}

/// Chance that is the same in every run (SplitMix64's last step).
pub(super) fn scramble(mac: Mac, n: u64) -> u64 {
    let start = mac.0.iter().fold(0u64, |word, byte| word << 8 | u64::from(*byte)) ^ n << 48 ^ n;
    let word = (start ^ (start >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

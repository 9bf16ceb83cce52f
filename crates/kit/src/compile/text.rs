//! Short sequences of classes of bytes, and how they are found by grams.
//!
//! A text of `n` places has a gram of `q` bytes at one of any `s` positions in a row, so that looking at every `s`-th
//! position of the data finds it. Which positions those are is chosen for each text: the grams there should be rare in
//! data, and few. They may reach beyond the text on both sides, where any byte may be.

use super::byteset::ByteSet;
use super::common;
use std::cell::OnceCell;

/// A byte of each class, one after the other.
pub(super) type Text = Vec<ByteSet>;

/// Most grams that a text may be marked by; the second where it has no window with fewer.
const MOST_MARKS: [u32; 2] = [4096, 16_384];
/// What one mark costs beside its own occurrence, as a share of positions: other grams have the same hash.
const MARK_SHARE: f64 = 1.0 / (1 << 22) as f64;

/// Bytes as a text.
pub(super) fn literal(bytes: &[u8], fold: bool) -> Text {
    bytes.iter().map(|&byte| ByteSet::of(byte, fold)).collect()
}

/// Where the grams of a text are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Window {
    /// From the text's start to the first gram; negative where that is before it.
    pub(super) offset: i32,
    /// Share of positions at which one of the grams is expected.
    pub(super) share: f64,
    /// Grams.
    pub(super) marks: u32,
}

impl Window {
    fn cost(&self) -> f64 {
        self.share + f64::from(self.marks) * MARK_SHARE
    }
}

/// How grams are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grams {
    /// Bytes of a gram, 1 to 4.
    pub(super) gram: u32,
    /// Bytes from one look to the next.
    pub(super) stride: u32,
    /// Whether letters are looked at without their case.
    pub(super) fold: bool,
    /// Farthest that the last gram may be from the start of its text.
    pub(super) reach: u32,
    /// Whether no gram begins with a zero byte, so that there is none where data is nothing but zeros.
    pub(super) skips_zeros: bool,
}

impl Grams {
    /// The best window of a text; `None` where all have too many grams.
    pub(super) fn window(&self, text: &[ByteSet]) -> Option<Window> {
        self.window_in(&Weights::new(text, self.gram, self.fold))
    }

    /// The same for a text whose grams have been weighed before, in windows of another stride.
    pub(super) fn window_in(&self, weights: &Weights) -> Option<Window> {
        MOST_MARKS.iter().find_map(|&most| self.window_of(weights, most))
    }

    /// The best window with at most so many grams.
    fn window_of(&self, weights: &Weights, most: u32) -> Option<Window> {
        let first = -(self.stride as i32 - 1).min(self.gram as i32 - 1);
        let last = (weights.text.len() as i32 - 1).min(self.reach as i32);
        let windows = (first..=last - (self.stride as i32 - 1)).filter_map(|offset| {
            let mut grams = offset..offset + self.stride as i32;
            let sums = grams.try_fold((0.0, 0), |(share, marks), at| {
                let (more, others) = weights.weight(at, most)?;
                Some((share + more, marks + others))
            });
            let (share, marks) = sums?;
            (marks <= most).then_some(Window { offset, share, marks })
        });
        windows.min_by(|a, b| a.cost().total_cmp(&b.cost()))
    }

    /// Whether a gram of the text's window may begin with a zero byte.
    pub(super) fn begins_with_zero(&self, text: &[ByteSet]) -> bool {
        let starts = |window: Window| window.offset..window.offset + self.stride as i32;
        self.window(text).is_none_or(|window| starts(window).any(|at| sets(text, at, false)[0].contains(0)))
    }

    /// Every gram of a window, as the first bytes of words; folded if need be.
    pub(super) fn words(&self, text: &[ByteSet], window: Window) -> Vec<u32> {
        let places = window.offset..window.offset + self.stride as i32;
        let grams = places.flat_map(|at| {
            let sets = sets(text, at, self.fold);
            sets[..self.gram as usize].iter().zip(0..).fold(vec![0u32], |words, (set, place)| {
                let longer = |word: u32| set.iter().map(move |byte| word | u32::from(byte) << (8 * place));
                words.into_iter().flat_map(longer).collect()
            })
        });
        grams.collect()
    }
}

/// The grams of a text, each of which is weighed once.
pub(super) struct Weights<'a> {
    text: &'a [ByteSet],
    gram: u32,
    fold: bool,
    /// From where the first gram only just reaches into the text.
    shares: Vec<OnceCell<f64>>,
}

impl<'a> Weights<'a> {
    /// For grams of so many bytes, letters with or without their case.
    pub(super) fn new(text: &'a [ByteSet], gram: u32, fold: bool) -> Self {
        Self { text, gram, fold, shares: vec![OnceCell::new(); text.len() + gram as usize - 1] }
    }

    /// Share of positions that have a gram of the text at this place, and how many such grams there are, if those are not
    /// more than `most`.
    fn weight(&self, at: i32, most: u32) -> Option<(f64, u32)> {
        let sets = sets(self.text, at, self.fold);
        let sets = &sets[..self.gram as usize];
        let marks = sets.iter().try_fold(1u32, |marks, set| marks.checked_mul(set.len() as u32))?;
        if marks > most {
            return None;
        }
        let share = self.shares.get((at + self.gram as i32 - 1).cast_unsigned() as usize)?;
        let met = |set: &ByteSet| if self.fold { set.unfolded() } else { *set };
        let weigh = || common::share_of(&sets.iter().map(met).collect::<Vec<_>>());
        Some((*share.get_or_init(weigh), marks))
    }
}

/// What the bytes at this place of a text may be, folded if need be: as many as the longest gram has.
fn sets(text: &[ByteSet], at: i32, fold: bool) -> [ByteSet; 4] {
    std::array::from_fn(|byte| {
        let place = usize::try_from(at + byte as i32).ok();
        let set = place.and_then(|place| text.get(place)).copied().unwrap_or(ByteSet::FULL);
        if fold { set.folded() } else { set }
    })
}

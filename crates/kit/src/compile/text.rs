//! Short sequences of classes of bytes, and how they are found by grams.
//!
//! A text of `n` places has a gram of `q` bytes at one of any `s` positions in a row, so that looking at every `s`-th
//! position of the data finds it. Which positions those are is chosen for each text: the grams there should be rare in
//! data, and few. They may reach beyond the text on both sides, where any byte may be.

use super::byteset::ByteSet;
use super::common;

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
}

impl Grams {
    /// The best window of a text; `None` where all have too many grams.
    pub(super) fn window(&self, text: &[ByteSet]) -> Option<Window> {
        MOST_MARKS.iter().find_map(|&most| self.window_of(text, most))
    }

    /// The best window with at most so many grams.
    fn window_of(&self, text: &[ByteSet], most: u32) -> Option<Window> {
        let first = -(self.stride as i32 - 1).min(self.gram as i32 - 1);
        let last = (text.len() as i32 - 1).min(self.reach as i32);
        let grams: Vec<Option<(f64, u32)>> = (first..=last).map(|at| self.weigh(text, at, most)).collect();
        let windows = grams.windows(self.stride as usize).zip(first..);
        let windows = windows.filter_map(|(grams, offset)| {
            let sums = grams.iter().try_fold((0.0, 0), |(share, marks), gram| {
                let (more, others) = (*gram)?;
                Some((share + more, marks + others))
            });
            let (share, marks) = sums?;
            (marks <= most).then_some(Window { offset, share, marks })
        });
        windows.min_by(|a, b| a.cost().total_cmp(&b.cost()))
    }

    /// Share of positions that have a gram of the text at this place, and how many such grams there are, if those are not
    /// more than `most`.
    fn weigh(&self, text: &[ByteSet], at: i32, most: u32) -> Option<(f64, u32)> {
        let sets = self.sets(text, at);
        let marks = sets.iter().try_fold(1u32, |marks, set| marks.checked_mul(set.len() as u32))?;
        if marks > most {
            return None;
        }
        let met: Vec<ByteSet> =
            sets.iter().map(|set| if self.fold { set.unfolded() } else { *set }).collect();
        Some((common::share_of(&met), marks))
    }

    /// What the bytes of the gram at this place of the text may be, folded if need be.
    fn sets(&self, text: &[ByteSet], at: i32) -> Vec<ByteSet> {
        let place = |at: i32| usize::try_from(at).ok().and_then(|at| text.get(at)).copied();
        let sets = (at..at + self.gram as i32).map(|at| place(at).unwrap_or(ByteSet::FULL));
        sets.map(|set| if self.fold { set.folded() } else { set }).collect()
    }

    /// Every gram of a window, as the first bytes of words; folded if need be.
    pub(super) fn words(&self, text: &[ByteSet], window: Window) -> Vec<u32> {
        let places = window.offset..window.offset + self.stride as i32;
        let grams = places.flat_map(|at| {
            let sets = self.sets(text, at);
            sets.iter().zip(0..).fold(vec![0u32], |words, (set, place)| {
                let longer = |word: u32| set.iter().map(move |byte| word | u32::from(byte) << (8 * place));
                words.into_iter().flat_map(longer).collect()
            })
        });
        grams.collect()
    }
}

//! How often bytes occur in a window that slides, exactly.
//!
//! Counts lie in lanes of words. A lane starts above half of its range by as much as is asked for and counts down, so
//! that its highest bit is clear once its count is reached. A byte that comes into the window subtracts what a table
//! has for it, one that leaves adds it. None of this need be done where one of the bytes does not occur, or not often
//! enough: that is sieved for, by a byte that seldom does.

use super::drive::FAST;
use super::sieve::HIGH;
use super::{Emit, Exits};
use crate::asm::{Alu, Cond, Label, Reg, Size};
use crate::compile::plan::Count;
use crate::compile::{LoopShape, common};
use crate::compile::{sieve, tables, window};

use Reg::{R0, R1, R2, R3, R4, R5, R6, R8, R9};

/// Bytes that one round counts.
const COUNT_SPAN: u32 = 16;
/// A condition that is expected to be met more than half is met often.
const OFTEN: f64 = 0.5;
/// Widest window in which the sought byte is counted by itself, bytes: each eight take nine instructions, which the verifier
/// follows twice, and all of them should be less than a thousand.
const WIDEST_WEIGHED: u32 = 64;

impl Count {
    /// Bits of a lane: counts up to the window must fit its lower half.
    fn lane_bits(&self) -> u32 {
        match self.window {
            0..=127 => 8,
            128..=32_767 => 16,
            _ => 32,
        }
    }

    fn lanes(&self) -> usize {
        64 / self.lane_bits() as usize
    }

    /// Words of counts.
    pub(in crate::compile) fn words(&self) -> u32 {
        self.counts.len().div_ceil(self.lanes()) as u32
    }

    /// The word of a condition, and the lowest bit of its lane.
    pub(in crate::compile) fn lane(&self, index: usize) -> (u32, u32) {
        ((index / self.lanes()) as u32, (index % self.lanes()) as u32 * self.lane_bits())
    }

    /// The condition that is sieved for: the one with the rarest byte, unless that is often met where another seldom is.
    fn sought_index(&self) -> usize {
        let rarity = |&index: &usize| common::rarity(self.counts[index].0);
        let rarest = (0..self.counts.len()).max_by_key(rarity).unwrap_or(0);
        let seldom = (0..self.counts.len()).min_by(|&a, &b| self.met(a).total_cmp(&self.met(b))).unwrap_or(0);
        if self.window <= WIDEST_WEIGHED && self.met(rarest) > OFTEN { seldom } else { rarest }
    }

    /// How much of a condition a window of text is expected to have.
    fn met(&self, index: usize) -> f64 {
        let (byte, min) = self.counts[index];
        common::share(&[byte], false) * f64::from(self.window) / f64::from(min)
    }

    /// The condition that is sieved for.
    pub(in crate::compile) fn sought(&self) -> (u8, u32) {
        self.counts[self.sought_index()]
    }

    /// Words that hold every window whose first sought byte is in the first of them, where it pays to count that byte by
    /// itself.
    fn weighed_words(&self) -> Option<u32> {
        let pays = self.window <= WIDEST_WEIGHED && self.sought().1 > 1;
        pays.then(|| (self.window + 7).div_ceil(8))
    }

    /// A word of counts of an empty window, and its highest bits.
    fn empty(&self, word: u32) -> (u64, u64) {
        let half = 1u64 << (self.lane_bits() - 1);
        let lanes = (0..self.counts.len()).filter(|&index| self.lane(index).0 == word);
        lanes.fold((0, 0), |(empty, high), index| {
            let shift = self.lane(index).1;
            (empty | (half - 1 + u64::from(self.counts[index].1)) << shift, high | half << shift)
        })
    }

    /// Rounds that are enough for `limit` bytes, without sieving.
    pub(super) fn rounds(&self, limit: u32) -> u32 {
        limit / COUNT_SPAN + 3 * COUNT_SPAN
    }

    /// The same, with it.
    pub(super) fn rounds_sieving(&self, limit: u32) -> u32 {
        // Each stretch with the sought byte is counted with one window before it, and is at least a window long: no byte
        // is counted more than twice. At worst each time alone, where the window is shorter than a round.
        3 * limit + 4 * COUNT_SPAN + self.window.min(limit)
    }
}

impl Emit<'_> {
    /// One round. Sieving, the state is [`FAST`]; counting, it is where the counting began, and the mark is up to
    /// where it has to go on. The counts are in the window behind.
    pub(super) fn count_round(&mut self, count: &Count, exits: Exits) {
        let [slow, one, fill, both] = [(); 4].map(|()| self.asm.label());
        self.take_place(exits.no);
        self.asm.load(Size::Dw, R5, R6, window::STATE);
        if self.sieves_counts() {
            self.asm.jump_if(Cond::Ne, R5, FAST, slow);
            self.sought_round(count, exits);
            self.asm.bind(slow);
        }
        // r0: bytes that were counted, the window at most once full. r1: bytes that are left.
        self.asm.mov(R0, R8).alu64(Alu::Sub, R0, R5).load(Size::Dw, R1, R6, window::LENGTH).alu64(
            Alu::Sub,
            R1,
            R8,
        );
        self.leave_if(Cond::Lt, R1, COUNT_SPAN as i32, one);
        self.leave_if(Cond::Ge, R0, count.window as i32, both);
        self.asm.alu64(Alu::Add, R0, COUNT_SPAN as i32);
        self.leave_if(Cond::Le, R0, count.window as i32, fill);
        self.asm.alu64(Alu::Sub, R0, COUNT_SPAN as i32);
        self.asm.bind(one);
        self.slide_one(count, exits);
        self.asm.bind(fill);
        self.slide(count, COUNT_SPAN, false, exits);
        self.asm.bind(both);
        self.slide(count, COUNT_SPAN, true, exits);
    }

    /// Whether the sought byte is sieved for. Not in loops that the verifier counts out: it would follow both ways in
    /// every round.
    pub(super) fn sieves_counts(&self) -> bool {
        self.setting.host.shape != LoopShape::Bounded
    }

    /// Starts a scan.
    pub(super) fn reset_count(&mut self, count: &Count) {
        let sieves = self.sieves_counts();
        self.reset(if sieves { FAST } else { 0 });
        if !sieves {
            self.reset_counters(count);
        }
    }

    /// Counts of an empty window.
    fn reset_counters(&mut self, count: &Count) {
        for word in 0..count.words() {
            self.asm.load_imm(R1, count.empty(word).0).store(Size::Dw, R6, counter(word), R1);
        }
    }

    /// One byte, at the ends of the data and of the window.
    fn slide_one(&mut self, count: &Count, exits: Exits) {
        let full = self.asm.label();
        self.asm.jump_if(Cond::Ge, R0, count.window as i32, full);
        self.slide(count, 1, false, exits);
        self.asm.bind(full);
        self.slide(count, 1, true, exits);
    }

    /// Sieves for the sought byte. Where it may be and is often enough, counting begins one window earlier with nothing
    /// counted: what is before was part of no window with this byte in it, or of none that has enough of it.
    fn sought_round(&mut self, count: &Count, exits: Exits) {
        let [found, enough, ahead] = [(); 3].map(|()| self.asm.label());
        self.bytes_round(false, false, count.place, found);
        self.asm.alu64(Alu::Add, R8, sieve::BYTES_SPAN as i32);
        self.put_place(exits);
        self.asm.bind(found);
        if let Some(words) = count.weighed_words() {
            self.asm.store(Size::Dw, R6, window::INDEX, R8);
            self.take_place(exits.no);
            let others = words * 8 - count.sought().1;
            self.weigh(words, others, enough);
            // Each byte that is missing has to come in by a window one farther on, and eight windows begin in a word.
            self.asm.load(Size::Dw, R8, R6, window::INDEX).alu64(Alu::Add, R8, R0);
            self.asm.alu64(Alu::Add, R8, 7 - others as i32);
            self.put_place(exits);
            self.asm.bind(enough);
            self.asm.load(Size::Dw, R8, R6, window::INDEX);
        }
        self.asm.mov(R1, R8).alu64(Alu::Add, R1, 8).store(Size::Dw, R6, window::MARK, R1);
        self.asm.alu64(Alu::Sub, R8, count.window as i32 - 1).jump_if(Cond::Sge, R8, 0, ahead);
        self.asm.mov(R8, 0);
        self.asm.bind(ahead);
        self.asm.store(Size::Dw, R6, window::STATE, R8);
        self.reset_counters(count);
        self.put_place(exits);
    }

    /// Counts to `r0` the bytes of these words from `r3` on that are not the one in each byte of `r4`, and goes to `enough`
    /// if they are at most `others`. `r5` has 1 in every byte. What lies behind the data counts too. Uses up `r8`.
    fn weigh(&mut self, words: u32, others: u32, enough: Label) {
        self.asm.load_imm(R2, HIGH).mov(R0, 0);
        for word in 0..words as i16 {
            self.asm
                .load(Size::Dw, R1, R3, window::DATA + 8 * word)
                .alu64(Alu::Xor, R1, R4)
                .mov(R8, R1)
                .alu64(Alu::Or, R8, R2)
                .alu64(Alu::Sub, R8, R5)
                .alu64(Alu::Or, R8, R1)
                .alu64(Alu::Rsh, R8, 7)
                .alu64(Alu::And, R8, R5)
                .alu64(Alu::Add, R0, R8);
        }
        self.asm.alu64(Alu::Mul, R0, R5).alu64(Alu::Rsh, R0, 56);
        self.leave_if(Cond::Le, R0, others as i32, enough);
    }

    /// Counts `bytes` in, and with `full` as many out, then goes on. Uses up `r8`.
    fn slide(&mut self, count: &Count, bytes: u32, full: bool, exits: Exits) {
        if full {
            // Never taken: one window was counted. It tells the verifier that the window does not begin before the data.
            self.leave_if(Cond::Lt, R8, count.window as i32, exits.no);
            self.asm.mov(R3, R6).alu64(Alu::Add, R3, R8).mov(R2, R3).alu64(Alu::Sub, R2, count.window as i32);
        }
        self.asm.mov(R4, R9).alu64(Alu::Add, R4, count.place.bytes as i32);
        if count.words() == 1 {
            self.asm.load_imm(R0, count.empty(0).1).load(Size::Dw, R5, R6, counter(0));
        }
        for at in 0..bytes {
            if count.words() == 1 {
                self.slide_word(at, full, exits.yes);
            } else {
                self.slide_words(count, at, full, exits.yes);
            }
        }
        if count.words() == 1 {
            self.asm.store(Size::Dw, R6, counter(0), R5);
        }
        self.asm.load(Size::Dw, R8, R6, window::INDEX).alu64(Alu::Add, R8, bytes as i32);
        if self.sieves_counts() {
            self.leave_if_unsought(count);
        }
        self.put_place(exits);
    }

    /// To `into` the address of the counts of the byte at `at` from `base`.
    fn lane_of(&mut self, into: Reg, base: Reg, at: u32) {
        self.asm.load(Size::B, into, base, window::DATA + at as i16).alu64(Alu::Lsh, into, 3).alu64(
            Alu::Add,
            into,
            R4,
        );
    }

    /// One byte where all counts fit the word in `r5`, with its highest bits in `r0`.
    fn slide_word(&mut self, at: u32, full: bool, yes: Label) {
        self.lane_of(R1, R3, at);
        self.asm.load(Size::Dw, R1, R1, 0).alu64(Alu::Sub, R5, R1);
        if full {
            self.lane_of(R1, R2, at);
            self.asm.load(Size::Dw, R1, R1, 0).alu64(Alu::Add, R5, R1);
        }
        let unmet = self.asm.label();
        self.asm.jump_if(Cond::Set, R5, R0, unmet).jump(yes);
        self.asm.bind(unmet);
    }

    /// One byte where the counts take several words, which then stay in the window.
    fn slide_words(&mut self, count: &Count, at: u32, full: bool, yes: Label) {
        let unmet = self.asm.label();
        for word in 0..count.words() {
            let table = (word * tables::LANE_BYTES) as i16;
            self.asm.load(Size::Dw, R5, R6, counter(word));
            self.lane_of(R1, R3, at);
            self.asm.load(Size::Dw, R1, R1, table).alu64(Alu::Sub, R5, R1);
            if full {
                self.lane_of(R1, R2, at);
                self.asm.load(Size::Dw, R1, R1, table).alu64(Alu::Add, R5, R1);
            }
            self.asm.store(Size::Dw, R6, counter(word), R5);
        }
        for word in 0..count.words() {
            self.asm.load(Size::Dw, R5, R6, counter(word)).load_imm(R1, count.empty(word).1);
            self.asm.jump_if(Cond::Set, R5, R1, unmet);
        }
        self.asm.jump(yes);
        self.asm.bind(unmet);
    }

    /// Sieves again, once the window has left the sought byte that made it count.
    fn leave_if_unsought(&mut self, count: &Count) {
        let stay = self.asm.label();
        let (word, shift) = count.lane(count.sought_index());
        let lane = (1u64 << count.lane_bits()) - 1;
        self.asm.load(Size::Dw, R1, R6, window::MARK).jump_if(Cond::Lt, R8, R1, stay);
        self.asm
            .load(Size::Dw, R5, R6, counter(word))
            .alu64(Alu::Rsh, R5, shift as i32)
            .load_imm(R1, lane)
            .alu64(Alu::And, R5, R1)
            .load_imm(R1, count.empty(word).0 >> shift & lane)
            .jump_if(Cond::Ne, R5, R1, stay)
            .store(Size::Dw, R6, window::STATE, FAST);
        self.asm.bind(stay);
    }
}

/// Where a word of counts lies in the window.
fn counter(word: u32) -> i16 {
    window::COUNTERS + 8 * word as i16
}

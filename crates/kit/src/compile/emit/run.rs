//! Runs of classes: counted without a branch, several classes at once, by samples where the runs are long.
//!
//! With `in` all ones or zero, `n = (n + 1) & in` is the length of the run that ends here; lanes of a word count for
//! several classes. Each lane counts up from zero, and what is added to it when it is looked at sets its highest bit
//! once the run is long enough. A run of `min` bytes holds at least `min / t` of the positions that are a multiple of
//! `t`: as long as no run of samples is that long, only samples need be looked at.

use super::drive::FAST;
use super::{Emit, Exits};
use crate::asm::{Alu, Cond, Reg, Size};
use crate::compile::plan::Run;
use crate::compile::window;

use Reg::{R0, R1, R2, R3, R4, R5, R6, R8, R9};

/// Bytes that one round counts.
const COUNT_SPAN: u32 = 8;
/// Samples that one round looks at.
const SAMPLES: u32 = 8;
/// Samples that are decided together: a branch each would be too many for the verifier in a loop that it counts out.
const GROUP_SAMPLES: u32 = 4;
/// Samples that must be in the class before all bytes are counted.
const SAMPLES_IN_RUN: u32 = 4;
/// Bytes between samples, at most: a round reads up to `7 * 31` bytes ahead.
const MAX_STRIDE: u32 = 31;

impl Run {
    /// Whether another's runs fit beside these.
    pub(in crate::compile) fn takes(&self, other: &Run) -> bool {
        let all = [&self.runs[..], &other.runs[..]].concat();
        all.len() <= Run { runs: all.clone(), place: self.place }.lanes()
    }

    fn shortest(&self) -> u32 {
        self.runs.iter().map(|&(_, min)| min).min().unwrap_or(1)
    }

    /// Bits of a lane: the longest run must fit its lower half.
    fn lane_bits(&self) -> u32 {
        match self.runs.iter().map(|&(_, min)| min).max().unwrap_or(1) {
            0..=127 => 8,
            128..=32_767 => 16,
            _ => 32,
        }
    }

    fn lanes(&self) -> usize {
        64 / self.lane_bits() as usize
    }

    /// A lane full of ones, at the bottom.
    pub(in crate::compile) fn lane_mask(&self) -> u64 {
        (1 << self.lane_bits()) - 1
    }

    pub(in crate::compile) fn lane_shift(&self, lane: usize) -> u32 {
        lane as u32 * self.lane_bits()
    }

    /// A word with something in each lane.
    fn word(&self, of: impl Fn(u32) -> u64) -> u64 {
        let lanes = self.runs.iter().enumerate();
        lanes.fold(0, |word, (lane, &(_, min))| word | of(min) << self.lane_shift(lane))
    }

    /// What sets the highest bit of a lane that has counted `enough(min)`.
    fn bias(&self, enough: impl Fn(u32) -> u32) -> u64 {
        self.word(|min| (1 << (self.lane_bits() - 1)) - u64::from(enough(min)))
    }

    /// Bytes from sample to sample, if sampling is worth it.
    fn stride(&self) -> Option<u32> {
        let stride = (self.shortest() / SAMPLES_IN_RUN).min(MAX_STRIDE);
        (stride > 1).then_some(stride)
    }

    /// Samples of the longest run.
    fn most_samples(&self, stride: u32) -> u32 {
        self.runs.iter().map(|&(_, min)| min / stride).max().unwrap_or(1)
    }

    /// Whether counting may begin further back than a round of samples reaches. Then it goes on at least to where that
    /// round began: else the same bytes would be sampled again after every few that are counted, and the rounds run out.
    fn goes_far_back(&self, stride: u32) -> bool {
        self.most_samples(stride) >= SAMPLES
    }

    pub(super) fn start(&self) -> i32 {
        if self.stride().is_some() { FAST } else { 0 }
    }

    pub(super) fn rounds(&self, limit: u32) -> u32 {
        let counted = limit / COUNT_SPAN + COUNT_SPAN + 1;
        // Counting never goes back behind where it ended before; at worst it follows each round of samples. What is
        // sampled twice is less than a round's (see `goes_far_back`), and then that round moved on by more than it cost.
        self.stride().map_or(counted, |stride| 2 * counted + limit / (SAMPLES * stride))
    }
}

impl Emit<'_> {
    /// One round: samples, or eight bytes, or at the end of the data one byte. The state is [`FAST`], or up to where all
    /// bytes are counted; the lanes are beside it.
    pub(super) fn run_round(&mut self, run: &Run, exits: Exits) {
        let [slow, one] = [(); 2].map(|()| self.asm.label());
        self.take_place(exits.no);
        self.asm.mov(R4, R9).alu64(Alu::Add, R4, run.place.bytes as i32);
        if let Some(stride) = run.stride() {
            self.asm.load(Size::Dw, R5, R6, window::STATE);
            self.leave_if(Cond::Ne, R5, FAST, slow);
            self.sample(run, stride, exits);
            self.asm.bind(slow);
        }
        self.asm.load(Size::Dw, R1, R6, window::LENGTH).alu64(Alu::Sub, R1, R8);
        self.leave_if(Cond::Lt, R1, COUNT_SPAN as i32, one);
        self.count_run(run, COUNT_SPAN, exits);
        self.asm.bind(one);
        self.count_run(run, 1, exits);
    }

    /// The lanes to `r5`; to `r8` one for each, to `r9` what makes them tell, in place of index and tables.
    fn take_lanes(&mut self, run: &Run, bias: u64) {
        self.asm.load(Size::Dw, R5, R6, window::EXTRA).load_imm(R8, run.word(|_| 1)).load_imm(R9, bias);
    }

    /// Index and tables again.
    fn put_lanes(&mut self) {
        self.asm.store(Size::Dw, R6, window::EXTRA, R5).load(Size::Dw, R8, R6, window::INDEX);
        self.reload_tables();
    }

    /// Counts the byte at `at`. What the lanes tell comes to `r0`, added to what is there unless it is the first.
    fn count_byte(&mut self, at: u32, first: bool) {
        self.asm
            .load(Size::B, R1, R3, window::DATA + at as i16)
            .alu64(Alu::Lsh, R1, 3)
            .alu64(Alu::Add, R1, R4)
            .load(Size::Dw, R1, R1, 0)
            .alu64(Alu::Add, R5, R8)
            .alu64(Alu::And, R5, R1);
        let told = if first { R0 } else { R2 };
        self.asm.mov(told, R5).alu64(Alu::Add, told, R9);
        if !first {
            self.asm.alu64(Alu::Or, R0, R2);
        }
    }

    /// Counts all of `count` bytes; behind a run that was none, samples are enough again.
    fn count_run(&mut self, run: &Run, count: u32, exits: Exits) {
        self.take_lanes(run, run.bias(|min| min));
        for at in 0..count {
            self.count_byte(at, at == 0);
        }
        self.asm.load_imm(R1, run.word(|_| 1 << (run.lane_bits() - 1))).alu64(Alu::And, R0, R1);
        // Before the way out: another scan may follow, which needs the tables.
        self.put_lanes();
        self.leave_if(Cond::Ne, R0, 0, exits.yes);
        self.asm.alu64(Alu::Add, R8, count as i32);
        if let Some(stride) = run.stride() {
            let inside = self.asm.label();
            self.asm.jump_if(Cond::Ne, R5, 0, inside);
            if run.goes_far_back(stride) {
                self.asm.load(Size::Dw, R1, R6, window::STATE).jump_if(Cond::Lt, R8, R1, inside);
            }
            self.asm.store(Size::Dw, R6, window::STATE, FAST).store(Size::Dw, R6, window::MARK, R8);
            self.asm.bind(inside);
        }
        self.put_place(exits);
    }

    /// Looks at samples. Behind enough of them in a class, all bytes are counted, from the first that a run with these
    /// samples can begin at.
    fn sample(&mut self, run: &Run, stride: u32, exits: Exits) {
        let [back, ahead] = [(); 2].map(|()| self.asm.label());
        let found: Vec<_> = (0..SAMPLES / GROUP_SAMPLES).map(|_| self.asm.label()).collect();
        self.take_lanes(run, run.bias(|min| min / stride));
        for (group, &found) in found.iter().enumerate() {
            for at in 0..GROUP_SAMPLES {
                self.count_byte((group as u32 * GROUP_SAMPLES + at) * stride, at == 0);
            }
            self.asm.load_imm(R1, run.word(|_| 1 << (run.lane_bits() - 1))).alu64(Alu::And, R0, R1);
            self.leave_if(Cond::Ne, R0, 0, found);
        }
        self.put_lanes();
        self.asm.alu64(Alu::Add, R8, (SAMPLES * stride) as i32);
        self.put_place(exits);
        let most = run.most_samples(stride);
        for (group, &found) in found.iter().enumerate() {
            self.asm.bind(found);
            let first = group as u32 * GROUP_SAMPLES * stride;
            self.asm.mov(R0, first as i32 - (most * stride) as i32 + 1);
            if group + 1 < (SAMPLES / GROUP_SAMPLES) as usize {
                self.asm.jump(back);
            }
        }
        self.asm.bind(back);
        self.asm.mov(R5, 0);
        self.put_lanes();
        if run.goes_far_back(stride) {
            self.asm.store(Size::Dw, R6, window::STATE, R8);
        } else {
            self.asm.store(Size::Dw, R6, window::STATE, 0);
        }
        self.asm.alu64(Alu::Add, R8, R0).load(Size::Dw, R1, R6, window::MARK).jump_if(
            Cond::Sgt,
            R8,
            R1,
            ahead,
        );
        self.asm.mov(R8, R1);
        self.asm.bind(ahead);
        self.put_place(exits);
    }
}

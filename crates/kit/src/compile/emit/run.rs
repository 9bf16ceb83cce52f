//! Runs of a class: counted without a branch, by samples where a run is long.
//!
//! With `in` all ones or zero, `n = (n + 1) & in` is the length of the run that ends here. A run of `min` bytes holds at
//! least `min / t` of the positions that are a multiple of `t`: as long as no run of samples is that long, only samples
//! need be looked at.

use super::drive::FAST;
use super::{Emit, Exits};
use crate::asm::{Alu, Cond, Reg, Size};
use crate::compile::plan::Run;
use crate::compile::window;

use Reg::{R0, R1, R2, R3, R4, R5, R6, R8, R9};

/// Bytes that one round counts.
const COUNT_SPAN: u32 = 16;
/// Samples that one round looks at.
const SAMPLES: u32 = 32;
/// Samples that are decided together: a branch each would be too many for the verifier in a loop that it counts out.
const GROUP_SAMPLES: u32 = 8;
/// Samples that must be in the class before all bytes are counted.
const SAMPLES_IN_RUN: u32 = 4;
/// Bytes between samples, at most: a round reads up to `31 * 31` bytes ahead.
const MAX_STRIDE: u32 = 31;

impl Run {
    /// Bytes from sample to sample, if sampling is worth it.
    fn stride(&self) -> Option<u32> {
        let stride = (self.min / SAMPLES_IN_RUN).min(MAX_STRIDE);
        (stride > 1).then_some(stride)
    }

    /// Samples that a long enough run is sure to hold, as many as are waited for.
    fn samples(&self, stride: u32) -> u32 {
        self.min / stride
    }

    pub(super) fn start(&self) -> i32 {
        if self.stride().is_some() { FAST } else { 0 }
    }

    pub(super) fn rounds(&self, limit: u32) -> u32 {
        let counted = limit / COUNT_SPAN + COUNT_SPAN + 1;
        // Counting never goes back behind where it ended before; at worst it follows each round of samples.
        self.stride().map_or(counted, |stride| 2 * counted + limit / (SAMPLES * stride))
    }
}

impl Emit<'_> {
    /// One round: samples, or 16 bytes, or at the end of the data one byte.
    pub(super) fn run_round(&mut self, run: &Run, exits: Exits) {
        let [slow, one] = [(); 2].map(|()| self.asm.label());
        self.take_place(exits.no);
        self.asm.mov(R4, R9).alu64(Alu::Add, R4, run.place.bytes as i32).load(
            Size::Dw,
            R5,
            R6,
            window::STATE,
        );
        if let Some(stride) = run.stride() {
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

    /// One more in the run that `r5` counts, if the byte at `at` is in the class.
    fn count_byte(&mut self, at: u32) {
        self.asm
            .load(Size::B, R1, R3, window::DATA + at as i16)
            .alu64(Alu::Lsh, R1, 1)
            .alu64(Alu::Add, R1, R4)
            .load(Size::H, R1, R1, 0)
            .alu64(Alu::Add, R5, 1)
            .alu64(Alu::And, R5, R1);
    }

    /// Counts all of `count` bytes; behind a run that was none, samples are enough again.
    fn count_run(&mut self, run: &Run, count: u32, exits: Exits) {
        for at in 0..count {
            self.count_byte(at);
            self.leave_if(Cond::Ge, R5, run.min as i32, exits.yes);
        }
        self.asm.alu64(Alu::Add, R8, count as i32);
        if run.stride().is_some() {
            let inside = self.asm.label();
            self.asm.jump_if(Cond::Ne, R5, 0, inside);
            self.asm.mov(R5, FAST).store(Size::Dw, R6, window::MARK, R8).store(
                Size::Dw,
                R6,
                window::EXTRA,
                0,
            );
            self.asm.bind(inside);
        }
        self.asm.store(Size::Dw, R6, window::STATE, R5);
        self.put_place(exits);
    }

    /// Looks at samples. Behind enough of them in the class, all bytes are counted, from the first that a run with
    /// these samples can begin at.
    fn sample(&mut self, run: &Run, stride: u32, exits: Exits) {
        let samples = run.samples(stride);
        let [back, ahead] = [(); 2].map(|()| self.asm.label());
        let found: Vec<_> = (0..SAMPLES / GROUP_SAMPLES).map(|_| self.asm.label()).collect();
        self.asm.load(Size::Dw, R5, R6, window::EXTRA);
        for (group, &found) in found.iter().enumerate() {
            self.asm.mov(R0, 0);
            for at in 0..GROUP_SAMPLES {
                self.count_byte((group as u32 * GROUP_SAMPLES + at) * stride);
                // The sign of r0, from the first run of enough samples on.
                self.asm.mov(R2, samples as i32 - 1).alu64(Alu::Sub, R2, R5).alu64(Alu::Or, R0, R2);
            }
            self.leave_if(Cond::Slt, R0, 0, found);
        }
        self.asm.store(Size::Dw, R6, window::EXTRA, R5).alu64(Alu::Add, R8, (SAMPLES * stride) as i32);
        self.put_place(exits);
        for (group, &found) in found.iter().enumerate() {
            self.asm.bind(found);
            let first = group as u32 * GROUP_SAMPLES * stride;
            self.asm.mov(R0, first as i32 - (samples * stride) as i32 + 1);
            if group + 1 < (SAMPLES / GROUP_SAMPLES) as usize {
                self.asm.jump(back);
            }
        }
        self.asm.bind(back);
        self.asm.alu64(Alu::Add, R8, R0).load(Size::Dw, R1, R6, window::MARK).jump_if(
            Cond::Sgt,
            R8,
            R1,
            ahead,
        );
        self.asm.mov(R8, R1);
        self.asm.bind(ahead);
        self.asm.store(Size::Dw, R6, window::STATE, 0);
        self.put_place(exits);
    }
}

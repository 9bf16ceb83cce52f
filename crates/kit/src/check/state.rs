//! What is known before an instruction: which registers are written, which of them point into the frame and where, which
//! bytes of the frame are written.

use super::effect::{ARGS, Regs, bit};
use crate::asm::Reg;

/// Bytes of a frame.
pub(super) const FRAME: i32 = 512;

/// What is true on every way that was followed so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) written: Regs,
    /// Distance from `r10`, of registers that are a known one.
    frame: [Option<i32>; 11],
    /// A bit for each byte, the lowest address first.
    stack: [u64; 8],
    /// From this distance from `r10` on, the frame may be written through addresses that are not followed.
    escaped: i32,
}

impl State {
    /// At the start of a function.
    pub(super) fn entry(args: Regs) -> State {
        let mut frame = [None; 11];
        frame[Reg::R10 as usize] = Some(0);
        State { written: args & ARGS | bit(Reg::R10), frame, stack: [0; 8], escaped: 0 }
    }

    /// Keeps what is true of both; whether that is less than before.
    pub(super) fn meet(&mut self, other: &State) -> bool {
        let before = self.clone();
        self.written &= other.written;
        self.escaped = self.escaped.min(other.escaped);
        for (mine, theirs) in self.frame.iter_mut().zip(other.frame) {
            if *mine != theirs {
                // An address into the frame that is not followed from here on.
                (*mine, self.escaped) = (None, -FRAME);
            }
        }
        for (mine, theirs) in self.stack.iter_mut().zip(other.stack) {
            *mine &= theirs;
        }
        *self != before
    }

    /// A register is written with something that does not point into the frame.
    pub(super) fn write(&mut self, reg: Reg) {
        self.point(reg, None);
    }

    /// A register is written with an address this far from `r10`.
    pub(super) fn point(&mut self, reg: Reg, distance: Option<i32>) {
        self.written |= bit(reg);
        self.frame[reg as usize] = distance;
    }

    /// How far from `r10` a register points.
    pub(super) fn pointer(&self, reg: Reg) -> Option<i32> {
        self.frame[reg as usize]
    }

    /// `r1` to `r5` hold nothing.
    pub(super) fn clobber(&mut self) {
        self.written &= !ARGS;
        self.frame[1..6].fill(None);
    }

    /// Bytes of the frame are written.
    pub(super) fn fill(&mut self, distance: i32, len: usize) {
        for at in bytes(distance, len) {
            self.stack[at / 64] |= 1 << (at % 64);
        }
    }

    /// From here on to its end, the frame may be written by others.
    pub(super) fn escape(&mut self, distance: i32) {
        self.escaped = self.escaped.min(distance);
    }

    /// Whether these bytes of the frame are written.
    pub(super) fn filled(&self, distance: i32, len: usize) -> bool {
        let escaped = (self.escaped.max(-FRAME) + FRAME) as usize;
        bytes(distance, len).all(|at| at >= escaped || self.stack[at / 64] >> (at % 64) & 1 == 1)
    }
}

/// Indexes of bytes, those outside of the frame left out.
fn bytes(distance: i32, len: usize) -> impl Iterator<Item = usize> {
    let start = i64::from(distance) + i64::from(FRAME);
    let end = (start + len as i64).clamp(0, FRAME.into());
    start.clamp(0, FRAME.into()) as usize..end as usize
}

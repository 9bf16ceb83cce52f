//! An automaton, byte by byte, and the way to and from its sieve.

use super::drive::FAST;
use super::sieve::LOCATE;
use super::{Emit, Exits};
use crate::asm::{Alu, Cond, Label, Reg, Size};
use crate::compile::anchor::{DEAD, MATCH, TAIL_BYTES};
use crate::compile::plan::Walk;
use crate::compile::sieve::{GROUP_GRAMS, Sieve};
use crate::compile::{tables, window};

use Reg::{R0, R1, R2, R3, R4, R5, R6, R8, R9};

/// Bytes that one round walks.
pub(super) const WALK_SPAN: u32 = 6;
// A tail is looked at by whole rounds.
const _: () = assert!(TAIL_BYTES.is_multiple_of(WALK_SPAN));

impl Walk {
    /// The state of the scan at the start of the data.
    pub(super) fn start(&self) -> i32 {
        if self.sieve.is_some() { FAST } else { 0 }
    }

    /// Rounds that are enough. At worst a walk of a round follows each round of the sieve, and the last bytes go one
    /// by one. Where grams are located, a round for that goes before each walk, and groups without one take two rounds.
    /// Tails may walk as much again; where they would walk more, the data counts as a match.
    pub(super) fn rounds(&self, limit: u32, locates: bool) -> u32 {
        let walked = limit / WALK_SPAN + WALK_SPAN + 1;
        let sieved = match self.sieve.as_ref().map(|sieved| sieved.sieve) {
            None => walked,
            Some(Sieve::Grams(grams, _)) if locates => 3 * walked + 2 * limit / (GROUP_GRAMS * grams.stride),
            Some(sieve) => 2 * walked + limit / sieve.span(),
        };
        sieved + if self.tails { walked } else { 0 }
    }

    /// Whether it is told of each byte apart what is accepted there.
    pub(in crate::compile) fn looks_at_every_byte(&self) -> bool {
        self.notes || self.tails
    }
}

impl Emit<'_> {
    /// One round: of the sieve, or of a few bytes, or at the end of the data of one byte. With `enough`, patterns are
    /// noted and only one of these ends the scan.
    pub(super) fn walk_round(&mut self, walk: &Walk, enough: Option<u32>, exits: Exits) {
        let [end, slow, one] = [(); 3].map(|()| self.asm.label());
        self.take_place(end);
        self.asm.load(Size::Dw, R5, R6, window::STATE);
        if let Some(sieved) = &walk.sieve {
            self.leave_if(Cond::Ne, R5, FAST, slow);
            self.sieve_round(sieved.sieve, walk.place, exits);
            self.asm.bind(slow);
            if let (Sieve::Grams(grams, bits), true) = (sieved.sieve, self.locates()) {
                let walks = self.asm.label();
                self.asm.jump_if(Cond::Ne, R5, LOCATE, walks);
                self.locate_round(grams, bits, walk.place, exits);
                self.asm.bind(walks);
            }
        }
        if walk.tails {
            self.tail_too_long(exits);
        }
        self.walk_tables(walk);
        self.asm.load(Size::Dw, R1, R6, window::LENGTH).alu64(Alu::Sub, R1, R8);
        self.leave_if(Cond::Lt, R1, WALK_SPAN as i32, one);
        self.steps(walk, WALK_SPAN, enough, exits);
        self.asm.bind(one);
        self.steps(walk, 1, enough, exits);
        self.asm.bind(end);
        if walk.tails {
            // Data that ends within a tail: what stands behind the text is still to be walked.
            self.asm.load(Size::Dw, R1, R6, window::EXTRA).jump_if(Cond::Eq, R1, 0, exits.no);
            self.asm.load(Size::Dw, R5, R6, window::STATE);
            self.walk_tables(walk);
            self.row_word(walk, tables::PARAM_END);
            self.asm.jump_if(Cond::Ne, R1, 0, exits.yes);
            self.leave_tail(exits);
        } else {
            self.walk_end(walk, exits);
        }
    }

    /// To `r0` the first row that accepts, to `r4` the classes, to `r2` the rows.
    fn walk_tables(&mut self, walk: &Walk) {
        self.asm
            .load(Size::Dw, R0, R9, walk.place.params + tables::PARAM_ACCEPTS)
            .mov(R4, R9)
            .alu64(Alu::Add, R4, walk.place.bytes as i32)
            .mov(R2, R9)
            .alu64(Alu::Add, R2, walk.place.rows as i32);
    }

    /// Walks `count` bytes, then goes on: by the sieve, if nothing is half found. A walk that notes looks at every byte
    /// for what is accepted there; one that does not stays where it accepts, and looks once.
    fn steps(&mut self, walk: &Walk, count: u32, enough: Option<u32>, exits: Exits) {
        let mask = walk.capacity_bytes as i32 - 4;
        let accepting: Vec<Label> = (0..count).map(|_| self.asm.label()).collect();
        for (at, &accepts) in accepting.iter().enumerate() {
            self.asm
                .load(Size::B, R1, R3, window::DATA + at as i16)
                .alu64(Alu::Lsh, R1, 1)
                .alu64(Alu::Add, R1, R4)
                .load(Size::H, R1, R1, 0)
                .alu64(Alu::Add, R5, R1)
                .alu64(Alu::And, R5, mask)
                .alu64(Alu::Add, R5, R2)
                .load(Size::W, R5, R5, 0);
            if walk.looks_at_every_byte() {
                self.leave_if(Cond::Ge, R5, R0, accepts);
            }
        }
        if !walk.looks_at_every_byte() {
            self.leave_if(Cond::Ge, R5, R0, exits.yes);
        }
        self.asm.alu64(Alu::Add, R8, count as i32);
        let put = self.asm.here();
        self.put_state(walk, exits);
        if walk.looks_at_every_byte() {
            self.behind(&accepting);
            self.row_word(walk, tables::PARAM_PATTERNS);
        }
        if let Some(enough) = enough {
            self.note(enough, put, exits);
        } else if walk.tails {
            self.accepted(exits);
        }
    }

    /// Puts state and index back. In the state where nothing is half found the sieve goes on from here.
    fn put_state(&mut self, walk: &Walk, exits: Exits) {
        if walk.sieve.is_some() {
            let half = self.asm.label();
            self.asm.jump_if(Cond::Ne, R5, 0, half);
            self.asm.mov(R5, FAST).store(Size::Dw, R6, window::MARK, R8);
            self.asm.bind(half);
        }
        self.asm.store(Size::Dw, R6, window::STATE, R5);
        self.put_place(exits);
    }

    /// To `r8` the place behind the byte that led to a state that accepts.
    fn behind(&mut self, accepting: &[Label]) {
        let behind = self.asm.label();
        for (at, &accepts) in accepting.iter().enumerate() {
            self.asm.bind(accepts);
            self.asm.alu64(Alu::Add, R8, at as i32 + 1);
            if at + 1 < accepting.len() {
                self.asm.jump(behind);
            }
        }
        self.asm.bind(behind);
    }

    /// Notes the patterns in `r1` and goes on.
    fn note(&mut self, enough: u32, put: Label, exits: Exits) {
        self.asm.load(Size::Dw, R4, R6, window::SEEN).alu64(Alu::Or, R4, R1).store(
            Size::Dw,
            R6,
            window::SEEN,
            R4,
        );
        self.asm.jump_if32(Cond::Set, R4, enough.cast_signed(), exits.yes).jump(put);
    }

    /// What was accepted, in `r1`: a match, a tail that cannot follow any more, or a text whose tail is walked now.
    fn accepted(&mut self, exits: Exits) {
        let dead = self.asm.label();
        self.asm.jump_if(Cond::Eq, R1, MATCH as i32, exits.yes).jump_if(Cond::Eq, R1, DEAD as i32, dead);
        self.asm.store(Size::Dw, R6, window::EXTRA, R8).store(Size::Dw, R6, window::COUNTERS, R5).store(
            Size::Dw,
            R6,
            window::STATE,
            R1,
        );
        self.put_place(exits);
        self.asm.bind(dead);
        self.leave_tail(exits);
    }

    /// Goes back to where the tail began, and to the state there.
    fn leave_tail(&mut self, exits: Exits) {
        self.asm
            .load(Size::Dw, R8, R6, window::EXTRA)
            .store(Size::Dw, R6, window::EXTRA, 0)
            .load(Size::Dw, R1, R6, window::COUNTERS)
            .store(Size::Dw, R6, window::STATE, R1);
        self.put_place(exits);
    }

    /// A tail that goes on for long counts as there.
    fn tail_too_long(&mut self, exits: Exits) {
        let short = self.asm.label();
        self.asm
            .load(Size::Dw, R1, R6, window::EXTRA)
            .jump_if(Cond::Eq, R1, 0, short)
            .alu64(Alu::Add, R1, TAIL_BYTES as i32)
            .jump_if(Cond::Ge, R8, R1, exits.yes);
        self.asm.bind(short);
    }

    /// To `r1` a word of the row in `r5` whose offset is a parameter. Needs the rows in `r2`.
    fn row_word(&mut self, walk: &Walk, param: i16) {
        self.asm
            .load(Size::Dw, R1, R9, walk.place.params + param)
            .alu64(Alu::Add, R1, R5)
            .alu64(Alu::And, R1, walk.capacity_bytes as i32 - 4)
            .alu64(Alu::Add, R1, R2)
            .load(Size::W, R1, R1, 0);
    }

    /// The end of the data: it may be what an expression waited for.
    fn walk_end(&mut self, walk: &Walk, exits: Exits) {
        if walk.sieve.is_none() {
            self.asm.load(Size::Dw, R5, R6, window::STATE);
            self.walk_tables(walk);
            self.row_word(walk, tables::PARAM_END);
            self.asm.jump_if(Cond::Ne, R1, 0, exits.yes);
        }
        self.asm.jump(exits.no);
    }
}

//! Sieves: many bytes a round, and where something may be, the walk begins a little before it.

use super::drive::FAST;
use super::{Emit, Exits};
use crate::asm::{Alu, Cond, Label, Reg, Size};
use crate::compile::LoopShape;
use crate::compile::plan::Place;
use crate::compile::sieve::{self, Sieve};
use crate::compile::text::Grams;
use crate::compile::{tables, window};

use Reg::{R0, R1, R2, R3, R4, R5, R6, R8, R9};

/// The state of a scan that has found a group with a gram.
pub(super) const LOCATE: i32 = -2;
/// 1 in every byte.
const ONES: u64 = 0x0101_0101_0101_0101;
/// The highest bit of every byte.
pub(super) const HIGH: u64 = 0x8080_8080_8080_8080;
/// The bit that letters differ in by case, in every byte.
const CASE: u64 = 0x2020_2020_2020_2020;

impl Emit<'_> {
    /// One round of a sieve; `r3` and `r8` are at the data. What may be something becomes the place where a walk
    /// starts, in state 0, not before the mark.
    pub(super) fn sieve_round(&mut self, sieve: Sieve, place: Place, exits: Exits) {
        let found = self.asm.label();
        match sieve {
            Sieve::Bytes { pair, fold } => self.bytes_round(pair, fold, place, found),
            Sieve::Grams(grams, bits) => {
                if grams.skips_zeros && self.locates() {
                    self.pass_zeros(exits);
                }
                self.asm.mov(R4, R9).alu64(Alu::Add, R4, place.grams as i32);
                self.grams_round(grams, bits, found, exits);
            }
        }
        self.asm.alu64(Alu::Add, R8, sieve.span() as i32);
        self.put_place(exits);
        if self.asm.is_referred_to(found) {
            self.asm.bind(found);
            self.reload_tables();
            self.go_back(place, exits);
        }
    }

    /// Passes over zeros, of which there are long runs in what programs have laid out and not filled. Mostly the first word is none.
    fn pass_zeros(&mut self, exits: Exits) {
        let some = self.asm.label();
        let word = |word: u32| window::DATA + 8 * word as i16;
        self.asm.load(Size::Dw, R0, R3, word(0)).jump_if(Cond::Ne, R0, 0, some);
        for at in 1..sieve::ZEROS_SPAN / 8 {
            self.asm.load(Size::Dw, R1, R3, word(at)).alu64(Alu::Or, R0, R1);
        }
        self.asm.jump_if(Cond::Ne, R0, 0, some).alu64(Alu::Add, R8, sieve::ZEROS_SPAN as i32);
        self.put_place(exits);
        self.asm.bind(some);
    }

    /// From where something was found to where it may begin: the walk starts there.
    fn go_back(&mut self, place: Place, exits: Exits) {
        let ahead = self.asm.label();
        self.asm
            .load(Size::Dw, R1, R9, place.params + tables::PARAM_BACK)
            .alu64(Alu::Sub, R8, R1)
            .load(Size::Dw, R1, R6, window::MARK)
            .jump_if(Cond::Sgt, R8, R1, ahead)
            .mov(R8, R1);
        self.asm.bind(ahead);
        self.asm.store(Size::Dw, R6, window::STATE, 0);
        self.put_place(exits);
    }

    /// Eight words; the word with something moves the index there.
    pub(super) fn bytes_round(&mut self, pair: bool, fold: bool, place: Place, found: Label) {
        let words = (sieve::BYTES_SPAN / 8) as i16;
        let (some, none) = (self.asm.label(), self.asm.label());
        self.asm.load(Size::Dw, R4, R9, place.params + tables::PARAM_FIRST).load_imm(R5, ONES);
        if pair {
            // The second byte takes the place of the tables, its address that of the index.
            self.asm
                .load(Size::Dw, R8, R9, place.params + tables::PARAM_DISTANCE)
                .alu64(Alu::And, R8, 0xff)
                .alu64(Alu::Add, R8, R3)
                .load(Size::Dw, R9, R9, place.params + tables::PARAM_SECOND);
        } else if fold {
            self.asm.load_imm(R8, CASE);
        }
        self.asm.mov(R0, 0);
        for word in 0..words {
            self.zero_bytes(word, pair, fold);
            self.asm.alu64(Alu::Or, R0, R2);
        }
        self.asm.load_imm(R1, HIGH).alu64(Alu::And, R0, R1);
        self.leave_if(Cond::Ne, R0, 0, some);
        self.asm.jump(none);
        self.asm.bind(some);
        self.which_word(words, pair, fold, found);
        self.asm.bind(none);
        self.asm.load(Size::Dw, R8, R6, window::INDEX);
        self.reload_tables();
    }

    /// Adds to the index the words before the first that has something, and goes to `found`.
    fn which_word(&mut self, words: i16, pair: bool, fold: bool, found: Label) {
        let here: Vec<Label> = (0..words).map(|_| self.asm.label()).collect();
        for word in 0..words - 1 {
            self.zero_bytes(word, pair, fold);
            self.asm.load_imm(R1, HIGH).alu64(Alu::And, R2, R1);
            self.leave_if(Cond::Ne, R2, 0, here[word as usize]);
        }
        self.asm.mov(R1, 8 * (i32::from(words) - 1));
        let add = self.asm.here();
        self.asm.load(Size::Dw, R8, R6, window::INDEX).alu64(Alu::Add, R8, R1).jump(found);
        for word in 0..words - 1 {
            self.asm.bind(here[word as usize]);
            self.asm.mov(R1, 8 * i32::from(word)).jump(add);
        }
    }

    /// To `r2` a word whose high bits say which of eight positions have the byte, or both bytes. The lowest is
    /// always right; those above it may not be, which does not matter: where one is, the automaton looks.
    fn zero_bytes(&mut self, word: i16, pair: bool, fold: bool) {
        self.differing(R1, R3, R4, word, fold);
        if pair {
            self.differing(R2, R8, R9, word, fold);
            self.asm.alu64(Alu::Or, R1, R2);
        }
        self.asm.mov(R2, R1).alu64(Alu::Sub, R2, R5).alu64(Alu::Xor, R1, -1).alu64(Alu::And, R2, R1);
    }

    /// To `into` the bits by which eight bytes differ from the one that is sought.
    fn differing(&mut self, into: Reg, from: Reg, sought: Reg, word: i16, fold: bool) {
        self.asm.load(Size::Dw, into, from, window::DATA + 8 * word);
        if fold {
            self.asm.alu64(Alu::Or, into, R8);
        }
        self.asm.alu64(Alu::Xor, into, sought);
    }

    /// Groups of grams. The group with something moves the index there; which gram of it that is, the next round sees
    /// where the verifier does not count them.
    fn grams_round(&mut self, grams: Grams, bits: u32, found: Label, exits: Exits) {
        let group_bytes = (sieve::GROUP_GRAMS * grams.stride) as i32;
        let [done, locate] = [(); 2].map(|()| self.asm.label());
        let groups: Vec<Label> = (0..sieve::GRAM_GROUPS).map(|_| self.asm.label()).collect();
        for (group, &some) in groups.iter().enumerate() {
            for look in 0..sieve::GROUP_GRAMS {
                let into = if look == 0 { R0 } else { R1 };
                let at = group as i32 * group_bytes + (look * grams.stride) as i32;
                self.gram(into, at as i16, grams, bits);
                if look != 0 {
                    self.asm.alu64(Alu::Or, R0, R1);
                }
            }
            self.leave_if(Cond::Ne, R0, 0, some);
        }
        self.asm.jump(done);
        let then = if self.locates() { locate } else { found };
        for (group, &some) in groups.iter().enumerate() {
            self.asm.bind(some);
            self.asm.alu64(Alu::Add, R8, group as i32 * group_bytes).jump(then);
        }
        if self.locates() {
            self.asm.bind(locate);
            self.asm.store(Size::Dw, R6, window::STATE, LOCATE);
            self.put_place(exits);
        }
        self.asm.bind(done);
    }

    /// Whether grams are located by a round of their own.
    pub(super) fn locates(&self) -> bool {
        self.setting.host.shape != LoopShape::Bounded
    }

    /// One round that looks at the grams of a group one by one, and at their marks. From where there is one the walk
    /// starts; without one the sieve goes on behind the group. `r5` is how far ahead the gram is.
    pub(super) fn locate_round(&mut self, grams: Grams, bits: u32, place: Place, exits: Exits) {
        let found = self.asm.label();
        self.asm.mov(R4, R9).alu64(Alu::Add, R4, place.grams as i32).mov(R5, 0);
        for look in 0..sieve::GROUP_GRAMS {
            self.hash(R0, look as i16 * grams.stride as i16, grams);
            self.asm.mov(R1, R0).alu32(Alu::Rsh, R1, 32 - bits as i32).alu64(Alu::Add, R1, R4);
            self.asm.load(Size::B, R1, R1, 0);
            self.asm.alu32(Alu::Rsh, R0, sieve::mark_shift(bits).cast_signed()).alu64(Alu::And, R0, 0xff);
            // Its mark, or any: the product of both differences is 0.
            self.asm.alu64(Alu::Or, R0, 1).alu64(Alu::Xor, R0, R1);
            self.asm.alu64(Alu::Xor, R1, i32::from(sieve::ANY_MARK)).alu64(Alu::Mul, R0, R1);
            self.asm.jump_if(Cond::Eq, R0, 0, found).alu64(Alu::Add, R5, grams.stride.cast_signed());
        }
        self.asm.alu64(Alu::Add, R8, (sieve::GROUP_GRAMS * grams.stride).cast_signed());
        self.asm.store(Size::Dw, R6, window::STATE, FAST);
        self.put_place(exits);
        self.asm.bind(found);
        self.asm.alu64(Alu::Add, R8, R5);
        self.go_back(place, exits);
    }

    /// To `into` the hash of the gram at `at`.
    fn hash(&mut self, into: Reg, at: i16, grams: Grams) {
        self.asm.load(Size::W, into, R3, window::DATA + at);
        if grams.fold {
            self.asm.alu32(Alu::Or, into, CASE as i32);
        }
        self.asm.alu32(Alu::Mul, into, sieve::multiplier(grams.gram).cast_signed());
    }

    /// To `into` whether the gram at `at` is marked.
    fn gram(&mut self, into: Reg, at: i16, grams: Grams, bits: u32) {
        self.hash(into, at, grams);
        self.asm.alu32(Alu::Rsh, into, 32 - bits as i32).alu64(Alu::Add, into, R4).load(
            Size::B,
            into,
            into,
            0,
        );
    }
}

//! Instructions one after the other, with labels that are resolved at the end.

use super::insn::{Alu, Atomic, Cond, Insn, Operand, Reg, Size};
use super::op;
use crate::program::MapRef;

/// A place in the program: made by [`Asm::label`], put by [`Asm::bind`], used by jumps and calls before or after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Label(usize);

/// A program that cannot be finished.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AsmError {
    /// A label was used and never bound.
    #[error("assemble instruction {at}: its target is not in the program")]
    Unbound {
        /// Index of the instruction.
        at: usize,
    },
    /// A jump of 16 bits cannot reach its target.
    #[error("assemble instruction {at}: its target is {distance} instructions away, 32767 is the most")]
    TooFar {
        /// Index of the instruction.
        at: usize,
        /// Instructions between.
        distance: i64,
    },
}

/// How a label gets into its instruction.
#[derive(Clone, Copy, Debug)]
enum Fixup {
    /// 16 bits in the offset.
    Offset,
    /// 32 bits in the immediate.
    Immediate,
}

/// Builds a program.
#[derive(Clone, Debug, Default)]
pub struct Asm {
    insns: Vec<Insn>,
    /// Where each label is.
    labels: Vec<Option<usize>>,
    fixups: Vec<(usize, Label, Fixup)>,
}

impl Asm {
    /// An empty program.
    pub fn new() -> Asm {
        Asm::default()
    }

    /// Instructions so far; a 64-bit immediate counts as two.
    pub fn len(&self) -> usize {
        self.insns.len()
    }

    /// Whether nothing has been added.
    pub fn is_empty(&self) -> bool {
        self.insns.is_empty()
    }

    /// A label that is nowhere yet.
    pub fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// Puts a label before the next instruction. Putting it twice moves it.
    pub fn bind(&mut self, label: Label) {
        self.labels[label.0] = Some(self.insns.len());
    }

    /// A label that is here.
    pub fn here(&mut self) -> Label {
        let label = self.label();
        self.bind(label);
        label
    }

    /// Where a label is, if it has been put.
    pub fn position(&self, label: Label) -> Option<usize> {
        self.labels[label.0]
    }

    /// Whether a jump, a call or a load refers to a label.
    pub fn is_referred_to(&self, label: Label) -> bool {
        self.fixups.iter().any(|&(_, used, _)| used == label)
    }

    /// Any instruction as it is.
    pub fn push(&mut self, insn: Insn) -> &mut Asm {
        self.insns.push(insn);
        self
    }

    /// `dst = dst OP operand` on 64 bits.
    pub fn alu64(&mut self, alu: Alu, dst: Reg, operand: impl Into<Operand>) -> &mut Asm {
        self.push(Insn::alu64(alu, dst, operand))
    }

    /// `dst = dst OP operand` on 32 bits.
    pub fn alu32(&mut self, alu: Alu, dst: Reg, operand: impl Into<Operand>) -> &mut Asm {
        self.push(Insn::alu32(alu, dst, operand))
    }

    /// `dst = operand` on 64 bits.
    pub fn mov(&mut self, dst: Reg, operand: impl Into<Operand>) -> &mut Asm {
        self.alu64(Alu::Mov, dst, operand)
    }

    /// `dst = (u32)operand`
    pub fn mov32(&mut self, dst: Reg, operand: impl Into<Operand>) -> &mut Asm {
        self.alu32(Alu::Mov, dst, operand)
    }

    /// `dst = imm` in as few instructions as it takes.
    pub fn load_imm(&mut self, dst: Reg, imm: u64) -> &mut Asm {
        match i32::try_from(imm.cast_signed()) {
            Ok(small) => self.mov(dst, small),
            Err(_) => self.pair(Insn::lddw(dst, 0, imm)),
        }
    }

    /// `dst = *(size *)(base + off)`
    pub fn load(&mut self, size: Size, dst: Reg, base: Reg, off: i16) -> &mut Asm {
        self.push(Insn::load(size, dst, base, off))
    }

    /// `*(size *)(base + off) = operand`
    pub fn store(&mut self, size: Size, base: Reg, off: i16, operand: impl Into<Operand>) -> &mut Asm {
        self.push(Insn::store(size, base, off, operand))
    }

    /// `lock *(size *)(base + off) OP src`
    pub fn atomic(&mut self, atomic: Atomic, size: Size, base: Reg, off: i16, src: Reg) -> &mut Asm {
        self.push(Insn::atomic(atomic, size, base, off, src))
    }

    /// `dst = map`
    pub fn load_map(&mut self, dst: Reg, map: MapRef) -> &mut Asm {
        self.pair(Insn::lddw(dst, op::PSEUDO_MAP_IDX, u64::from(map.0)))
    }

    /// `dst = address of byte off in value 0 of an array map`
    pub fn load_map_value(&mut self, dst: Reg, map: MapRef, off: u32) -> &mut Asm {
        self.pair(Insn::lddw(dst, op::PSEUDO_MAP_IDX_VALUE, u64::from(off) << 32 | u64::from(map.0)))
    }

    /// `goto label`
    pub fn jump(&mut self, label: Label) -> &mut Asm {
        self.refer(Insn::jump(0), label, Fixup::Offset)
    }

    /// `gotol label`; from 6.6.
    pub fn jump_long(&mut self, label: Label) -> &mut Asm {
        self.refer(Insn::jump_long(0), label, Fixup::Immediate)
    }

    /// `if dst COND operand goto label`, on 64 bits.
    pub fn jump_if(&mut self, cond: Cond, dst: Reg, operand: impl Into<Operand>, label: Label) -> &mut Asm {
        self.refer(Insn::jump_if(cond, dst, operand, 0), label, Fixup::Offset)
    }

    /// `if (u32)dst COND (u32)operand goto label`
    pub fn jump_if32(&mut self, cond: Cond, dst: Reg, operand: impl Into<Operand>, label: Label) -> &mut Asm {
        self.refer(Insn::jump_if32(cond, dst, operand, 0), label, Fixup::Offset)
    }

    /// `may_goto label`; from 6.9.
    pub fn may_goto(&mut self, label: Label) -> &mut Asm {
        self.refer(Insn::may_goto(0), label, Fixup::Offset)
    }

    /// Calls a helper by number.
    pub fn call(&mut self, helper: i32) -> &mut Asm {
        self.push(Insn::call(helper))
    }

    /// Calls the function that starts at `label`.
    pub fn call_local(&mut self, label: Label) -> &mut Asm {
        self.refer(Insn::call_local(0), label, Fixup::Immediate)
    }

    /// `dst = address of the function that starts at label`, as a callback.
    pub fn load_func(&mut self, dst: Reg, label: Label) -> &mut Asm {
        let [first, second] = Insn::lddw(dst, op::PSEUDO_FUNC, 0);
        self.refer(first, label, Fixup::Immediate).push(second)
    }

    /// `return r0`
    pub fn exit(&mut self) -> &mut Asm {
        self.push(Insn::EXIT)
    }

    /// The instructions, every label resolved.
    ///
    /// # Errors
    /// A label that is nowhere, or further than its jump reaches.
    pub fn finish(mut self) -> Result<Vec<Insn>, AsmError> {
        for &(at, label, fixup) in &self.fixups {
            let target = self.labels[label.0].ok_or(AsmError::Unbound { at })?;
            let distance = target as i64 - at as i64 - 1;
            let too_far = AsmError::TooFar { at, distance };
            match fixup {
                Fixup::Offset => self.insns[at].off = distance.try_into().map_err(|_| too_far)?,
                Fixup::Immediate => self.insns[at].imm = distance.try_into().map_err(|_| too_far)?,
            }
        }
        Ok(self.insns)
    }

    fn pair(&mut self, insns: [Insn; 2]) -> &mut Asm {
        self.insns.extend(insns);
        self
    }

    fn refer(&mut self, insn: Insn, label: Label, fixup: Fixup) -> &mut Asm {
        self.fixups.push((self.insns.len(), label, fixup));
        self.push(insn)
    }
}

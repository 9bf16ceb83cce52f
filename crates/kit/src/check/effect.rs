//! Which registers an instruction reads, and which a call leaves without value.

use crate::asm::{Alu, Atomic, Form, Operand, Reg, helper};

/// A set of registers, a bit each.
pub(super) type Regs = u16;

/// One register.
pub(super) const fn bit(reg: Reg) -> Regs {
    1 << reg as u8
}

/// `r1` to `r5`.
pub(super) const ARGS: Regs = 0b11_1110;

/// `r1` and on.
pub(super) const fn args(count: u8) -> Regs {
    ((1 << (count + 1)) - 1) & ARGS
}

/// Registers that an instruction reads. Of a call, those that are known.
pub(super) fn reads(form: &Form) -> Regs {
    match *form {
        Form::Alu { alu: Alu::Mov, operand, .. } => register(operand),
        Form::Alu { dst, operand, .. } | Form::JumpIf { dst, operand, .. } => bit(dst) | register(operand),
        Form::MovSigned { src, .. } | Form::CastSpace { src, .. } | Form::PerCpu { src, .. } => bit(src),
        Form::Neg { dst, .. } | Form::Order { dst, .. } => bit(dst),
        Form::Load { base, .. } | Form::LoadAcquire { base, .. } => bit(base),
        Form::Store { base, operand, .. } => bit(base) | register(operand),
        Form::StoreRelease { base, src, .. } => bit(base) | bit(src),
        Form::Atomic { atomic: Atomic::Cmpxchg, base, src, .. } => bit(Reg::R0) | bit(base) | bit(src),
        Form::Atomic { base, src, .. } => bit(base) | bit(src),
        Form::LoadAbs { .. } => bit(Reg::R6),
        Form::LoadInd { src, .. } => bit(Reg::R6) | bit(src),
        Form::CallReg { reg } => bit(reg),
        Form::CallHelper { helper } => args(helper::args(helper).unwrap_or(0)),
        Form::NoSpec
        | Form::Load64 { .. }
        | Form::Jump { .. }
        | Form::JumpLong { .. }
        | Form::MayGoto { .. }
        | Form::CallLocal { .. }
        | Form::CallKfunc { .. }
        | Form::Exit => 0,
    }
}

/// Whether `r1` to `r5` hold nothing afterwards.
pub(super) fn is_call(form: &Form) -> bool {
    matches!(
        form,
        Form::CallHelper { .. }
            | Form::CallReg { .. }
            | Form::CallLocal { .. }
            | Form::CallKfunc { .. }
            | Form::LoadAbs { .. }
            | Form::LoadInd { .. }
    )
}

fn register(operand: Operand) -> Regs {
    match operand {
        Operand::Reg(reg) => bit(reg),
        Operand::Imm(_) => 0,
    }
}

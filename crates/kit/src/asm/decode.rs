//! From bits to [`Form`].

use super::form::{Form, Imm64, Order, Width};
use super::insn::{Alu, Atomic, Cond, Insn, Operand, Reg, Size};
use super::op;

impl Form {
    /// The first instruction, and how many slots of eight bytes it takes. `None` when it is not an instruction, or
    /// is the first half of one whose second half is missing.
    pub fn decode(insns: &[Insn]) -> Option<(Form, usize)> {
        let insn = *insns.first()?;
        let form = match insn.class() {
            op::CLASS_LD => ld(insn, insns.get(1))?,
            op::CLASS_LDX => ldx(insn)?,
            op::CLASS_ST => st(insn)?,
            op::CLASS_STX => stx(insn)?,
            op::CLASS_ALU => alu(insn, Width::W32)?,
            op::CLASS_ALU64 => alu(insn, Width::W64)?,
            op::CLASS_JMP => jmp(insn)?,
            _ => jmp32(insn)?,
        };
        // Whatever a field holds that the form does not use shows here.
        let (again, second) = form.encode();
        let same = again == insn && second.is_none_or(|second| Some(&second) == insns.get(1));
        same.then_some((form, form.slots()))
    }
}

fn ld(insn: Insn, second: Option<&Insn>) -> Option<Form> {
    let size = Size::of(insn.code);
    match insn.code & op::MODE_MASK {
        op::MODE_IMM if insn.is_lddw() => {
            let next = second?.imm;
            let imm = match insn.src() {
                0 => {
                    Imm64::Value(u64::from(next.cast_unsigned()) << 32 | u64::from(insn.imm.cast_unsigned()))
                }
                op::PSEUDO_MAP_FD => Imm64::MapFd(insn.imm),
                op::PSEUDO_MAP_VALUE => Imm64::MapFdValue(insn.imm, next.cast_unsigned()),
                op::PSEUDO_BTF_ID => Imm64::Variable(insn.imm, next),
                op::PSEUDO_FUNC => Imm64::Function(insn.imm),
                op::PSEUDO_MAP_IDX => Imm64::MapIdx(insn.imm),
                op::PSEUDO_MAP_IDX_VALUE => Imm64::MapIdxValue(insn.imm, next.cast_unsigned()),
                _ => return None,
            };
            Some(Form::Load64 { dst: Reg::new(insn.dst())?, imm })
        }
        op::MODE_ABS if size != Size::Dw => Some(Form::LoadAbs { size, imm: insn.imm }),
        op::MODE_IND if size != Size::Dw => {
            Some(Form::LoadInd { size, src: Reg::new(insn.src())?, imm: insn.imm })
        }
        _ => None,
    }
}

fn ldx(insn: Insn) -> Option<Form> {
    let signed = match insn.code & op::MODE_MASK {
        op::MODE_MEM => false,
        op::MODE_MEMSX if Size::of(insn.code) != Size::Dw => true,
        _ => return None,
    };
    let (dst, base) = (Reg::new(insn.dst())?, Reg::new(insn.src())?);
    Some(Form::Load { size: Size::of(insn.code), signed, dst, base, off: insn.off })
}

fn st(insn: Insn) -> Option<Form> {
    match insn.code & op::MODE_MASK {
        op::MODE_MEM => Some(Form::Store {
            size: Size::of(insn.code),
            base: Reg::new(insn.dst())?,
            off: insn.off,
            operand: Operand::Imm(insn.imm),
        }),
        op::MODE_NOSPEC => Some(Form::NoSpec),
        _ => None,
    }
}

fn stx(insn: Insn) -> Option<Form> {
    let (size, off) = (Size::of(insn.code), insn.off);
    let (dst, src) = (Reg::new(insn.dst())?, Reg::new(insn.src())?);
    match insn.code & op::MODE_MASK {
        op::MODE_MEM => Some(Form::Store { size, base: dst, off, operand: Operand::Reg(src) }),
        op::MODE_ATOMIC => match insn.imm {
            op::LOAD_ACQUIRE => Some(Form::LoadAcquire { size, dst, base: src, off }),
            op::STORE_RELEASE => Some(Form::StoreRelease { size, base: dst, off, src }),
            imm if matches!(size, Size::W | Size::Dw) => {
                let atomic = *Atomic::ALL.iter().find(|atomic| **atomic as i32 == imm)?;
                Some(Form::Atomic { atomic, size, base: dst, off, src })
            }
            _ => None,
        },
        _ => None,
    }
}

fn alu(insn: Insn, width: Width) -> Option<Form> {
    let dst = Reg::new(insn.dst())?;
    match insn.code & op::OP_MASK {
        op::ALU_NEG => Some(Form::Neg { width, dst }),
        op::ALU_END => {
            let order = match (width, insn.code & op::SRC_X) {
                (Width::W64, _) => Order::Swap,
                (Width::W32, op::SRC_K) => Order::Le,
                (Width::W32, _) => Order::Be,
            };
            let bits = u8::try_from(insn.imm).ok().filter(|bits| matches!(bits, 16 | 32 | 64))?;
            Some(Form::Order { order, bits, dst })
        }
        code => {
            let alu = *Alu::ALL.iter().find(|alu| **alu as u8 == code)?;
            match (alu, operand(insn)?, insn.off) {
                (_, operand, 0) => Some(Form::Alu { width, alu, signed: false, dst, operand }),
                (Alu::Div | Alu::Mod, operand, 1) => {
                    Some(Form::Alu { width, alu, signed: true, dst, operand })
                }
                (Alu::Mov, Operand::Reg(src), off) => mov(width, dst, src, off, insn.imm),
                _ => None,
            }
        }
    }
}

/// The moves that the offset makes special.
fn mov(width: Width, dst: Reg, src: Reg, off: i16, imm: i32) -> Option<Form> {
    match (width, off) {
        (_, 8 | 16) | (Width::W64, 32) => Some(Form::MovSigned { width, bits: off as u8, dst, src }),
        (Width::W64, op::CAST_SPACE) => {
            let spaces = imm.cast_unsigned();
            Some(Form::CastSpace { dst, src, to: (spaces >> 16) as u16, from: spaces as u16 })
        }
        (Width::W64, op::PER_CPU) => Some(Form::PerCpu { dst, src }),
        _ => None,
    }
}

fn jmp(insn: Insn) -> Option<Form> {
    let source = insn.code & op::SRC_X;
    match (insn.code & op::OP_MASK, source) {
        (op::JMP_JA, op::SRC_K) => Some(Form::Jump { off: insn.off }),
        (op::JMP_CALL, op::SRC_K) => match insn.src() {
            op::CALL_HELPER => Some(Form::CallHelper { helper: insn.imm }),
            op::CALL_LOCAL => Some(Form::CallLocal { off: insn.imm }),
            op::CALL_KFUNC => Some(Form::CallKfunc { id: insn.imm, module: insn.off }),
            _ => None,
        },
        (op::JMP_CALL, _) => Some(Form::CallReg { reg: Reg::new(insn.dst())? }),
        (op::JMP_EXIT, op::SRC_K) => Some(Form::Exit),
        (op::JMP_JCOND, op::SRC_K) => Some(Form::MayGoto { off: insn.off }),
        _ => jump_if(insn, Width::W64),
    }
}

fn jmp32(insn: Insn) -> Option<Form> {
    match insn.code & !op::CLASS_MASK {
        op::JMP_JA => Some(Form::JumpLong { off: insn.imm }),
        _ => jump_if(insn, Width::W32),
    }
}

fn jump_if(insn: Insn, width: Width) -> Option<Form> {
    let cond = *Cond::ALL.iter().find(|cond| **cond as u8 == insn.code & op::OP_MASK)?;
    let (dst, operand) = (Reg::new(insn.dst())?, operand(insn)?);
    Some(Form::JumpIf { width, cond, dst, operand, off: insn.off })
}

fn operand(insn: Insn) -> Option<Operand> {
    match insn.code & op::SRC_X {
        op::SRC_K => Some(Operand::Imm(insn.imm)),
        _ => Some(Operand::Reg(Reg::new(insn.src())?)),
    }
}

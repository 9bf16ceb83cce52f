//! From [`Form`] to bits.

use super::form::{Form, Imm64, Order, Width};
use super::insn::{Alu, Insn, Operand, Reg, Size};
use super::op;

impl Form {
    /// The instruction, and its second half if it has one.
    pub fn encode(&self) -> (Insn, Option<Insn>) {
        let insn = match *self {
            Form::Load64 { dst, imm } => {
                let [first, second] = imm.encode(dst);
                return (first, Some(second));
            }
            Form::Alu { width, alu, signed, dst, operand } => {
                Insn { off: signed.into(), ..alu_op(width, alu, dst, operand) }
            }
            Form::MovSigned { width, bits, dst, src } => {
                Insn { off: bits.into(), ..alu_op(width, Alu::Mov, dst, Operand::Reg(src)) }
            }
            Form::CastSpace { dst, src, to, from } => {
                let spaces = u32::from(to) << 16 | u32::from(from);
                Insn { off: op::CAST_SPACE, imm: spaces.cast_signed(), ..Insn::alu64(Alu::Mov, dst, src) }
            }
            Form::PerCpu { dst, src } => Insn { off: op::PER_CPU, ..Insn::alu64(Alu::Mov, dst, src) },
            Form::Neg { width: Width::W64, dst } => Insn::neg64(dst),
            Form::Neg { width: Width::W32, dst } => one(op::CLASS_ALU | op::ALU_NEG, dst as u8, 0),
            Form::Order { order, bits, dst } => one(order_code(order), dst as u8, bits.into()),
            Form::Load { size, signed: false, dst, base, off } => Insn::load(size, dst, base, off),
            Form::Load { size, signed: true, dst, base, off } => {
                Insn::new(op::CLASS_LDX | op::MODE_MEMSX | size as u8, dst as u8, base as u8, off, 0)
            }
            Form::Store { size, base, off, operand } => Insn::store(size, base, off, operand),
            Form::Atomic { atomic, size, base, off, src } => Insn::atomic(atomic, size, base, off, src),
            Form::LoadAcquire { size, dst, base, off } => ordered(size, dst, base, off, op::LOAD_ACQUIRE),
            Form::StoreRelease { size, base, off, src } => ordered(size, base, src, off, op::STORE_RELEASE),
            Form::NoSpec => one(op::CLASS_ST | op::MODE_NOSPEC, 0, 0),
            Form::LoadAbs { size, imm } => one(op::CLASS_LD | op::MODE_ABS | size as u8, 0, imm),
            Form::LoadInd { size, src, imm } => {
                Insn::new(op::CLASS_LD | op::MODE_IND | size as u8, 0, src as u8, 0, imm)
            }
            Form::Jump { off } => Insn::jump(off),
            Form::JumpLong { off } => Insn::jump_long(off),
            Form::JumpIf { width: Width::W64, cond, dst, operand, off } => {
                Insn::jump_if(cond, dst, operand, off)
            }
            Form::JumpIf { width: Width::W32, cond, dst, operand, off } => {
                Insn::jump_if32(cond, dst, operand, off)
            }
            Form::MayGoto { off } => Insn::may_goto(off),
            Form::CallHelper { helper } => Insn::call(helper),
            Form::CallReg { reg } => one(op::CLASS_JMP | op::JMP_CALL | op::SRC_X, reg as u8, 0),
            Form::CallLocal { off } => Insn::call_local(off),
            Form::CallKfunc { id, module } => Insn::call_kfunc(id, module),
            Form::Exit => Insn::EXIT,
        };
        (insn, None)
    }
}

impl Imm64 {
    fn encode(self, dst: Reg) -> [Insn; 2] {
        let pair = |low: i32, high: u32| u64::from(high) << 32 | u64::from(low.cast_unsigned());
        match self {
            Imm64::Value(value) => Insn::lddw(dst, 0, value),
            Imm64::MapFd(fd) => Insn::lddw(dst, op::PSEUDO_MAP_FD, pair(fd, 0)),
            Imm64::MapFdValue(fd, off) => Insn::lddw(dst, op::PSEUDO_MAP_VALUE, pair(fd, off)),
            Imm64::Variable(id, fd) => Insn::lddw(dst, op::PSEUDO_BTF_ID, pair(id, fd.cast_unsigned())),
            Imm64::Function(off) => Insn::lddw(dst, op::PSEUDO_FUNC, pair(off, 0)),
            Imm64::MapIdx(index) => Insn::lddw(dst, op::PSEUDO_MAP_IDX, pair(index, 0)),
            Imm64::MapIdxValue(index, off) => Insn::lddw(dst, op::PSEUDO_MAP_IDX_VALUE, pair(index, off)),
        }
    }
}

/// One with neither source register nor offset.
const fn one(code: u8, dst: u8, imm: i32) -> Insn {
    Insn::new(code, dst, 0, 0, imm)
}

const fn order_code(order: Order) -> u8 {
    match order {
        Order::Le => op::CLASS_ALU | op::ALU_END | op::SRC_K,
        Order::Be => op::CLASS_ALU | op::ALU_END | op::SRC_X,
        Order::Swap => op::CLASS_ALU64 | op::ALU_END,
    }
}

fn alu_op(width: Width, alu: Alu, dst: Reg, operand: Operand) -> Insn {
    match width {
        Width::W32 => Insn::alu32(alu, dst, operand),
        Width::W64 => Insn::alu64(alu, dst, operand),
    }
}

fn ordered(size: Size, dst: Reg, src: Reg, off: i16, imm: i32) -> Insn {
    Insn::new(op::CLASS_STX | op::MODE_ATOMIC | size as u8, dst as u8, src as u8, off, imm)
}

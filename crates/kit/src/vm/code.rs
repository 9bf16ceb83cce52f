//! Instructions as the interpreter runs them: one flat code an instruction, operands taken apart.
//!
//! One [`Op`] stands for one slot of eight bytes, so distances stay what they are. What can be judged without running
//! (bits that are no instruction, writes to r10) is judged here, but told only when it is reached.

use crate::asm::{Alu, Cond, Form, Imm64, Insn, Operand, Order, Reg, Size, Width};

/// One slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Op {
    pub(super) code: Code,
    /// Register that is written, or the base of a store.
    pub(super) dst: u8,
    /// Register that is read, or the base of a load.
    pub(super) src: u8,
    /// Distance of a jump, offset in memory, upper half of a 64-bit immediate.
    pub(super) off: i32,
    pub(super) imm: i32,
}

/// Gives `$callback` a table of the operations that come in four: 64 and 32 bits, with immediate and register.
macro_rules! operations {
    ($callback:ident!($($args:tt)*)) => {
        $callback! { ($($args)*)
            alu {
                Add64K Add64R Add32K Add32R (Add, false);
                Sub64K Sub64R Sub32K Sub32R (Sub, false);
                Mul64K Mul64R Mul32K Mul32R (Mul, false);
                Div64K Div64R Div32K Div32R (Div, false);
                Sdiv64K Sdiv64R Sdiv32K Sdiv32R (Div, true);
                Mod64K Mod64R Mod32K Mod32R (Mod, false);
                Smod64K Smod64R Smod32K Smod32R (Mod, true);
                Or64K Or64R Or32K Or32R (Or, false);
                And64K And64R And32K And32R (And, false);
                Xor64K Xor64R Xor32K Xor32R (Xor, false);
                Lsh64K Lsh64R Lsh32K Lsh32R (Lsh, false);
                Rsh64K Rsh64R Rsh32K Rsh32R (Rsh, false);
                Arsh64K Arsh64R Arsh32K Arsh32R (Arsh, false);
                Mov64K Mov64R Mov32K Mov32R (Mov, false);
            }
            jump {
                Eq64K Eq64R Eq32K Eq32R (Eq);
                Ne64K Ne64R Ne32K Ne32R (Ne);
                Gt64K Gt64R Gt32K Gt32R (Gt);
                Ge64K Ge64R Ge32K Ge32R (Ge);
                Lt64K Lt64R Lt32K Lt32R (Lt);
                Le64K Le64R Le32K Le32R (Le);
                Set64K Set64R Set32K Set32R (Set);
                Sgt64K Sgt64R Sgt32K Sgt32R (Sgt);
                Sge64K Sge64R Sge32K Sge32R (Sge);
                Slt64K Slt64R Slt32K Slt32R (Slt);
                Sle64K Sle64R Sle32K Sle32R (Sle);
            }
        }
    };
}
pub(super) use operations;

macro_rules! define {
    (
        ($($other:ident)*)
        alu { $($ak64:ident $ar64:ident $ak32:ident $ar32:ident ($alu:ident, $signed:literal);)* }
        jump { $($jk64:ident $jr64:ident $jk32:ident $jr32:ident ($cond:ident);)* }
    ) => {
        /// What to do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(super) enum Code {
            $($ak64, $ar64, $ak32, $ar32,)*
            $($jk64, $jr64, $jk32, $jr32,)*
            $($other,)*
        }

        fn alu_code(alu: Alu, signed: bool, width: Width, operand: Operand) -> Code {
            match (alu, signed, width, operand) {
                $(
                    (Alu::$alu, $signed, Width::W64, Operand::Imm(_)) => Code::$ak64,
                    (Alu::$alu, $signed, Width::W64, Operand::Reg(_)) => Code::$ar64,
                    (Alu::$alu, $signed, Width::W32, Operand::Imm(_)) => Code::$ak32,
                    (Alu::$alu, $signed, Width::W32, Operand::Reg(_)) => Code::$ar32,
                )*
                _ => Code::Invalid,
            }
        }

        fn jump_code(cond: Cond, width: Width, operand: Operand) -> Code {
            match (cond, width, operand) {
                $(
                    (Cond::$cond, Width::W64, Operand::Imm(_)) => Code::$jk64,
                    (Cond::$cond, Width::W64, Operand::Reg(_)) => Code::$jr64,
                    (Cond::$cond, Width::W32, Operand::Imm(_)) => Code::$jk32,
                    (Cond::$cond, Width::W32, Operand::Reg(_)) => Code::$jr32,
                )*
            }
        }
    };
}

operations! { define!(
    Sx8To64 Sx16To64 Sx32To64 Sx8To32 Sx16To32 Neg64 Neg32 Low16 Low32 Swap16 Swap32 Swap64 Nop
    Load8 Load16 Load32 Load64 LoadS8 LoadS16 LoadS32
    Store8R Store16R Store32R Store64R Store8K Store16K Store32K Store64K Atomic32 Atomic64
    Imm64 Map MapValue Function PacketAbs PacketInd
    Jump MayGoto CallHelper CallReg CallLocal CallKfunc Exit
    Invalid WritesR10 MapByFd Variable CastSpace PerCpu
) }

/// The whole program.
pub(super) fn ops(insns: &[Insn]) -> Vec<Op> {
    let mut ops = Vec::with_capacity(insns.len());
    while let Some(rest) = insns.get(ops.len()..).filter(|rest| !rest.is_empty()) {
        let Some((form, slots)) = Form::decode(rest) else {
            ops.push(plain(Code::Invalid));
            continue;
        };
        ops.push(if form.writes() == Some(Reg::R10) { plain(Code::WritesR10) } else { op(form) });
        // A jump into the second half of an instruction ends there.
        ops.extend((1..slots).map(|_| plain(Code::Invalid)));
    }
    ops
}

fn plain(code: Code) -> Op {
    Op { code, dst: 0, src: 0, off: 0, imm: 0 }
}

fn op(form: Form) -> Op {
    let one = |code: Code, dst: Reg| Op { dst: dst as u8, ..plain(code) };
    let two = |code: Code, dst: Reg, src: Reg| Op { src: src as u8, ..one(code, dst) };
    let with = |code: Code, dst: Reg, operand: Operand| match operand {
        Operand::Reg(src) => two(code, dst, src),
        Operand::Imm(imm) => Op { imm, ..one(code, dst) },
    };
    match form {
        Form::Alu { width, alu, signed, dst, operand } => {
            with(alu_code(alu, signed, width, operand), dst, operand)
        }
        Form::JumpIf { width, cond, dst, operand, off } => {
            Op { off: off.into(), ..with(jump_code(cond, width, operand), dst, operand) }
        }
        Form::MovSigned { width, bits, dst, src } => two(extend_code(width, bits), dst, src),
        Form::Neg { width: Width::W64, dst } => one(Code::Neg64, dst),
        Form::Neg { width: Width::W32, dst } => one(Code::Neg32, dst),
        Form::Order { order, bits, dst } => one(order_code(order, bits), dst),
        Form::Load { size, signed, dst, base, off } => {
            Op { off: off.into(), ..two(load_code(size, signed), dst, base) }
        }
        Form::LoadAcquire { size, dst, base, off } => {
            Op { off: off.into(), ..two(load_code(size, false), dst, base) }
        }
        Form::Store { size, base, off, operand } => {
            Op { off: off.into(), ..with(store_code(size, operand), base, operand) }
        }
        Form::StoreRelease { size, base, off, src } => {
            Op { off: off.into(), ..two(store_code(size, src.into()), base, src) }
        }
        Form::Atomic { atomic, size, base, off, src } => {
            let code = if size == Size::W { Code::Atomic32 } else { Code::Atomic64 };
            Op { off: off.into(), imm: atomic as i32, ..two(code, base, src) }
        }
        Form::Load64 { dst, imm } => Op { dst: dst as u8, ..load64(imm) },
        Form::LoadAbs { size, imm } => Op { off: size.bytes() as i32, imm, ..plain(Code::PacketAbs) },
        Form::LoadInd { size, src, imm } => {
            Op { src: src as u8, off: size.bytes() as i32, imm, ..plain(Code::PacketInd) }
        }
        Form::Jump { off } => Op { off: off.into(), ..plain(Code::Jump) },
        Form::JumpLong { off } => Op { off, ..plain(Code::Jump) },
        Form::MayGoto { off } => Op { off: off.into(), ..plain(Code::MayGoto) },
        Form::CallHelper { helper } => Op { imm: helper, ..plain(Code::CallHelper) },
        Form::CallReg { reg } => Op { src: reg as u8, ..plain(Code::CallReg) },
        Form::CallLocal { off } => Op { off, ..plain(Code::CallLocal) },
        Form::CallKfunc { id, .. } => Op { imm: id, ..plain(Code::CallKfunc) },
        Form::Exit => plain(Code::Exit),
        Form::NoSpec => plain(Code::Nop),
        Form::CastSpace { .. } => plain(Code::CastSpace),
        Form::PerCpu { .. } => plain(Code::PerCpu),
    }
}

fn load64(imm: Imm64) -> Op {
    match imm {
        Imm64::Value(value) => Op { off: (value >> 32) as i32, imm: value as i32, ..plain(Code::Imm64) },
        Imm64::MapIdx(index) => Op { imm: index, ..plain(Code::Map) },
        Imm64::MapIdxValue(index, off) => Op { imm: index, off: off.cast_signed(), ..plain(Code::MapValue) },
        Imm64::Function(off) => Op { off, ..plain(Code::Function) },
        Imm64::MapFd(_) | Imm64::MapFdValue(..) => plain(Code::MapByFd),
        Imm64::Variable(..) => plain(Code::Variable),
    }
}

fn extend_code(width: Width, bits: u8) -> Code {
    match (width, bits) {
        (Width::W64, 8) => Code::Sx8To64,
        (Width::W64, 16) => Code::Sx16To64,
        (Width::W64, _) => Code::Sx32To64,
        (Width::W32, 8) => Code::Sx8To32,
        (Width::W32, _) => Code::Sx16To32,
    }
}

/// On a machine of the same order only the upper bits go.
fn order_code(order: Order, bits: u8) -> Code {
    let native = if cfg!(target_endian = "little") { Order::Le } else { Order::Be };
    match (order == native, bits) {
        (true, 16) => Code::Low16,
        (true, 32) => Code::Low32,
        (true, _) => Code::Nop,
        (false, 16) => Code::Swap16,
        (false, 32) => Code::Swap32,
        (false, _) => Code::Swap64,
    }
}

fn load_code(size: Size, signed: bool) -> Code {
    match (size, signed) {
        (Size::B, false) => Code::Load8,
        (Size::H, false) => Code::Load16,
        (Size::W, false) => Code::Load32,
        (Size::Dw, _) => Code::Load64,
        (Size::B, true) => Code::LoadS8,
        (Size::H, true) => Code::LoadS16,
        (Size::W, true) => Code::LoadS32,
    }
}

fn store_code(size: Size, operand: Operand) -> Code {
    match (size, operand) {
        (Size::B, Operand::Reg(_)) => Code::Store8R,
        (Size::H, Operand::Reg(_)) => Code::Store16R,
        (Size::W, Operand::Reg(_)) => Code::Store32R,
        (Size::Dw, Operand::Reg(_)) => Code::Store64R,
        (Size::B, Operand::Imm(_)) => Code::Store8K,
        (Size::H, Operand::Imm(_)) => Code::Store16K,
        (Size::W, Operand::Imm(_)) => Code::Store32K,
        (Size::Dw, Operand::Imm(_)) => Code::Store64K,
    }
}

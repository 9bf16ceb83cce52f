//! What an instruction means, apart from how it is encoded.
//!
//! Printer, parser, virtual machine and checks all work on [`Form`]; [`Form::decode`] and [`Form::encode`] are the only
//! places that know the bits. Decoding is strict: bits that the instruction set leaves zero must be zero, so every
//! [`Form`] has one encoding and every encoding at most one [`Form`].
//!
//! ```
//! use kernscope_kit::asm::{Alu, Form, Insn, Reg};
//!
//! let (form, slots) = Form::decode(&[Insn::alu64(Alu::Add, Reg::R1, 4)]).expect("an instruction");
//! assert_eq!((form.to_string().as_str(), slots), ("r1 += 4", 1));
//! ```

use super::insn::{Alu, Atomic, Cond, Operand, Reg, Size};

/// How wide an operation is; the 32-bit ones work on the low half and set the upper half of the result to zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Width {
    /// 32 bits.
    W32,
    /// 64 bits.
    W64,
}

/// What a byte order instruction does to the low bits of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// To or from little-endian.
    Le,
    /// To or from big-endian.
    Be,
    /// The other way round, whatever the machine's; from 6.6.
    Swap,
}

/// Where a 64-bit immediate comes from; the numbers are those of `op::PSEUDO_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Imm64 {
    /// It is what it is.
    Value(u64),
    /// The map with this descriptor (in a dump: with this id).
    MapFd(i32),
    /// This many bytes into the first value of the map with this descriptor.
    MapFdValue(i32, u32),
    /// A variable of the kernel by its id in BTF, and the descriptor of that BTF (0: the kernel's own).
    Variable(i32, i32),
    /// A function of this program, counted from the second half of this instruction.
    Function(i32),
    /// The map with this index.
    MapIdx(i32),
    /// This many bytes into the first value of the map with this index.
    MapIdxValue(i32, u32),
}

/// What an instruction means. Distances are in instructions, counted from the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields have the names that they have in the instruction set")]
pub enum Form {
    /// `dst OP= operand`; for `Mov`, `dst = operand`. `signed` only with `Div` and `Mod`; from 6.6.
    Alu { width: Width, alu: Alu, signed: bool, dst: Reg, operand: Operand },
    /// `dst = (sN)src`, N = 8, 16 or (64 bits wide only) 32; from 6.6.
    MovSigned { width: Width, bits: u8, dst: Reg, src: Reg },
    /// `dst = -dst`
    Neg { width: Width, dst: Reg },
    /// `dst = leN dst` and so on, N = 16, 32 or 64; the other bits become zero.
    Order { order: Order, bits: u8, dst: Reg },
    /// `dst = addr_space_cast(src, TO, FROM)`; for arenas, from 6.9.
    CastSpace { dst: Reg, src: Reg, to: u16, from: u16 },
    /// `dst = &(void __percpu *)(src)`; made by the kernel, seen in its dumps.
    PerCpu { dst: Reg, src: Reg },
    /// `dst = *(size *)(base + off)`; signed from 6.6.
    Load { size: Size, signed: bool, dst: Reg, base: Reg, off: i16 },
    /// `*(size *)(base + off) = operand`
    Store { size: Size, base: Reg, off: i16, operand: Operand },
    /// `lock *(size *)(base + off) OP= src`, and the fetching ones, on `W` or `Dw`.
    Atomic { atomic: Atomic, size: Size, base: Reg, off: i16, src: Reg },
    /// `dst = load_acquire((size *)(base + off))`; from 6.15.
    LoadAcquire { size: Size, dst: Reg, base: Reg, off: i16 },
    /// `store_release((size *)(base + off), src)`; from 6.15.
    StoreRelease { size: Size, base: Reg, off: i16, src: Reg },
    /// A barrier against speculation; made by the kernel, seen in its dumps.
    NoSpec,
    /// `dst = imm`, in two instructions.
    Load64 { dst: Reg, imm: Imm64 },
    /// `r0 = *(size *)skb[imm]`, in network order; legacy, for socket filters and tc.
    LoadAbs { size: Size, imm: i32 },
    /// `r0 = *(size *)skb[src + imm]`, likewise.
    LoadInd { size: Size, src: Reg, imm: i32 },
    /// `goto +off`
    Jump { off: i16 },
    /// `gotol +off`; from 6.6.
    JumpLong { off: i32 },
    /// `if dst COND operand goto +off`
    JumpIf { width: Width, cond: Cond, dst: Reg, operand: Operand, off: i16 },
    /// `may_goto +off`; from 6.9.
    MayGoto { off: i16 },
    /// `call` of a helper by number.
    CallHelper { helper: i32 },
    /// `call` of the helper whose number is in a register: in some runtimes, not in the kernel.
    CallReg { reg: Reg },
    /// `call` of a function of this program.
    CallLocal { off: i32 },
    /// `call` of a function of the kernel by its id in BTF; from 5.13.
    CallKfunc { id: i32, module: i16 },
    /// `exit`
    Exit,
}

impl Form {
    /// How many instructions of eight bytes it takes.
    pub const fn slots(&self) -> usize {
        match self {
            Form::Load64 { .. } => 2,
            _ => 1,
        }
    }

    /// How far it may jump (of a call: how far the function is), if it does.
    pub const fn distance(&self) -> Option<i32> {
        match *self {
            Form::Jump { off } | Form::JumpIf { off, .. } | Form::MayGoto { off } => Some(off as i32),
            Form::JumpLong { off } | Form::CallLocal { off } => Some(off),
            Form::Load64 { imm: Imm64::Function(off), .. } => Some(off),
            _ => None,
        }
    }

    /// The register that it writes, if it is no call.
    pub fn writes(&self) -> Option<Reg> {
        match *self {
            Form::Alu { dst, .. }
            | Form::MovSigned { dst, .. }
            | Form::Neg { dst, .. }
            | Form::Order { dst, .. }
            | Form::CastSpace { dst, .. }
            | Form::PerCpu { dst, .. }
            | Form::Load { dst, .. }
            | Form::LoadAcquire { dst, .. }
            | Form::Load64 { dst, .. } => Some(dst),
            Form::Atomic { atomic, src, .. } => atomic.fetches_into(src),
            Form::LoadAbs { .. } | Form::LoadInd { .. } => Some(Reg::R0),
            _ => None,
        }
    }
}

//! One instruction, as the kernel reads it.

use super::op;

/// A register. `R10` is the frame pointer and cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Reg {
    R0,
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    R8,
    R9,
    R10,
}

impl Reg {
    /// All of them, by number.
    pub const ALL: [Reg; 11] =
        [Reg::R0, Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5, Reg::R6, Reg::R7, Reg::R8, Reg::R9, Reg::R10];

    /// The register with this number, up to 10.
    pub fn new(number: u8) -> Option<Reg> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// Width of a memory access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Size {
    /// Four bytes.
    W = 0x00,
    /// Two bytes.
    H = 0x08,
    /// One byte.
    B = 0x10,
    /// Eight bytes.
    Dw = 0x18,
}

impl Size {
    /// Bytes.
    pub const fn bytes(self) -> usize {
        match self {
            Size::B => 1,
            Size::H => 2,
            Size::W => 4,
            Size::Dw => 8,
        }
    }

    /// The size in a load or store code.
    pub const fn of(code: u8) -> Size {
        match code & op::SIZE_MASK {
            0x00 => Size::W,
            0x08 => Size::H,
            0x10 => Size::B,
            _ => Size::Dw,
        }
    }
}

/// An arithmetic operation with two operands. The signed ones and the sign-extending moves are marked by the offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are the instruction set's")]
pub enum Alu {
    Add = 0x00,
    Sub = 0x10,
    Mul = 0x20,
    Div = 0x30,
    Or = 0x40,
    And = 0x50,
    Lsh = 0x60,
    Rsh = 0x70,
    Mod = 0x90,
    Xor = 0xa0,
    Mov = 0xb0,
    Arsh = 0xc0,
}

impl Alu {
    /// All of them.
    pub const ALL: [Alu; 12] = [
        Alu::Add,
        Alu::Sub,
        Alu::Mul,
        Alu::Div,
        Alu::Or,
        Alu::And,
        Alu::Lsh,
        Alu::Rsh,
        Alu::Mod,
        Alu::Xor,
        Alu::Mov,
        Alu::Arsh,
    ];
}

/// The condition of a jump: `dst COND operand`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Cond {
    /// Equal.
    Eq = 0x10,
    /// Greater, unsigned.
    Gt = 0x20,
    /// Greater or equal, unsigned.
    Ge = 0x30,
    /// Any common bit.
    Set = 0x40,
    /// Not equal.
    Ne = 0x50,
    /// Greater, signed.
    Sgt = 0x60,
    /// Greater or equal, signed.
    Sge = 0x70,
    /// Less, unsigned.
    Lt = 0xa0,
    /// Less or equal, unsigned.
    Le = 0xb0,
    /// Less, signed.
    Slt = 0xc0,
    /// Less or equal, signed.
    Sle = 0xd0,
}

impl Cond {
    /// All of them.
    pub const ALL: [Cond; 11] = [
        Cond::Eq,
        Cond::Gt,
        Cond::Ge,
        Cond::Set,
        Cond::Ne,
        Cond::Sgt,
        Cond::Sge,
        Cond::Lt,
        Cond::Le,
        Cond::Slt,
        Cond::Sle,
    ];
}

/// An atomic operation; the number is the immediate of the instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
#[expect(missing_docs, reason = "the names are the instruction set's")]
pub enum Atomic {
    Add = 0x00,
    Or = 0x40,
    And = 0x50,
    Xor = 0xa0,
    FetchAdd = 0x01,
    FetchOr = 0x41,
    FetchAnd = 0x51,
    FetchXor = 0xa1,
    Xchg = 0xe1,
    Cmpxchg = 0xf1,
}

impl Atomic {
    /// All of them.
    pub const ALL: [Atomic; 10] = [
        Atomic::Add,
        Atomic::Or,
        Atomic::And,
        Atomic::Xor,
        Atomic::FetchAdd,
        Atomic::FetchOr,
        Atomic::FetchAnd,
        Atomic::FetchXor,
        Atomic::Xchg,
        Atomic::Cmpxchg,
    ];
}

impl Atomic {
    /// The register that gets the old value, given the second operand.
    pub const fn fetches_into(self, src: Reg) -> Option<Reg> {
        match self {
            Atomic::Add | Atomic::Or | Atomic::And | Atomic::Xor => None,
            Atomic::Cmpxchg => Some(Reg::R0),
            _ => Some(src),
        }
    }
}

/// The second operand: a register, or an immediate that is sign-extended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// A register.
    Reg(Reg),
    /// An immediate.
    Imm(i32),
}

impl From<Reg> for Operand {
    fn from(reg: Reg) -> Self {
        Self::Reg(reg)
    }
}

impl From<i32> for Operand {
    fn from(imm: i32) -> Self {
        Self::Imm(imm)
    }
}

impl Operand {
    /// Source bit, source register and immediate of the encoding.
    const fn parts(self) -> (u8, u8, i32) {
        match self {
            Operand::Reg(reg) => (op::SRC_X, reg as u8, 0),
            Operand::Imm(imm) => (op::SRC_K, 0, imm),
        }
    }
}

/// One eBPF instruction as the kernel reads it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Insn {
    /// Operation code.
    pub code: u8,
    /// Destination in the low, source in the high four bits (little-endian machines).
    pub regs: u8,
    /// Jump or memory offset.
    pub off: i16,
    /// Immediate.
    pub imm: i32,
}

const _: () = assert!(size_of::<Insn>() == 8);

impl Insn {
    /// `r0` is returned.
    pub const EXIT: Insn = Insn::new(op::CLASS_JMP | op::JMP_EXIT, 0, 0, 0, 0);

    /// From its parts; `dst` and `src` are four bits each.
    pub const fn new(code: u8, dst: u8, src: u8, off: i16, imm: i32) -> Insn {
        let regs = if cfg!(target_endian = "little") { src << 4 | dst } else { dst << 4 | src };
        Insn { code, regs, off, imm }
    }

    /// Number of the destination register.
    pub const fn dst(self) -> u8 {
        if cfg!(target_endian = "little") { self.regs & 15 } else { self.regs >> 4 }
    }

    /// Number of the source register, or the kind of a pseudo form.
    pub const fn src(self) -> u8 {
        if cfg!(target_endian = "little") { self.regs >> 4 } else { self.regs & 15 }
    }

    /// Its eight bytes, in the order of memory.
    pub const fn to_bytes(self) -> [u8; 8] {
        let ([o0, o1], [i0, i1, i2, i3]) = (self.off.to_ne_bytes(), self.imm.to_ne_bytes());
        [self.code, self.regs, o0, o1, i0, i1, i2, i3]
    }

    /// From its eight bytes.
    pub const fn from_bytes([code, regs, o0, o1, i0, i1, i2, i3]: [u8; 8]) -> Insn {
        Insn { code, regs, off: i16::from_ne_bytes([o0, o1]), imm: i32::from_ne_bytes([i0, i1, i2, i3]) }
    }

    /// Its eight bytes as one number of the machine's byte order.
    pub const fn to_word(self) -> u64 {
        u64::from_ne_bytes(self.to_bytes())
    }

    /// From that number.
    pub const fn from_word(word: u64) -> Insn {
        Insn::from_bytes(word.to_ne_bytes())
    }

    /// The class of the code.
    pub const fn class(self) -> u8 {
        self.code & op::CLASS_MASK
    }

    /// Whether this is the first half of a 64-bit immediate.
    pub const fn is_lddw(self) -> bool {
        self.code == op::CLASS_LD | op::MODE_IMM | Size::Dw as u8
    }

    /// `dst = dst OP operand` on 64 bits.
    pub fn alu64(alu: Alu, dst: Reg, operand: impl Into<Operand>) -> Insn {
        let (bit, src, imm) = operand.into().parts();
        Insn::new(op::CLASS_ALU64 | bit | alu as u8, dst as u8, src, 0, imm)
    }

    /// `dst = dst OP operand` on 32 bits; the upper half becomes zero.
    pub fn alu32(alu: Alu, dst: Reg, operand: impl Into<Operand>) -> Insn {
        let (bit, src, imm) = operand.into().parts();
        Insn::new(op::CLASS_ALU | bit | alu as u8, dst as u8, src, 0, imm)
    }

    /// `dst = operand` on 64 bits.
    pub fn mov(dst: Reg, operand: impl Into<Operand>) -> Insn {
        Insn::alu64(Alu::Mov, dst, operand)
    }

    /// `dst += operand` on 64 bits.
    pub fn add(dst: Reg, operand: impl Into<Operand>) -> Insn {
        Insn::alu64(Alu::Add, dst, operand)
    }

    /// `dst = -dst` on 64 bits.
    pub const fn neg64(dst: Reg) -> Insn {
        Insn::new(op::CLASS_ALU64 | op::ALU_NEG, dst as u8, 0, 0, 0)
    }

    /// `dst` in big-endian order, of `bits` 16, 32 or 64; the rest becomes zero.
    pub const fn to_be(dst: Reg, bits: i32) -> Insn {
        Insn::new(op::CLASS_ALU | op::ALU_END | op::SRC_X, dst as u8, 0, 0, bits)
    }

    /// `dst = *(size *)(base + off)`
    pub const fn load(size: Size, dst: Reg, base: Reg, off: i16) -> Insn {
        Insn::new(op::CLASS_LDX | op::MODE_MEM | size as u8, dst as u8, base as u8, off, 0)
    }

    /// `*(size *)(base + off) = operand`
    pub fn store(size: Size, base: Reg, off: i16, operand: impl Into<Operand>) -> Insn {
        match operand.into() {
            Operand::Reg(reg) => {
                Insn::new(op::CLASS_STX | op::MODE_MEM | size as u8, base as u8, reg as u8, off, 0)
            }
            Operand::Imm(imm) => Insn::new(op::CLASS_ST | op::MODE_MEM | size as u8, base as u8, 0, off, imm),
        }
    }

    /// `lock *(size *)(base + off) OP src`; the fetching ones came with 5.12.
    pub const fn atomic(atomic: Atomic, size: Size, base: Reg, off: i16, src: Reg) -> Insn {
        Insn::new(op::CLASS_STX | op::MODE_ATOMIC | size as u8, base as u8, src as u8, off, atomic as i32)
    }

    /// `if dst COND operand goto +off`, on 64 bits.
    pub fn jump_if(cond: Cond, dst: Reg, operand: impl Into<Operand>, off: i16) -> Insn {
        let (bit, src, imm) = operand.into().parts();
        Insn::new(op::CLASS_JMP | bit | cond as u8, dst as u8, src, off, imm)
    }

    /// `if (u32)dst COND (u32)operand goto +off`; from 5.1.
    pub fn jump_if32(cond: Cond, dst: Reg, operand: impl Into<Operand>, off: i16) -> Insn {
        let (bit, src, imm) = operand.into().parts();
        Insn::new(op::CLASS_JMP32 | bit | cond as u8, dst as u8, src, off, imm)
    }

    /// `goto +off`
    pub const fn jump(off: i16) -> Insn {
        Insn::new(op::CLASS_JMP | op::JMP_JA, 0, 0, off, 0)
    }

    /// `gotol +off`, 32 bits of reach; from 6.6.
    pub const fn jump_long(off: i32) -> Insn {
        Insn::new(op::CLASS_JMP32 | op::JMP_JA, 0, 0, 0, off)
    }

    /// `may_goto +off`: taken at the latest after eight million rounds; from 6.9.
    pub const fn may_goto(off: i16) -> Insn {
        Insn::new(op::CLASS_JMP | op::JMP_JCOND, 0, 0, off, 0)
    }

    /// Calls a helper by number.
    pub const fn call(helper: i32) -> Insn {
        Insn::new(op::CLASS_JMP | op::JMP_CALL, 0, op::CALL_HELPER, 0, helper)
    }

    /// Calls a function of this program, `off` instructions after the next one.
    pub const fn call_local(off: i32) -> Insn {
        Insn::new(op::CLASS_JMP | op::JMP_CALL, 0, op::CALL_LOCAL, 0, off)
    }

    /// Calls a kernel function by its id in BTF; `module` is an index in the table of descriptors, 0 the kernel itself.
    pub const fn call_kfunc(id: i32, module: i16) -> Insn {
        Insn::new(op::CLASS_JMP | op::JMP_CALL, 0, op::CALL_KFUNC, module, id)
    }

    /// `dst = imm`, 64 bits in two instructions; `pseudo` is 0 or one of `op::PSEUDO_*`.
    pub const fn lddw(dst: Reg, pseudo: u8, imm: u64) -> [Insn; 2] {
        let (low, high) = (imm as u32, (imm >> 32) as u32);
        [
            Insn::new(op::CLASS_LD | op::MODE_IMM | Size::Dw as u8, dst as u8, pseudo, 0, low.cast_signed()),
            Insn::new(0, 0, 0, 0, high.cast_signed()),
        ]
    }
}

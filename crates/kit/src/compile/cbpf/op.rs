//! Numbers of the classic encoding, as in `include/uapi/linux/bpf_common.h` and `filter.h`.
//!
//! The arithmetic and jump operations, the sizes and the access modes have the numbers that eBPF kept; they are not
//! repeated here but taken from [`crate::asm::op`].

/// Load into A.
pub const LD: u16 = 0x00;
/// Load into X.
pub const LDX: u16 = 0x01;
/// Store A in scratch memory.
pub const ST: u16 = 0x02;
/// Store X in scratch memory.
pub const STX: u16 = 0x03;
/// Arithmetic on A.
pub const ALU: u16 = 0x04;
/// Jump forward.
pub const JMP: u16 = 0x05;
/// Return.
pub const RET: u16 = 0x06;
/// Moves between A and X.
pub const MISC: u16 = 0x07;
/// The bits of a code that are the class.
pub const CLASS_MASK: u16 = 0x07;

/// Size: four bytes.
pub const W: u16 = 0x00;
/// Size: two bytes.
pub const H: u16 = 0x08;
/// Size: one byte.
pub const B: u16 = 0x10;
/// The bits of a load that are the size.
pub const SIZE_MASK: u16 = 0x18;

/// Mode: the constant.
pub const IMM: u16 = 0x00;
/// Mode: the packet at a fixed offset.
pub const ABS: u16 = 0x20;
/// Mode: the packet at X plus an offset.
pub const IND: u16 = 0x40;
/// Mode: scratch memory.
pub const MEM: u16 = 0x60;
/// Mode: length of the packet.
pub const LEN: u16 = 0x80;
/// Mode: four times the low half of a byte of the packet, which is the length of an IPv4 header.
pub const MSH: u16 = 0xa0;
/// The bits of a load that are the mode.
pub const MODE_MASK: u16 = 0xe0;

/// Operand: the constant.
pub const K: u16 = 0x00;
/// Operand: X.
pub const X: u16 = 0x08;
/// Returned value: A.
pub const A: u16 = 0x10;
/// The bits of an arithmetic or jump code that are the operation.
pub const OP_MASK: u16 = 0xf0;

/// `A += operand`
pub const ADD: u16 = 0x00;
/// `A -= operand`
pub const SUB: u16 = 0x10;
/// `A *= operand`
pub const MUL: u16 = 0x20;
/// `A /= operand`
pub const DIV: u16 = 0x30;
/// `A |= operand`
pub const OR: u16 = 0x40;
/// `A &= operand`
pub const AND: u16 = 0x50;
/// `A <<= operand`
pub const LSH: u16 = 0x60;
/// `A >>= operand`
pub const RSH: u16 = 0x70;
/// `A = -A`
pub const NEG: u16 = 0x80;
/// `A %= operand`
pub const MOD: u16 = 0x90;
/// `A ^= operand`
pub const XOR: u16 = 0xa0;

/// Always.
pub const JA: u16 = 0x00;
/// `A == operand`
pub const JEQ: u16 = 0x10;
/// `A > operand`
pub const JGT: u16 = 0x20;
/// `A >= operand`
pub const JGE: u16 = 0x30;
/// `A & operand != 0`
pub const JSET: u16 = 0x40;

/// `X = A`
pub const TAX: u16 = 0x00;
/// `A = X`
pub const TXA: u16 = 0x80;

/// Words of scratch memory.
pub const MEMWORDS: u32 = 16;
/// Instructions that the kernel takes at most.
pub const MAXINSNS: usize = 4096;

/// Fixed offsets from here up are [`Ancillary`](super::Ancillary) data: `SKF_AD_OFF`, -4096.
pub const AD_OFF: u32 = 0xffff_f000;
/// Offsets from here up count from the network header: `SKF_NET_OFF`.
pub const NET_OFF: u32 = 0xfff0_0000;
/// Offsets from here up count from the link-layer header: `SKF_LL_OFF`.
pub const LL_OFF: u32 = 0xffe0_0000;

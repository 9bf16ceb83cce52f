//! A handful of instructions and of BTF, enough for programs whose only purpose is to be loaded.
//!
//! Not an assembler: no labels, no text. Registers are numbers, `R10` is the frame.

use crate::asm::Insn;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Frame pointer.
pub(super) const R10: u8 = 10;

/// Access of eight bytes.
pub(super) const DW: u8 = 0x18;

const fn insn(code: u8, dst: u8, src: u8, off: i16, imm: i32) -> Insn {
    Insn::new(code, dst, src, off, imm)
}

/// `dst = imm`
pub(super) const fn mov(dst: u8, imm: i32) -> Insn {
    insn(0xb7, dst, 0, 0, imm)
}

/// `dst = src`
pub(super) const fn mov_reg(dst: u8, src: u8) -> Insn {
    insn(0xbf, dst, src, 0, 0)
}

/// `dst += imm`
pub(super) const fn add(dst: u8, imm: i32) -> Insn {
    insn(0x07, dst, 0, 0, imm)
}

/// `*(size *)(dst + off) = imm`
pub(super) const fn store(size: u8, dst: u8, off: i16, imm: i32) -> Insn {
    insn(0x62 | size, dst, 0, off, imm)
}

/// `dst = *(size *)(src + off)`
pub(super) const fn load(size: u8, dst: u8, src: u8, off: i16) -> Insn {
    insn(0x61 | size, dst, src, off, 0)
}

/// `lock *(u64 *)(dst + off) op src`; `op` 0 is add, [`FETCH`] and [`CMPXCHG`] came with 5.12.
pub(super) const fn atomic(dst: u8, src: u8, off: i16, op: i32) -> Insn {
    insn(0xdb, dst, src, off, op)
}

/// Atomic add that returns the old value.
pub(super) const FETCH: i32 = 0x01;
/// Atomic compare and exchange.
pub(super) const CMPXCHG: i32 = 0xf1;

/// `if dst == imm goto +off`
pub(super) const fn jeq(dst: u8, imm: i32, off: i16) -> Insn {
    insn(0x15, dst, 0, off, imm)
}

/// `if dst < imm goto +off`, unsigned
pub(super) const fn jlt(dst: u8, imm: i32, off: i16) -> Insn {
    insn(0xa5, dst, 0, off, imm)
}

/// `may_goto +off`
pub(super) const fn may_goto(off: i16) -> Insn {
    insn(0xe5, 0, 0, off, 0)
}

/// `goto +off`
pub(super) const fn ja(off: i16) -> Insn {
    insn(0x05, 0, 0, off, 0)
}

/// Calls a helper.
pub(super) const fn call(helper: i32) -> Insn {
    insn(0x85, 0, 0, 0, helper)
}

/// Calls a function of this program, `off` instructions after the next one.
pub(super) const fn call_local(off: i32) -> Insn {
    insn(0x85, 0, 1, 0, off)
}

/// Calls a kernel function by its id in the kernel's BTF.
pub(super) const fn call_kfunc(id: u32) -> Insn {
    insn(0x85, 0, 2, 0, id.cast_signed())
}

/// `return r0`
pub(super) const EXIT: Insn = insn(0x95, 0, 0, 0, 0);

/// `dst = map`
pub(super) fn map(dst: u8, fd: BorrowedFd<'_>) -> [Insn; 2] {
    [insn(0x18, dst, 1, 0, fd.as_raw_fd()), insn(0, 0, 0, 0, 0)]
}

/// `dst = &array_map[0]`
pub(super) fn map_value(dst: u8, fd: BorrowedFd<'_>) -> [Insn; 2] {
    [insn(0x18, dst, 2, 0, fd.as_raw_fd()), insn(0, 0, 0, 0, 0)]
}

/// `dst = address of the function `off` instructions after the next one`, as a callback
pub(super) const fn func(dst: u8, off: i32) -> [Insn; 2] {
    [insn(0x18, dst, 4, 0, off), insn(0, 0, 0, 0, 0)]
}

/// Type ids in [`btf`].
pub(super) const BTF_U32: u32 = 1;
pub(super) const BTF_U64: u32 = 2;
pub(super) const BTF_MAIN: u32 = 4;
pub(super) const BTF_STATIC: u32 = 5;
pub(super) const BTF_GLOBAL: u32 = 6;

/// BTF with two integers and three functions that take nothing and return an integer.
///
/// The format is in `Documentation/bpf/btf.rst` of the kernel.
pub(super) fn btf() -> Vec<u8> {
    const INT: u32 = 1 << 24;
    const FUNC: u32 = 12 << 24;
    const FUNC_PROTO: u32 = 13 << 24;
    let strings = b"\0u32\0u64\0main\0callback\0extra\0";
    let types: [u32; 20] = [
        1,
        INT,
        4,
        32, // 1: u32
        5,
        INT,
        8,
        64, // 2: u64
        0,
        FUNC_PROTO,
        BTF_U32, // 3: u32 (*)(void)
        9,
        FUNC | 1,
        3, // 4: main, global
        14,
        FUNC,
        3, // 5: callback, static
        23,
        FUNC | 1,
        3, // 6: extra, global
    ];
    let type_bytes = size_of_val(&types) as u32;
    let mut blob = Vec::new();
    blob.extend_from_slice(&0xeb9f_u16.to_ne_bytes());
    blob.extend_from_slice(&[1, 0]);
    for word in [24, 0, type_bytes, type_bytes, strings.len() as u32] {
        blob.extend_from_slice(&u32::to_ne_bytes(word));
    }
    for word in types {
        blob.extend_from_slice(&word.to_ne_bytes());
    }
    blob.extend_from_slice(strings);
    blob
}

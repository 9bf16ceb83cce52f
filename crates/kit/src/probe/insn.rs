//! What programs whose only purpose is to be loaded need beside [`Insn`]: maps by descriptor, and BTF of their own.

use crate::asm::{Insn, Reg, op};
use std::os::fd::{AsRawFd, BorrowedFd};

/// `dst = map`
pub(super) fn map(dst: Reg, fd: BorrowedFd<'_>) -> [Insn; 2] {
    Insn::lddw(dst, op::PSEUDO_MAP_FD, low(fd.as_raw_fd()))
}

/// `dst = &array_map[0]`
pub(super) fn map_value(dst: Reg, fd: BorrowedFd<'_>) -> [Insn; 2] {
    Insn::lddw(dst, op::PSEUDO_MAP_VALUE, low(fd.as_raw_fd()))
}

/// `dst = address of the function `off` instructions after the second half of this one`, as a callback
pub(super) fn func(dst: Reg, off: i32) -> [Insn; 2] {
    Insn::lddw(dst, op::PSEUDO_FUNC, low(off))
}

/// The lower half of a 64-bit immediate.
fn low(half: i32) -> u64 {
    u64::from(half.cast_unsigned())
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

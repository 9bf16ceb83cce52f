//! Arithmetic and conditions, as RFC 9669 (sections 4.1 and 4.3) defines them for every operand.
//!
//! Generic over the width: operations take and give the low bits, the interpreter extends them.

use crate::asm::{Alu, Cond};

/// `a OP b` on 64 bits.
#[inline(always)]
pub(super) fn alu64(alu: Alu, signed: bool, a: u64, b: u64) -> u64 {
    let (sa, sb) = (a.cast_signed(), b.cast_signed());
    match alu {
        Alu::Add => a.wrapping_add(b),
        Alu::Sub => a.wrapping_sub(b),
        Alu::Mul => a.wrapping_mul(b),
        Alu::Div if signed => {
            if b == 0 {
                0
            } else {
                sa.wrapping_div(sb).cast_unsigned()
            }
        }
        Alu::Div => a.checked_div(b).unwrap_or(0),
        Alu::Mod if signed => {
            if b == 0 {
                a
            } else {
                sa.wrapping_rem(sb).cast_unsigned()
            }
        }
        Alu::Mod => a.checked_rem(b).unwrap_or(a),
        Alu::Or => a | b,
        Alu::And => a & b,
        Alu::Xor => a ^ b,
        Alu::Lsh => a.wrapping_shl(b as u32),
        Alu::Rsh => a.wrapping_shr(b as u32),
        Alu::Arsh => sa.wrapping_shr(b as u32).cast_unsigned(),
        Alu::Mov => b,
    }
}

/// `a OP b` on 32 bits.
#[inline(always)]
pub(super) fn alu32(alu: Alu, signed: bool, a: u32, b: u32) -> u32 {
    let (sa, sb) = (a.cast_signed(), b.cast_signed());
    match alu {
        Alu::Add => a.wrapping_add(b),
        Alu::Sub => a.wrapping_sub(b),
        Alu::Mul => a.wrapping_mul(b),
        Alu::Div if signed => {
            if b == 0 {
                0
            } else {
                sa.wrapping_div(sb).cast_unsigned()
            }
        }
        Alu::Div => a.checked_div(b).unwrap_or(0),
        Alu::Mod if signed => {
            if b == 0 {
                a
            } else {
                sa.wrapping_rem(sb).cast_unsigned()
            }
        }
        Alu::Mod => a.checked_rem(b).unwrap_or(a),
        Alu::Or => a | b,
        Alu::And => a & b,
        Alu::Xor => a ^ b,
        Alu::Lsh => a.wrapping_shl(b),
        Alu::Rsh => a.wrapping_shr(b),
        Alu::Arsh => sa.wrapping_shr(b).cast_unsigned(),
        Alu::Mov => b,
    }
}

/// `a COND b` on 64 bits.
#[inline(always)]
pub(super) fn holds64(cond: Cond, a: u64, b: u64) -> bool {
    let (sa, sb) = (a.cast_signed(), b.cast_signed());
    match cond {
        Cond::Eq => a == b,
        Cond::Ne => a != b,
        Cond::Gt => a > b,
        Cond::Ge => a >= b,
        Cond::Lt => a < b,
        Cond::Le => a <= b,
        Cond::Set => a & b != 0,
        Cond::Sgt => sa > sb,
        Cond::Sge => sa >= sb,
        Cond::Slt => sa < sb,
        Cond::Sle => sa <= sb,
    }
}

/// `a COND b` on 32 bits.
#[inline(always)]
pub(super) fn holds32(cond: Cond, a: u32, b: u32) -> bool {
    match cond {
        Cond::Sgt | Cond::Sge | Cond::Slt | Cond::Sle => holds64(
            cond,
            i64::from(a.cast_signed()).cast_unsigned(),
            i64::from(b.cast_signed()).cast_unsigned(),
        ),
        _ => holds64(cond, a.into(), b.into()),
    }
}

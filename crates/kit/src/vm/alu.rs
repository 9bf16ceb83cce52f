//! Arithmetic and conditions, as RFC 9669 (sections 4.1 and 4.3) defines them for every operand.
//!
//! Once for each width: operations take and give the low bits, the interpreter extends them.

use crate::asm::{Alu, Cond};

macro_rules! operation {
    ($(#[$doc:meta])* $name:ident, $word:ty) => {
        $(#[$doc])*
        #[inline(always)]
        pub(super) fn $name(alu: Alu, signed: bool, a: $word, b: $word) -> $word {
            let (sa, sb) = (a.cast_signed(), b.cast_signed());
            match alu {
                Alu::Add => a.wrapping_add(b),
                Alu::Sub => a.wrapping_sub(b),
                Alu::Mul => a.wrapping_mul(b),
                Alu::Div if b == 0 => 0,
                Alu::Div if signed => sa.wrapping_div(sb).cast_unsigned(),
                Alu::Div => a / b,
                Alu::Mod if b == 0 => a,
                Alu::Mod if signed => sa.wrapping_rem(sb).cast_unsigned(),
                Alu::Mod => a % b,
                Alu::Or => a | b,
                Alu::And => a & b,
                Alu::Xor => a ^ b,
                Alu::Lsh => a.wrapping_shl(b as u32),
                Alu::Rsh => a.wrapping_shr(b as u32),
                Alu::Arsh => sa.wrapping_shr(b as u32).cast_unsigned(),
                Alu::Mov => b,
            }
        }
    };
}

operation!(
    /// `a OP b` on 64 bits.
    alu64,
    u64
);
operation!(
    /// `a OP b` on 32 bits.
    alu32,
    u32
);

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

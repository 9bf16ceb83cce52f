//! What a device seeks, noted in the kernel when a flow begins: the bits that `crate::sought` sets, by the same hash.
//!
//! A scan is many flows of one packet, and may come faster than the ring is read; the notes are whole all the same. They are
//! shared by all CPUs, and a bit is set by reading and writing its byte: two CPUs that set bits of one byte in the same
//! instant may lose one, which changes an estimate by one in a thousand.

use super::layout::*;
use super::program::{KEY, SEEKS, VALUE, find, make};
use crate::sought::MIX;
use kernscope_kit::asm::{Alu, Asm, Cond, Reg, Size};

use Reg::{R0, R1, R2, R3, R4, R10};
use Size::{B, Dw, H, W};

/// Stack: the sender, and behind it nothing yet.
const SENDER: i16 = VALUE - 8;
const NOTHING: i16 = SENDER - REACH_BYTES;

/// Notes where the packet goes if [`SEEKS`] says so. Changes `r0` to `r5` and `r9`.
pub(super) fn note(asm: &mut Asm) {
    let (done, known) = (asm.label(), asm.label());
    asm.load(Dw, R1, R10, SEEKS).jump_if(Cond::Eq, R1, 0, done);
    asm.load(Dw, R1, R10, KEY + KEY_MAC).store(Dw, R10, SENDER, R1).store(H, R10, SENDER + 6, 0);
    find(asm, SOUGHT, SENDER);
    asm.jump_if(Cond::Ne, R0, 0, known);
    make(asm, SENDER, (NOTHING, REACH_BYTES));
    asm.jump_if(Cond::Eq, R0, 0, done);
    asm.bind(known);
    asm.mov(R1, 0);
    for word in 0..4 {
        asm.load(W, R2, R10, KEY + KEY_TARGET + 4 * word).alu32(Alu::Xor, R1, R2);
        mix(asm);
    }
    set(asm, REACH_ADDRESSES);
    asm.load(H, R1, R10, KEY + KEY_TARGET_PORT);
    mix(asm);
    set(asm, REACH_PORTS);
    asm.bind(done);
}

/// Mixes `r1`; uses `r2`.
fn mix(asm: &mut Asm) {
    let fold = |asm: &mut Asm, bits: i32| {
        asm.mov32(R2, R1).alu32(Alu::Rsh, R2, bits).alu32(Alu::Xor, R1, R2);
    };
    fold(asm, 16);
    asm.alu32(Alu::Mul, R1, MIX[0].cast_signed());
    fold(asm, 13);
    asm.alu32(Alu::Mul, R1, MIX[1].cast_signed());
    fold(asm, 16);
}

/// Sets the bit of the hash in `r1`, in the sketch at `sketch` of the value in `r0`.
fn set(asm: &mut Asm, sketch: i16) {
    asm.alu32(Alu::Rsh, R1, 22).mov32(R2, R1).alu32(Alu::Rsh, R2, 3).alu64(Alu::Add, R2, R0);
    asm.alu32(Alu::And, R1, 7).mov(R3, 1).alu32(Alu::Lsh, R3, R1);
    asm.load(B, R4, R2, sketch).alu64(Alu::Or, R4, R3).store(B, R2, sketch, R4);
}

//! A frame into the ring, in a place for short ones or for long ones.

use super::layout::*;
use super::program::{CODE, NOW, START, WIRE, count, slot};
use kernscope_kit::asm::{Alu, Asm, Cond, Label, Reg, Size};
use kernscope_kit::program::ProgramType;

use Reg::{R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10};
use Size::{B, Dw, H, W};

const SKB_LOAD_BYTES: i32 = 26;
const RESERVE: i32 = 131;
const SUBMIT: i32 = 132;
const DISCARD: i32 = 133;

/// Sends the frame and notes its length in its flow, if there is one in `r9`; then goes to `pass`.
pub(super) fn send(asm: &mut Asm, program_type: ProgramType, pass: Label) {
    let [short, long] = KEPT_BYTES;
    let (is_long, full) = (asm.label(), asm.label());
    asm.load(Dw, R1, R10, WIRE).jump_if(Cond::Gt, R1, short, is_long);
    place(asm, program_type, short, full, pass);
    asm.bind(is_long);
    place(asm, program_type, long, full, pass);
    asm.bind(full);
    count(asm, RING_FULL);
    asm.jump(pass);
}

fn place(asm: &mut Asm, program_type: ProgramType, kept: i32, full: Label, pass: Label) {
    asm.load_map(R1, RING).mov(R2, i32::from(RECORD_HEAD) + kept).mov(R3, 0).call(RESERVE);
    asm.jump_if(Cond::Eq, R0, 0, full).mov(R7, R0);
    let fits = asm.label();
    asm.load(Dw, R1, R10, NOW).store(Dw, R7, RECORD_TIME, R1);
    asm.load(Dw, R4, R10, WIRE).store(W, R7, RECORD_WIRE, R4);
    asm.jump_if(Cond::Le, R4, kept, fits).mov(R4, kept);
    asm.bind(fits);
    asm.store(W, R7, RECORD_KEPT, R4);
    if program_type == ProgramType::Xdp {
        copy(asm, kept)
    } else {
        load_bytes(asm, pass)
    }
    let (unknown, unnoted) = (asm.label(), asm.label());
    asm.jump_if(Cond::Eq, R9, 0, unknown).load(Dw, R3, R10, CODE).jump_if(Cond::Eq, R3, 0, unnoted);
    slot(asm);
    asm.store(H, R2, VALUE_LENGTHS, R3);
    asm.bind(unknown);
    asm.bind(unnoted);
    asm.mov(R1, R7).mov(R2, 0).call(SUBMIT);
    count(asm, SENT);
    asm.jump(pass);
}

/// Copies what is there, eight bytes a step, then one by one: kernels before 5.18 have no helper for it.
fn copy(asm: &mut Asm, kept: i32) {
    let (tail, done) = (asm.label(), asm.label());
    asm.mov(R1, R7).alu64(Alu::Add, R1, i32::from(RECORD_HEAD));
    asm.load(Dw, R2, R10, START).mov(R3, 0);
    let step = asm.here();
    asm.mov(R4, R2).alu64(Alu::Add, R4, 8).jump_if(Cond::Gt, R4, R8, tail);
    asm.load(Dw, R5, R2, 0).store(Dw, R1, 0, R5);
    asm.alu64(Alu::Add, R1, 8).alu64(Alu::Add, R2, 8).alu64(Alu::Add, R3, 8);
    asm.jump_if(Cond::Lt, R3, kept, step).jump(done);
    asm.bind(tail);
    for _ in 0..7 {
        asm.mov(R4, R2).alu64(Alu::Add, R4, 1).jump_if(Cond::Gt, R4, R8, done);
        asm.load(B, R5, R2, 0).store(B, R1, 0, R5).alu64(Alu::Add, R1, 1).alu64(Alu::Add, R2, 1);
    }
    asm.bind(done);
}

/// The kernel copies, from wherever the bytes lie; how many is in `r4`.
fn load_bytes(asm: &mut Asm, pass: Label) {
    let (empty, loaded) = (asm.label(), asm.label());
    asm.jump_if(Cond::Eq, R4, 0, empty);
    asm.mov(R1, R6).mov(R2, 0).mov(R3, R7).alu64(Alu::Add, R3, i32::from(RECORD_HEAD)).call(SKB_LOAD_BYTES);
    asm.jump_if(Cond::Eq, R0, 0, loaded);
    asm.bind(empty);
    asm.mov(R1, R7).mov(R2, 0).call(DISCARD);
    count(asm, UNREADABLE);
    asm.jump(pass);
    asm.bind(loaded);
}

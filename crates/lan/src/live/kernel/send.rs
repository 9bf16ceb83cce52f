//! A frame into the ring, in a place for its size.

use super::layout::*;
use super::program::{CODE, Copying, START, WIRE, count, slot};
use kernscope_kit::asm::{Alu, Asm, Cond, Label, Reg, Size};
use kernscope_kit::program::ProgramType;

use Reg::{R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10};
use Size::{B, Dw, H, W};

/// Helpers (`include/uapi/linux/bpf.h`).
const KTIME: i32 = 5;
const SKB_LOAD_BYTES: i32 = 26;
const RESERVE: i32 = 131;
const SUBMIT: i32 = 132;
const DISCARD: i32 = 133;
const XDP_LOAD_BYTES: i32 = 189;

/// Sends the frame and notes its length in its flow, if there is one in `r9`; then goes to `pass`.
pub(super) fn send(asm: &mut Asm, program_type: ProgramType, copying: Copying, pass: Label) {
    let full = asm.label();
    let sizes = match copying {
        Copying::Helper => &KEPT_BYTES[..],
        // A frame in one piece is no longer than a page, and the verifier follows each round.
        Copying::Loop => &KEPT_BYTES[..2],
    };
    for (at, &kept) in sizes.iter().enumerate() {
        let longer = asm.label();
        if at + 1 < sizes.len() {
            asm.load(Dw, R1, R10, WIRE).jump_if(Cond::Gt, R1, kept, longer);
        }
        place(asm, program_type, copying, kept, full, pass);
        asm.bind(longer);
    }
    asm.bind(full);
    count(asm, RING_FULL);
    asm.jump(pass);
}

fn place(asm: &mut Asm, program_type: ProgramType, copying: Copying, kept: i32, full: Label, pass: Label) {
    asm.load_map(R1, RING).mov(R2, i32::from(RECORD_HEAD) + kept).mov(R3, 0).call(RESERVE);
    asm.jump_if(Cond::Eq, R0, 0, full).mov(R7, R0);
    let fits = asm.label();
    asm.call(KTIME).store(Dw, R7, RECORD_TIME, R0);
    asm.load(Dw, R4, R10, WIRE).store(W, R7, RECORD_WIRE, R4);
    asm.jump_if(Cond::Le, R4, kept, fits).mov(R4, kept);
    asm.bind(fits);
    asm.store(W, R7, RECORD_KEPT, R4);
    match (copying, program_type) {
        (Copying::Loop, _) => copy(asm, kept),
        (_, ProgramType::Xdp) => load_bytes(asm, XDP_LOAD_BYTES, pass),
        _ => load_bytes(asm, SKB_LOAD_BYTES, pass),
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

/// Copies what is there, eight bytes a step, then one by one.
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
fn load_bytes(asm: &mut Asm, helper: i32, pass: Label) {
    let (empty, loaded) = (asm.label(), asm.label());
    // Below one, since verifiers before 6.8 learn nothing of what is not equal to zero.
    asm.jump_if(Cond::Lt, R4, 1, empty);
    asm.mov(R1, R6).mov(R2, 0).mov(R3, R7).alu64(Alu::Add, R3, i32::from(RECORD_HEAD)).call(helper);
    asm.jump_if(Cond::Eq, R0, 0, loaded);
    asm.bind(empty);
    asm.mov(R1, R7).mov(R2, 0).call(DISCARD);
    count(asm, UNREADABLE);
    asm.jump(pass);
    asm.bind(loaded);
}

//! The program, for XDP and for tc: which frames the reader must see, and the rest counted.
//!
//! A frame goes to the reader unless one of the same flow and length was sent already, and it begins no message that a
//! decoder reads. The decoders learn from such a frame nothing that they did not learn from the
//! one before, so that devices are described as by a reader that sees all ([`super`] says why). Anything unusual (options,
//! extension headers, a length that does not fit) goes to the reader. What carries no IP is a flow of its sender and kind.
//!
//! `r6` is the context, `r7` the packet, moved on as headers are taken off, `r8` its end, `r9` the flow.

use super::layout::*;
use kernscope_kit::asm::{Alu, Asm, AsmError, Cond, Insn, Label, Reg, Size};
use kernscope_kit::program::{MapRef, Program, ProgramType};

use Reg::{R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10};
use Size::{B, Dw, H, W};

/// Helpers (`include/uapi/linux/bpf.h`).
const LOOKUP: i32 = 1;
const UPDATE: i32 = 2;
const PULL_DATA: i32 = 39;
const XDP_BUFF_LEN: i32 = 188;

/// Where things are kept, from the frame.
pub(super) const KEY: i16 = -KEY_BYTES;
pub(super) const START: i16 = KEY - 8;
/// Length of the payload and one; 0 for a frame that the reader must see.
pub(super) const CODE: i16 = START - 8;
pub(super) const WIRE: i16 = CODE - 8;
pub(super) const MINE: i16 = WIRE - 8;
/// Bytes before the IP header.
pub(super) const BEFORE: i16 = MINE - 8;
const INDEX: i16 = BEFORE - 8;
const HELD: i16 = INDEX - 8;
/// Not 0: it begins to talk to its target, see `crate::sought`.
pub(super) const SEEKS: i16 = HELD - 8;
pub(super) const VALUE: i16 = SEEKS - VALUE_BYTES;

/// Bytes that headers may have; the rest of a packet buffer may lie elsewhere.
const HEADERS: i32 = 128;

/// Places that jumps go to.
pub(super) struct Places {
    /// The reader must see it, and it is of no flow.
    pub(super) always: Label,
    /// It is of the flow in [`KEY`]; [`CODE`] says whether the reader must see it.
    pub(super) flow: Label,
    /// It carries no IP: its kind is in [`KEY`], and [`CODE`] is the same for all.
    pub(super) other: Label,
    pub(super) send: Label,
    pub(super) pass: Label,
}

/// How a frame's bytes come to the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copying {
    /// The kernel copies, from however many pieces a frame lies in (XDP: 5.18).
    Helper,
    /// The program copies, from frames in one piece.
    Loop,
}

/// Makes the program.
pub(super) fn program(program_type: ProgramType, copying: Copying) -> Result<Program, AsmError> {
    let mut asm = Asm::new();
    let mut label = || asm.label();
    let places = Places { always: label(), flow: label(), other: label(), send: label(), pass: label() };
    begin(&mut asm, program_type, copying, &places);
    super::headers::headers(&mut asm, &places);
    asm.bind(places.always);
    asm.store(Dw, R10, CODE, 0).mov(R9, 0).jump(places.send);
    let count = asm.label();
    asm.bind(places.other);
    find(&mut asm, OTHERS, KEY);
    asm.jump(count);
    asm.bind(places.flow);
    find(&mut asm, FLOWS, KEY);
    asm.bind(count);
    flow(&mut asm, &places);
    asm.bind(places.send);
    super::send::send(&mut asm, program_type, copying, places.pass);
    asm.bind(places.pass);
    // XDP_PASS; tc: go on to the next program.
    asm.mov(R0, if program_type == ProgramType::Xdp { 2 } else { -1 }).exit();
    Ok(Program {
        name: "kernscope_lan".to_owned(),
        program_type,
        insns: asm.finish()?,
        maps: maps(),
        functions: Vec::new(),
    })
}

/// Adds one to a counter of this CPU. Uses `r1` and `r2`.
pub(super) fn count(asm: &mut Asm, counter: i16) {
    asm.load(Dw, R1, R10, MINE).load(Dw, R2, R1, counter);
    asm.alu64(Alu::Add, R2, 1).store(Dw, R1, counter, R2);
}

/// Finds the packet and its length, and the counters.
fn begin(asm: &mut Asm, program_type: ProgramType, copying: Copying, places: &Places) {
    asm.mov(R6, R1);
    if program_type == ProgramType::Xdp {
        // `struct xdp_md`: data, data_end.
        asm.load(W, R7, R6, 0).load(W, R8, R6, 4).mov(R0, R8).alu64(Alu::Sub, R0, R7);
        if copying == Copying::Helper {
            asm.mov(R1, R6).call(XDP_BUFF_LEN);
        }
        asm.store(Dw, R10, WIRE, R0);
    } else {
        // `struct __sk_buff`: len, data, data_end.
        let linear = asm.label();
        asm.load(W, R2, R6, 0).store(Dw, R10, WIRE, R2);
        asm.load(W, R7, R6, 76).load(W, R8, R6, 80);
        asm.mov(R3, R7).alu64(Alu::Add, R3, HEADERS).jump_if(Cond::Le, R3, R8, linear);
        let short = asm.label();
        asm.jump_if(Cond::Le, R2, HEADERS, short).mov(R2, HEADERS);
        asm.bind(short);
        // Where it fails what is there is read.
        asm.mov(R1, R6).call(PULL_DATA).load(W, R7, R6, 76).load(W, R8, R6, 80);
        asm.bind(linear);
    }
    asm.store(Dw, R10, START, R7).store(W, R10, INDEX, 0);
    asm.load_map(R1, COUNTERS).mov(R2, R10).alu64(Alu::Add, R2, i32::from(INDEX)).call(LOOKUP);
    asm.jump_if(Cond::Eq, R0, 0, places.pass).store(Dw, R10, MINE, R0);
    count(asm, CAME);
}

/// Looks the key on the stack up in the map of a pair that is in use: the value to `r0`, the map to `r9`. Each map has a call of
/// its own, since the kernel calls a lookup directly only where it knows the map.
pub(super) fn find(asm: &mut Asm, pair: [MapRef; 2], key: i16) {
    let (second, found) = (asm.label(), asm.label());
    asm.load_map_value(R1, ACTIVE, 0).load(W, R1, R1, 0).mov(R2, R10).alu64(Alu::Add, R2, i32::from(key));
    asm.jump_if(Cond::Ne, R1, 0, second);
    asm.load_map(R9, pair[0]).load_map(R1, pair[0]).call(LOOKUP).jump(found);
    asm.bind(second);
    asm.load_map(R9, pair[1]).load_map(R1, pair[1]).call(LOOKUP);
    asm.bind(found);
}

/// Counts a frame in its flow, which is in `r0` or is put into the map in `r9`, and ends with it if there is nothing to see.
fn flow(asm: &mut Asm, places: &Places) {
    let known = asm.label();
    asm.jump_if(Cond::Ne, R0, 0, known);
    make(asm, KEY, (VALUE, VALUE_BYTES));
    asm.store(Dw, R10, HELD, R0);
    super::sketch::note(asm);
    asm.load(Dw, R0, R10, HELD);
    // No room for the flow: the reader sees the frame.
    asm.jump_if(Cond::Eq, R0, 0, places.always);
    asm.bind(known);
    asm.mov(R9, R0).load(Dw, R3, R10, CODE).jump_if(Cond::Eq, R3, 0, places.send);
    slot(asm);
    asm.load(H, R4, R2, VALUE_LENGTHS).alu64(Alu::And, R3, 0xffff).jump_if(Cond::Ne, R4, R3, places.send);
    asm.load(Dw, R3, R9, VALUE_COUNTED).alu64(Alu::Add, R3, 1).store(Dw, R9, VALUE_COUNTED, R3);
    asm.load(Dw, R3, R9, VALUE_WIRE).load(Dw, R4, R10, WIRE);
    asm.alu64(Alu::Add, R3, R4).store(Dw, R9, VALUE_WIRE, R3);
    count(asm, COUNTED);
    asm.jump(places.pass);
}

/// Puts zeros, which are made in so many bytes of the stack, under the key on the stack into the map in `r9`. In `r0` is the
/// value, or nothing where the map took none.
pub(super) fn make(asm: &mut Asm, key: i16, (zeros, bytes): (i16, i16)) {
    for at in (0..bytes).step_by(8) {
        asm.store(Dw, R10, zeros + at, 0);
    }
    asm.mov(R1, R9).mov(R2, R10).alu64(Alu::Add, R2, i32::from(key));
    asm.mov(R3, R10).alu64(Alu::Add, R3, i32::from(zeros)).mov(R4, 0).call(UPDATE);
    asm.mov(R1, R9).mov(R2, R10).alu64(Alu::Add, R2, i32::from(key)).call(LOOKUP);
}

/// The place for the length whose code is in `r3`, in the flow in `r9`, to `r2`; there are eight.
pub(super) fn slot(asm: &mut Asm) {
    asm.mov(R1, R3).alu64(Alu::And, R1, 7).alu64(Alu::Lsh, R1, 1);
    asm.mov(R2, R9).alu64(Alu::Add, R2, R1);
}

/// Goes to `otherwise` if so many bytes from `r7` on are not there. Uses `r1`.
pub(super) fn need(asm: &mut Asm, bytes: i32, otherwise: Label) {
    asm.mov(R1, R7).alu64(Alu::Add, R1, bytes).jump_if(Cond::Gt, R1, R8, otherwise);
}

/// Two bytes of the packet as a number. Uses nothing else.
pub(super) fn number(asm: &mut Asm, to: Reg, at: i16) {
    asm.load(H, to, R7, at).push(Insn::to_be(to, 16));
}

/// One byte of the packet.
pub(super) fn byte(asm: &mut Asm, to: Reg, at: i16) {
    asm.load(B, to, R7, at);
}

/// Copies of `bytes` from the packet into the key.
pub(super) fn into_key(asm: &mut Asm, size: Size, from: i16, to: i16) {
    asm.load(size, R5, R7, from).store(size, R10, KEY + to, R5);
}

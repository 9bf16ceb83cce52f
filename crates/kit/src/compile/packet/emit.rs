//! From an expression to instructions: the packet is taken apart once (`walk`), then the tests are jumps (`judge`).
//!
//! What was found is kept on the stack, in [`slot`]s; headers are copied there too, so that the same code judges them
//! wherever the packet comes from. Only the loads differ:
//! - XDP and memory have the bytes: a pointer is compared with the end.
//! - tc and sockets ask `bpf_skb_load_bytes`, sockets relative to the link-layer header, so that a filter on a UDP
//!   socket, whose own data begins with the UDP header, is asked about the same packet.

use super::expr::Expr;
use super::needs::Needs;
use crate::asm::{Alu, Asm, Cond, Insn, Label, Reg, Size};
use crate::compile::LoopShape;
use crate::compile::target::Target;

/// Bytes from the frame pointer.
pub(super) mod slot {
    /// What a helper loads for one test.
    pub(in super::super) const LOADED: i16 = -8;
    /// Offset of the network header.
    pub(in super::super) const NETWORK: i16 = -16;
    /// Offset of the transport header; 0: none.
    pub(in super::super) const TRANSPORT: i16 = -24;
    /// Protocol in IP, or [`super::ABSENT`].
    pub(in super::super) const PROTOCOL: i16 = -32;
    /// Source and destination port, or [`super::ABSENT`].
    pub(in super::super) const PORTS: [i16; 2] = [-40, -48];
    /// Type of the fixed header in [`HEADER`]; 0: none.
    pub(in super::super) const FIXED: i16 = -56;
    /// VLANs, or [`super::ABSENT`].
    pub(in super::super) const TAGS: [i16; super::super::MAX_TAGS] = [-64, -72, -80];
    /// The fixed header.
    pub(in super::super) const HEADER: i16 = -120;
    /// Extension headers that may still come, in a loop whose rounds the verifier does not count.
    pub(in super::super) const EXTENSIONS: i16 = -128;
    /// 0, as the verifier does not see.
    pub(in super::super) const UNKNOWN: i16 = -136;
}

/// A value that no field of 16 bits has.
pub(super) const ABSENT: i32 = 0x1_0000;
/// Type of the frame, behind its tags; or [`ABSENT`].
pub(super) const KIND: Reg = Reg::R7;
/// The context, or the memory.
pub(super) const CTX: Reg = Reg::R6;
/// XDP and memory: the first byte, and one past the last.
const DATA: Reg = Reg::R8;
const END: Reg = Reg::R9;
/// The verifier's MAX_PACKET_OFF.
const MAX_OFFSET: u32 = 0xffff;
const SKB_LOAD_BYTES: i32 = 26;
const SKB_LOAD_BYTES_RELATIVE: i32 = 68;
const HDR_START_MAC: i32 = 0;

/// Where bytes of the packet are: behind the offset in a slot, or behind the start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) slot: Option<i16>,
    pub(super) offset: u32,
}

impl Place {
    pub(super) fn at(offset: u32) -> Place {
        Place { slot: None, offset }
    }

    pub(super) fn behind(slot: i16, offset: u32) -> Place {
        Place { slot: Some(slot), offset }
    }
}

pub(super) struct Emitter<'a> {
    pub(super) asm: &'a mut Asm,
    pub(super) target: Target,
    pub(super) needs: Needs,
    pub(super) shape: LoopShape,
}

/// Emits the condition at the start of a program: goes on behind it with the arguments in their registers again when
/// it holds, and to `no` when it does not. The stack down to [`slot::UNKNOWN`] and R6 to R9 are overwritten. A target
/// without packets is taken for memory.
pub(in super::super) fn emit(asm: &mut Asm, expr: &Expr, target: Target, shape: LoopShape, no: Label) {
    let needs = Needs::of(expr);
    let mut emitter = Emitter { asm, target, needs, shape };
    emitter.set_up();
    emitter.walk();
    let yes = emitter.asm.label();
    emitter.judge(expr, super::judge::Exits { yes, no, falls_to_yes: true });
    emitter.asm.bind(yes);
    emitter.asm.mov(Reg::R1, CTX);
    if target != Target::Xdp && !target.is_skb() {
        emitter.asm.mov(Reg::R2, END).alu64(Alu::Sub, Reg::R2, DATA);
    }
}

impl Emitter<'_> {
    pub(super) fn is_direct(&self) -> bool {
        !self.target.is_skb()
    }

    fn set_up(&mut self) {
        let asm = &mut *self.asm;
        asm.mov(CTX, Reg::R1);
        match self.target {
            Target::Xdp => {
                asm.load(Size::W, DATA, Reg::R1, 0).load(Size::W, END, Reg::R1, 4);
            }
            target if target.is_skb() => {}
            _ => {
                asm.mov(DATA, Reg::R1).mov(END, Reg::R1).alu64(Alu::Add, END, Reg::R2);
            }
        }
    }

    /// `slot = value`
    pub(super) fn set(&mut self, slot: i16, value: i32) {
        self.asm.store(Size::Dw, Reg::R10, slot, value);
    }

    /// `slot = reg`
    pub(super) fn keep(&mut self, slot: i16, reg: Reg) {
        self.asm.store(Size::Dw, Reg::R10, slot, reg);
    }

    /// `reg = slot`
    pub(super) fn recall(&mut self, reg: Reg, slot: i16) {
        self.asm.load(Size::Dw, reg, Reg::R10, slot);
    }

    /// The length of the packet to R1.
    pub(super) fn length(&mut self) {
        if self.is_direct() {
            self.asm.mov(Reg::R1, END).alu64(Alu::Sub, Reg::R1, DATA);
        } else {
            self.asm.load(Size::W, Reg::R1, CTX, 0);
        }
    }

    /// Copies `bytes` of the packet to the stack at `to`, or goes to `absent`. Registers up to R5 are lost.
    pub(super) fn copy(&mut self, place: Place, bytes: u32, to: i16, absent: Label) {
        if !self.is_direct() {
            return self.ask(place, bytes, to, absent);
        }
        let (base, start) = self.point(place, bytes, absent);
        let mut done = 0;
        for size in [Size::Dw, Size::W, Size::H, Size::B] {
            while bytes as i16 - done >= size.bytes() as i16 {
                self.asm.load(size, Reg::R1, base, start + done).store(size, Reg::R10, to + done, Reg::R1);
                done += size.bytes() as i16;
            }
        }
    }

    /// A number of 1, 2 or 4 bytes to R1, or to `absent`. Registers up to R5 are lost.
    pub(super) fn number(&mut self, place: Place, bytes: u32, absent: Label) {
        let size = match bytes {
            1 => Size::B,
            2 => Size::H,
            _ => Size::W,
        };
        let (base, start) = if self.is_direct() {
            self.point(place, bytes, absent)
        } else {
            self.ask(place, bytes, slot::LOADED, absent);
            (Reg::R10, slot::LOADED)
        };
        self.asm.load(size, Reg::R1, base, start);
        if size != Size::B {
            self.asm.push(Insn::to_be(Reg::R1, 8 * bytes.cast_signed()));
        }
    }

    /// The kernel copies.
    fn ask(&mut self, place: Place, bytes: u32, to: i16, absent: Label) {
        self.offset(place);
        let asm = &mut *self.asm;
        asm.mov(Reg::R1, CTX).mov(Reg::R3, Reg::R10).alu64(Alu::Add, Reg::R3, i32::from(to));
        asm.mov(Reg::R4, bytes.cast_signed());
        if matches!(self.target, Target::Socket | Target::Datagram) {
            asm.mov(Reg::R5, HDR_START_MAC).call(SKB_LOAD_BYTES_RELATIVE);
        } else {
            asm.call(SKB_LOAD_BYTES);
        }
        asm.jump_if(Cond::Ne, Reg::R0, 0, absent);
    }

    /// The offset of a place to R2.
    fn offset(&mut self, place: Place) {
        match place.slot {
            None => {
                self.asm.mov(Reg::R2, place.offset.cast_signed());
            }
            Some(slot) => {
                self.recall(Reg::R2, slot);
                if place.offset != 0 {
                    self.asm.alu64(Alu::Add, Reg::R2, place.offset.cast_signed());
                }
            }
        }
    }

    /// A register and an offset from it where `bytes` of the packet may be read.
    fn point(&mut self, place: Place, bytes: u32, absent: Label) -> (Reg, i16) {
        let end = (place.offset + bytes).cast_signed();
        if let (None, Ok(near)) = (place.slot, i16::try_from(end)) {
            self.asm.mov(Reg::R2, DATA).alu64(Alu::Add, Reg::R2, end).jump_if(Cond::Gt, Reg::R2, END, absent);
            return (DATA, near - bytes as i16);
        }
        self.offset(place);
        let asm = &mut *self.asm;
        asm.jump_if(Cond::Gt, Reg::R2, (MAX_OFFSET - bytes).cast_signed(), absent);
        asm.alu64(Alu::Add, Reg::R2, DATA).mov(Reg::R3, Reg::R2).alu64(
            Alu::Add,
            Reg::R3,
            bytes.cast_signed(),
        );
        asm.jump_if(Cond::Gt, Reg::R3, END, absent);
        (Reg::R2, 0)
    }
}

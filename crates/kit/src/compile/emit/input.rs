//! From what the kernel hands a program to bytes in the window.

use super::{
    Body, CONTEXT_SLOT, Emit, Exits, KEY_SLOT, MAP_LOOKUP_ELEM, SWITCH, TABLES, TABLES_SLOT, WINDOW,
};
use crate::asm::{Alu, Atomic, Cond, Label, Reg, Size};
use crate::compile::target::Target;
use crate::compile::window;

use Reg::{R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10};

/// `bpf_get_smp_processor_id`
const GET_SMP_PROCESSOR_ID: i32 = 8;
/// `bpf_skb_load_bytes`
const SKB_LOAD_BYTES: i32 = 26;
/// `bpf_xdp_get_buff_len`
const XDP_GET_BUFF_LEN: i32 = 188;
/// `bpf_xdp_load_bytes`
const XDP_LOAD_BYTES: i32 = 189;

/// Offset of `data` in `struct xdp_md`.
const XDP_DATA: i16 = 0;
/// Offset of `data_end` in `struct xdp_md`.
const XDP_DATA_END: i16 = 4;
/// Offset of `len` in `struct __sk_buff`.
const SKB_LEN: i16 = 0;

/// Bytes that one round copies where the kernel does not copy for us.
pub(super) const COPY_SPAN: u32 = 64;

/// Where the end of memory is kept for the virtual machine, from the frame.
const MEMORY_END_SLOT: i16 = -40;

impl Emit<'_> {
    /// Everything before the first scan. Goes to `beyond` for data that cannot be looked at as a whole, to `none` where
    /// there is no window for it.
    pub(super) fn input(&mut self, beyond: Label, none: Label) {
        self.keep_context();
        self.find_window(none);
        self.find_length(beyond);
        self.find_tables();
        self.copy(beyond);
    }

    /// What arguments say, before a helper takes their registers.
    fn keep_context(&mut self) {
        let asm = &mut self.asm;
        asm.store(Size::Dw, R10, CONTEXT_SLOT, R1).mov(R6, R1);
        if self.setting.target == Target::Vm {
            asm.mov(R7, R2).mov(R3, R1).alu64(Alu::Add, R3, R2).store(Size::Dw, R10, MEMORY_END_SLOT, R3);
        }
    }

    /// The context to `r8`, a window of this CPU that no other run has to `r6`. Goes to `none` without one.
    fn find_window(&mut self, none: Label) {
        let windows = self.setting.target.windows();
        let found = self.asm.label();
        self.asm.mov(R8, R6).call(GET_SMP_PROCESSOR_ID);
        if windows > 1 {
            self.asm.alu64(Alu::Mul, R0, windows.cast_signed());
        }
        self.asm.store(Size::W, R10, KEY_SLOT, R0);
        for window in 1..=windows {
            self.asm.load_map(R1, WINDOW).mov(R2, R10).alu64(Alu::Add, R2, i32::from(KEY_SLOT));
            self.asm.call(MAP_LOOKUP_ELEM).jump_if(Cond::Eq, R0, 0, none).mov(R6, R0);
            if windows == 1 {
                break;
            }
            self.want(1);
            self.asm.load(Size::Dw, R1, R6, window::WANTED).jump_if(Cond::Eq, R1, 1, found);
            self.want(-1);
            match window < windows {
                true => self.asm.load(Size::W, R1, R10, KEY_SLOT).alu64(Alu::Add, R1, 1).store(
                    Size::W,
                    R10,
                    KEY_SLOT,
                    R1,
                ),
                false => self.asm.jump(none),
            };
        }
        self.asm.bind(found);
    }

    /// One more run that wants the window, or one less.
    pub(super) fn want(&mut self, by: i32) {
        self.asm.mov(R1, by).atomic(Atomic::Add, Size::Dw, R6, window::WANTED, R1);
    }

    /// The length of the data to `r7` and into the window.
    fn find_length(&mut self, beyond: Label) {
        let asm = &mut self.asm;
        match self.setting.target {
            Target::Xdp if self.setting.host.xdp_load_bytes => {
                asm.mov(R1, R8).call(XDP_GET_BUFF_LEN).mov(R7, R0);
            }
            Target::Xdp => {
                asm.load(Size::W, R1, R8, XDP_DATA).load(Size::W, R7, R8, XDP_DATA_END).alu64(
                    Alu::Sub,
                    R7,
                    R1,
                );
            }
            target if target.is_skb() => _ = asm.load(Size::W, R7, R8, SKB_LEN),
            Target::Buffer => _ = asm.load(Size::Dw, R7, R6, window::LENGTH),
            _ => {}
        }
        let skipped = self.setting.target.skipped_bytes();
        if skipped > 0 {
            // A shorter packet becomes one that is too long.
            asm.alu64(Alu::Sub, R7, skipped as i32);
        }
        asm.jump_if(Cond::Gt, R7, self.setting.limit as i32, beyond);
        if self.setting.target != Target::Buffer {
            asm.store(Size::Dw, R6, window::LENGTH, R7);
        }
    }

    /// The tables that count to `r9`.
    fn find_tables(&mut self) {
        self.asm
            .load_map_value(R1, SWITCH, 0)
            .load(Size::Dw, R1, R1, 0)
            .alu64(Alu::And, R1, 1)
            .alu64(Alu::Mul, R1, self.setting.table_bytes as i32)
            .load_map_value(R9, TABLES, 0)
            .alu64(Alu::Add, R9, R1)
            .store(Size::Dw, R10, TABLES_SLOT, R9);
    }

    /// The data into the window.
    fn copy(&mut self, beyond: Label) {
        let done = self.asm.label();
        match self.setting.target {
            Target::Buffer => {}
            target if target.is_skb() => self.copy_by(SKB_LOAD_BYTES, beyond, done),
            Target::Xdp if self.setting.host.xdp_load_bytes => self.copy_by(XDP_LOAD_BYTES, beyond, done),
            _ => {
                self.reset(0);
                self.repeat(Body::Copy, beyond, done);
            }
        }
        self.asm.bind(done);
    }

    /// By a helper that takes context, offset, destination and length.
    fn copy_by(&mut self, helper: i32, beyond: Label, done: Label) {
        self.asm
            // Not "equal to zero": old verifiers learn nothing about the range from that.
            .jump_if(Cond::Lt, R7, 1, done)
            .mov(R1, R8)
            .mov(R2, self.setting.target.skipped_bytes() as i32)
            .mov(R3, R6)
            .alu64(Alu::Add, R3, i32::from(window::DATA))
            .mov(R4, R7)
            .call(helper)
            .jump_if(Cond::Ne, R0, 0, beyond);
    }

    /// Brings what a copy by hand needs from the frame of the caller, whose tables `r2` points to, into a callback's.
    pub(super) fn copy_slots(&mut self) {
        let end = (self.setting.target == Target::Vm).then_some(MEMORY_END_SLOT);
        for slot in [CONTEXT_SLOT].into_iter().chain(end) {
            self.asm.load(Size::Dw, R1, R2, slot - TABLES_SLOT).store(Size::Dw, R10, slot, R1);
        }
    }

    /// One round of a copy by hand: as many bytes as fit a span, or one. The end of the data is `no`.
    pub(super) fn copy_round(&mut self, exits: Exits) {
        let one = self.asm.label();
        self.take_place(exits.no);
        // To r1 where the next byte is, to r2 where the data ends.
        if self.setting.target == Target::Vm {
            self.asm.load(Size::Dw, R1, R10, CONTEXT_SLOT).load(Size::Dw, R2, R10, MEMORY_END_SLOT);
        } else {
            self.asm.load(Size::Dw, R5, R10, CONTEXT_SLOT);
            self.asm.load(Size::W, R1, R5, XDP_DATA).load(Size::W, R2, R5, XDP_DATA_END);
        }
        self.asm.alu64(Alu::Add, R1, R8).mov(R4, R1).alu64(Alu::Add, R4, COPY_SPAN as i32);
        self.leave_if(Cond::Gt, R4, R2, one);
        for word in 0..COPY_SPAN as i16 / 8 {
            self.asm.load(Size::Dw, R5, R1, 8 * word).store(Size::Dw, R3, window::DATA + 8 * word, R5);
        }
        self.asm.alu64(Alu::Add, R8, COPY_SPAN as i32);
        self.put_place(exits);
        self.asm.bind(one);
        self.asm.mov(R4, R1).alu64(Alu::Add, R4, 1);
        self.leave_if(Cond::Gt, R4, R2, exits.yes);
        self.asm.load(Size::B, R5, R1, 0).store(Size::B, R3, window::DATA, R5).alu64(Alu::Add, R8, 1);
        self.put_place(exits);
    }
}

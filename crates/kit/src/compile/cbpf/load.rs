//! Loads, which differ by target.
//!
//! - Socket filters have the legacy packet loads, which do what the classic ones do, bounds and all.
//! - tc programs call `bpf_skb_load_bytes`: the legacy loads return 0 beyond the packet, which there means "go on".
//! - XDP programs and memory compare with the end; bytes that every path has loaded before are not asked for again.

use super::flow::fixed_end;
use super::translate::{A, CTX, Target, TranslateError, Translator, X, word};
use super::{Ancillary, Insn, op};
use crate::asm::{self, Alu, Cond, Reg, Size};

/// The first byte of the packet.
const DATA: Reg = Reg::R8;
/// XDP: one past the last byte. Memory: its length.
const END: Reg = Reg::R9;
/// Where `bpf_skb_load_bytes` puts what it loads, below the scratch words.
const BUFFER: i16 = -72;
const GET_PRANDOM_U32: i32 = 7;
const GET_SMP_PROCESSOR_ID: i32 = 8;
const SKB_LOAD_BYTES: i32 = 26;

/// Offset and width in `struct __sk_buff` of `include/uapi/linux/bpf.h`; big-endian ones are 16 bits wide.
fn skb_field(ancillary: Ancillary) -> Option<(i16, bool)> {
    Some(match ancillary {
        Ancillary::Protocol => (16, true),
        Ancillary::PacketType => (4, false),
        Ancillary::Interface => (40, false),
        Ancillary::Mark => (8, false),
        Ancillary::Queue => (12, false),
        Ancillary::Hash => (68, false),
        Ancillary::VlanTag => (24, false),
        Ancillary::VlanPresent => (20, false),
        Ancillary::VlanProtocol => (28, true),
        _ => return None,
    })
}

/// Offset in `struct xdp_md`.
fn xdp_field(ancillary: Ancillary) -> Option<i16> {
    match ancillary {
        Ancillary::Interface => Some(12),
        Ancillary::Queue => Some(16),
        _ => None,
    }
}

impl Translator {
    /// Puts context, data and end where the loads expect them, as far as they are used.
    pub(super) fn set_up_loads(&mut self, packet: bool, length: bool, context: bool) {
        let asm = &mut self.asm;
        match self.target {
            Target::Socket | Target::Tc(_) if packet || length || context => {
                asm.mov(CTX, Reg::R1);
            }
            Target::Socket | Target::Tc(_) => {}
            Target::Xdp(_) => {
                if context {
                    asm.mov(CTX, Reg::R1);
                }
                if packet || length {
                    asm.load(Size::W, DATA, Reg::R1, 0).load(Size::W, END, Reg::R1, 4);
                }
            }
            Target::Vm => {
                if packet {
                    asm.mov(DATA, Reg::R1);
                }
                if packet || length {
                    asm.mov(END, Reg::R2);
                }
            }
        }
    }

    /// Any load, into A or X.
    pub(super) fn load(&mut self, at: usize, insn: Insn) -> Result<(), TranslateError> {
        let dst = if insn.class() == op::LD { A } else { X };
        match insn.mode() {
            op::IMM => {
                self.asm.mov32(dst, insn.k.cast_signed());
            }
            op::MEM => {
                self.asm.load(Size::W, dst, Reg::R10, word(insn.k));
            }
            op::LEN => self.length(dst),
            op::IND => self.indirect(insn),
            op::MSH => self.header_length(at, insn)?,
            _ => match insn.ancillary() {
                Some(ancillary) => self.ancillary(at, ancillary)?,
                None => self.fixed(at, insn, A)?,
            },
        }
        Ok(())
    }

    fn length(&mut self, dst: Reg) {
        match self.target {
            Target::Socket | Target::Tc(_) => {
                self.asm.load(Size::W, dst, CTX, 0);
            }
            Target::Xdp(_) => {
                self.asm.mov(dst, END).alu64(Alu::Sub, dst, DATA);
            }
            Target::Vm => {
                self.asm.mov32(dst, END);
            }
        }
    }

    /// Bytes at a fixed offset.
    fn fixed(&mut self, at: usize, insn: Insn, dst: Reg) -> Result<(), TranslateError> {
        let size = size(insn);
        if self.target == Target::Socket {
            self.legacy(op::ABS, Reg::R0, insn);
            return Ok(());
        }
        let Some(end) = fixed_end(insn) else {
            return Err(self.missing(at, "an offset from a header"));
        };
        let known = end <= self.flow.known_bytes[at];
        match self.target {
            Target::Tc(_) => {
                self.asm.mov(Reg::R2, insn.k.cast_signed());
                self.skb_load(size, dst);
                return Ok(());
            }
            _ if known => {}
            Target::Xdp(_) => {
                self.asm.mov(Reg::R2, DATA).alu64(Alu::Add, Reg::R2, end.cast_signed());
                self.reject_if(Cond::Gt, Reg::R2, END);
            }
            _ => self.reject_if(Cond::Lt, END, end.cast_signed()),
        }
        match i16::try_from(insn.k) {
            Ok(near) => {
                self.asm.load(size, dst, DATA, near);
            }
            Err(_) => {
                self.asm.mov(Reg::R2, DATA).alu64(Alu::Add, Reg::R2, insn.k.cast_signed());
                self.asm.load(size, dst, Reg::R2, 0);
            }
        }
        self.swap(size, dst);
        Ok(())
    }

    /// Bytes at X plus an offset. Beyond socket filters, a negative sum is out of bounds.
    fn indirect(&mut self, insn: Insn) {
        let size = size(insn);
        if self.target == Target::Socket {
            return self.legacy(op::IND, X, insn);
        }
        self.asm.mov32(Reg::R2, X);
        if insn.k != 0 {
            self.asm.alu32(Alu::Add, Reg::R2, insn.k.cast_signed());
        }
        match self.target {
            Target::Tc(_) => return self.skb_load(size, A),
            Target::Xdp(_) => {
                let last = self.target.reach_bytes() - insn.bytes();
                self.reject_if(Cond::Gt, Reg::R2, last.cast_signed());
                self.asm.alu64(Alu::Add, Reg::R2, DATA).mov(Reg::R3, Reg::R2);
                self.asm.alu64(Alu::Add, Reg::R3, insn.bytes().cast_signed());
                self.reject_if(Cond::Gt, Reg::R3, END);
            }
            _ => {
                self.asm.mov(Reg::R3, Reg::R2).alu64(Alu::Add, Reg::R3, insn.bytes().cast_signed());
                self.reject_if(Cond::Gt, Reg::R3, END);
                self.asm.alu64(Alu::Add, Reg::R2, DATA);
            }
        }
        self.asm.load(size, A, Reg::R2, 0);
        self.swap(size, A);
    }

    /// `X = 4 * (byte & 15)`; A stays as it is.
    fn header_length(&mut self, at: usize, insn: Insn) -> Result<(), TranslateError> {
        let direct = matches!(self.target, Target::Xdp(_) | Target::Vm);
        let keep_a = !direct && self.flow.a_is_read_after(at);
        if keep_a {
            self.asm.mov(DATA, A);
        }
        let byte = Insn::stmt(op::LD | op::ABS | op::B, insn.k);
        let dst = if self.target == Target::Socket { A } else { X };
        self.fixed(at, byte, dst)?;
        if dst != X {
            self.asm.mov(X, dst);
        }
        self.asm.alu32(Alu::And, X, 15).alu32(Alu::Lsh, X, 2);
        if keep_a {
            self.asm.mov(A, DATA);
        }
        Ok(())
    }

    fn ancillary(&mut self, at: usize, ancillary: Ancillary) -> Result<(), TranslateError> {
        let missing = self.missing(at, &format!("ancillary data {ancillary:?}"));
        match (ancillary, self.target) {
            (Ancillary::XorX, _) => {
                self.asm.alu32(Alu::Xor, A, X);
            }
            (_, Target::Vm) => return Err(missing),
            (Ancillary::Random, _) => {
                self.asm.call(GET_PRANDOM_U32);
            }
            (Ancillary::Cpu, _) => {
                self.asm.call(GET_SMP_PROCESSOR_ID);
            }
            (Ancillary::VlanPresent | Ancillary::VlanTag | Ancillary::VlanProtocol, Target::Xdp(_)) => {
                self.asm.mov32(A, 0);
            }
            (_, Target::Xdp(_)) => {
                let off = xdp_field(ancillary).ok_or(missing)?;
                self.asm.load(Size::W, A, CTX, off);
            }
            _ => {
                let (off, big_endian) = skb_field(ancillary).ok_or(missing)?;
                self.asm.load(Size::W, A, CTX, off);
                if big_endian {
                    self.asm.push(asm::Insn::to_be(A, 16));
                }
            }
        }
        Ok(())
    }

    /// `BPF_LD | BPF_ABS` or `BPF_IND` of eBPF: the context in R6, the result in R0 in this machine's order.
    fn legacy(&mut self, mode: u16, index: Reg, insn: Insn) {
        let (code, index) =
            (op::LD | mode | size(insn) as u16, if mode == op::IND { index as u8 } else { 0 });
        self.asm.push(asm::Insn::new(code as u8, 0, index, 0, insn.k.cast_signed()));
    }

    /// Bytes at the offset in R2.
    fn skb_load(&mut self, size: Size, dst: Reg) {
        let bytes = size.bytes() as i32;
        self.asm.mov(Reg::R1, CTX).mov(Reg::R3, Reg::R10).alu64(Alu::Add, Reg::R3, i32::from(BUFFER));
        self.asm.mov(Reg::R4, bytes).call(SKB_LOAD_BYTES);
        self.reject_if(Cond::Ne, Reg::R0, 0);
        self.asm.load(size, dst, Reg::R10, BUFFER);
        self.swap(size, dst);
    }

    /// From network to host order.
    fn swap(&mut self, size: Size, reg: Reg) {
        if size != Size::B {
            self.asm.push(asm::Insn::to_be(reg, 8 * size.bytes() as i32));
        }
    }

    fn missing(&self, at: usize, what: &str) -> TranslateError {
        let target = match self.target {
            Target::Socket => "a socket filter",
            Target::Tc(_) => "a tc program",
            Target::Xdp(_) => "an XDP program",
            Target::Vm => "plain memory",
        };
        TranslateError::Missing { at, what: what.to_owned(), target }
    }
}

fn size(insn: Insn) -> Size {
    Size::of(insn.code as u8)
}

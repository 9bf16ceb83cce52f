//! Instructions that take a packet apart once: tags, type, fixed header, protocol, ports. The same steps as in
//! `headers`, as far as [`Needs`](super::needs::Needs) goes.

use super::emit::{ABSENT, CTX, Emitter, KIND, Place, slot};
use super::headers::{
    ARP, ARP_BYTES, AUTHENTICATION, ETHER_BYTES, EXTENSION_BYTES, EXTENSION_NUMBERS, FRAGMENT, IP, IP_BYTES,
    IP6, IP6_BYTES, MAX_EXTENSIONS, MAX_TAGS, TAG_TYPES, WITH_PORTS,
};
use super::needs::Depth;
use crate::asm::{Alu, Cond, Insn, Label, Reg, Size};
use crate::compile::LoopShape;
use crate::compile::target::Target;

use Reg::{R1, R2, R3, R4, R5, R10};

/// Offsets in `struct __sk_buff`.
const SKB_MARK: i16 = 8;
const SKB_VLAN_PRESENT: i16 = 20;
const SKB_VLAN_TCI: i16 = 24;
/// Offset of the queue in `struct xdp_md`.
const XDP_QUEUE: i16 = 16;

impl Emitter<'_> {
    pub(super) fn walk(&mut self) {
        if !self.needs.kind {
            return;
        }
        self.make_unknown();
        self.forget();
        self.kind();
        let done = self.asm.label();
        if self.needs.v4 > Depth::None {
            self.ip(done);
        }
        if self.needs.v6 > Depth::None {
            self.ip6(done);
        }
        if self.needs.arp {
            self.arp(done);
        }
        self.asm.bind(done);
        if self.needs.ports {
            self.ports();
        }
    }

    /// Nothing is known yet. The header is cleared too: kernels before 6.7 forget what number was stored in a slot, so
    /// they follow tests of one kind of header where another, shorter one was copied.
    fn forget(&mut self) {
        self.set(slot::NETWORK, ETHER_BYTES as i32);
        if self.needs.tags {
            slot::TAGS.into_iter().for_each(|tag| self.set(tag, ABSENT));
        }
        if self.needs.any_fixed() {
            self.set(slot::FIXED, 0);
            (0..IP6_BYTES as i16).step_by(8).for_each(|at| self.set(slot::HEADER + at, 0));
        }
        if self.needs.any_protocol() {
            self.set(slot::PROTOCOL, ABSENT);
            self.set(slot::TRANSPORT, 0);
        }
        if self.needs.ports {
            slot::PORTS.into_iter().for_each(|port| self.set(port, ABSENT));
        }
    }

    /// The type behind the tags to [`KIND`]; tags and the offset of the network header to their slots.
    fn kind(&mut self) {
        let (typed, cut) = (self.asm.label(), self.asm.label());
        self.asm.mov(KIND, ABSENT);
        if !self.is_direct() {
            let in_band = self.asm.label();
            self.asm.load(Size::W, R1, CTX, SKB_VLAN_PRESENT).jump_if(Cond::Eq, R1, 0, in_band);
            if self.needs.tags {
                self.asm.load(Size::W, R1, CTX, SKB_VLAN_TCI).alu64(Alu::And, R1, 0xfff);
                self.keep(slot::TAGS[0], R1);
            }
            self.tags(1, typed, cut);
            self.asm.bind(in_band);
        }
        self.tags(0, typed, cut);
        self.asm.bind(cut);
        self.asm.mov(KIND, ABSENT);
        self.asm.bind(typed);
        self.blur_slots(&[slot::NETWORK]);
        if self.needs.tags {
            self.blur_slots(&slot::TAGS);
        }
    }

    /// Makes the verifier forget what it knows of these slots, so that it follows what comes behind once, and not for each
    /// way that leads there.
    fn blur_slots(&mut self, slots: &[i16]) {
        for &slot in slots {
            self.recall(R1, slot);
            self.blur();
            self.keep(slot, R1);
        }
    }

    /// Makes the verifier forget what it knows of R1, a number of 17 bits as [`ABSENT`] is: else it follows all that comes
    /// behind for each number of tags and each length of extension headers apart, which took 70,000 instructions.
    fn blur(&mut self) {
        if self.unknown().is_some() {
            self.recall(R5, slot::UNKNOWN);
            self.asm.alu64(Alu::Xor, R1, R5);
        }
    }

    /// To its slot `(x ^ 1) & x & 1`, which is 0, as the verifier does not see, spread over 17 bits.
    fn make_unknown(&mut self) {
        let Some(field) = self.unknown() else { return };
        self.asm.load(Size::W, R5, CTX, field).mov(R4, R5).alu64(Alu::Xor, R4, 1).alu64(Alu::And, R5, R4);
        self.asm.alu64(Alu::And, R5, 1).alu64(Alu::Mul, R5, 0x1_ffff);
        self.keep(slot::UNKNOWN, R5);
    }

    /// Something that the verifier does not know, in the context. None where nobody follows.
    fn unknown(&self) -> Option<i16> {
        match self.target {
            Target::Xdp => Some(XDP_QUEUE),
            target if target.is_skb() => Some(SKB_MARK),
            _ => None,
        }
    }

    /// On when R1, a byte or [`ABSENT`], is one of these, all below 64 or from 128 to 191 and not 0 where R1 may be
    /// [`ABSENT`]; else to `other`. By bits, and one jump, so that the verifier does not follow the rest for each.
    fn among(&mut self, numbers: &[u8], other: Label) {
        let bits = |from: u8| {
            let inside = numbers.iter().filter_map(|number| number.checked_sub(from)).filter(|bit| *bit < 64);
            inside.fold(0u64, |bits, bit| bits | 1 << bit)
        };
        // To R2 the bits of this half, of which R3 counts; to R1 whether it is the lower quarter of the half.
        let asm = &mut *self.asm;
        asm.mov(R4, R1).alu64(Alu::Rsh, R4, 7).alu64(Alu::And, R4, 1);
        asm.load_imm(R5, bits(0) ^ bits(128)).alu64(Alu::Mul, R4, R5);
        asm.load_imm(R2, bits(0)).alu64(Alu::Xor, R2, R4);
        asm.mov(R3, R1).alu64(Alu::And, R3, 63).alu64(Alu::Rsh, R2, R3);
        asm.alu64(Alu::Rsh, R1, 6).alu64(Alu::Xor, R1, 1).alu64(Alu::And, R2, R1).alu64(Alu::And, R2, 1);
        asm.jump_if(Cond::Eq, R2, 0, other);
    }

    /// Tags in the packet, `taken` of them being outside of it; ends with a jump.
    fn tags(&mut self, taken: usize, typed: Label, cut: Label) {
        self.number(Place::at(ETHER_BYTES as u32 - 2), 2, typed);
        self.asm.mov(KIND, R1);
        for (at, tag) in slot::TAGS.into_iter().enumerate().take(MAX_TAGS).skip(taken) {
            let tagged = self.asm.label();
            for kind in TAG_TYPES {
                self.asm.jump_if(Cond::Eq, KIND, i32::from(kind), tagged);
            }
            self.asm.jump(typed);
            self.asm.bind(tagged);
            let offset = (ETHER_BYTES + 4 * (at - taken)) as u32;
            self.copy(Place::at(offset), 4, slot::LOADED, cut);
            if self.needs.tags {
                self.big_endian(R1, slot::LOADED);
                self.asm.alu64(Alu::And, R1, 0xfff);
                self.keep(tag, R1);
            }
            self.big_endian(KIND, slot::LOADED + 2);
            self.set(slot::NETWORK, offset as i32 + 4);
        }
        self.asm.jump(typed);
    }

    /// A 16-bit number on the stack.
    fn big_endian(&mut self, reg: Reg, at: i16) {
        self.asm.load(Size::H, reg, R10, at).push(Insn::to_be(reg, 16));
    }

    /// The fixed header of frames of a type; goes on behind it, or to `other` for frames of another type.
    fn fixed(&mut self, kind: u16, bytes: usize, other: Label, done: Label) {
        self.asm.jump_if(Cond::Ne, KIND, i32::from(kind), other);
        self.copy(Place::behind(slot::NETWORK, 0), bytes as u32, slot::HEADER, done);
        self.set(slot::FIXED, i32::from(kind));
    }

    fn ip(&mut self, done: Label) {
        let other = self.asm.label();
        self.fixed(IP, IP_BYTES, other, done);
        if self.needs.v4 == Depth::Protocol {
            self.asm.load(Size::B, R1, R10, slot::HEADER + 9);
            self.keep(slot::PROTOCOL, R1);
            self.asm.load(Size::B, R1, R10, slot::HEADER).alu64(Alu::And, R1, 15).alu64(Alu::Lsh, R1, 2);
            self.asm.jump_if(Cond::Lt, R1, IP_BYTES as i32, done);
            self.big_endian(R2, slot::HEADER + 6);
            self.asm.jump_if(Cond::Set, R2, 0x1fff, done);
            self.recall(R2, slot::NETWORK);
            self.asm.alu64(Alu::Add, R2, R1);
            self.keep(slot::TRANSPORT, R2);
        }
        self.asm.jump(done);
        self.asm.bind(other);
    }

    /// Leaves the addresses where IPv4 has them.
    fn arp(&mut self, done: Label) {
        self.fixed(ARP, ARP_BYTES, done, done);
        let at = |offset: i16| slot::HEADER + offset;
        let asm = &mut *self.asm;
        asm.load(Size::H, R1, R10, at(14)).load(Size::H, R2, R10, at(16)).load(Size::W, R3, R10, at(24));
        asm.store(Size::H, R10, at(12), R1).store(Size::H, R10, at(14), R2).store(Size::W, R10, at(16), R3);
    }

    fn ip6(&mut self, done: Label) {
        let other = self.asm.label();
        self.fixed(IP6, IP6_BYTES, other, done);
        if self.needs.v6 == Depth::Protocol {
            self.recall(R1, slot::NETWORK);
            self.asm.alu64(Alu::Add, R1, IP6_BYTES as i32);
            self.keep(slot::TRANSPORT, R1);
            self.asm.load(Size::B, R1, R10, slot::HEADER + 6);
            self.keep(slot::PROTOCOL, R1);
            self.extensions();
        }
        self.asm.jump(done);
        self.asm.bind(other);
    }

    /// Follows extension headers, from the offset and the number in the slots of the transport. The verifier follows
    /// one round for all where `may_goto` lets it, elsewhere (from 5.3) each.
    fn extensions(&mut self) {
        let [head, found, unknown, later, add] = [(); 5].map(|()| self.asm.label());
        self.start_counting();
        self.asm.bind(head);
        if self.is_free() {
            self.asm.may_goto(unknown);
        }
        self.recall(R1, slot::PROTOCOL);
        self.among(&EXTENSION_NUMBERS, found);
        self.count_down(unknown);
        self.copy(Place::behind(slot::TRANSPORT, 0), EXTENSION_BYTES as u32, slot::LOADED, unknown);
        self.recall(R1, slot::PROTOCOL);
        self.asm.load(Size::B, R2, R10, slot::LOADED).load(Size::B, R3, R10, slot::LOADED + 1);
        self.keep(slot::PROTOCOL, R2);
        self.length_of_extension(later, add);
        self.asm.bind(add);
        self.recall(R1, slot::TRANSPORT);
        self.asm.alu64(Alu::Add, R1, R3);
        self.blur();
        self.keep(slot::TRANSPORT, R1);
        self.asm.jump(head);
        self.asm.bind(unknown);
        self.set(slot::PROTOCOL, ABSENT);
        self.asm.bind(later);
        self.set(slot::TRANSPORT, 0);
        self.asm.bind(found);
        self.asm.mov(KIND, i32::from(IP6));
    }

    /// Whether the verifier does not count the rounds of loops.
    fn is_free(&self) -> bool {
        self.shape == LoopShape::MayGoto
    }

    /// How many extension headers may come: to a slot, as a number that the verifier does not know; or, where it counts,
    /// to [`KIND`], which is known here.
    fn start_counting(&mut self) {
        if self.is_free() {
            self.asm.mov(R1, MAX_EXTENSIONS as i32);
            self.blur();
            self.keep(slot::EXTENSIONS, R1);
        } else {
            self.asm.mov(KIND, MAX_EXTENSIONS as i32);
        }
    }

    /// One less; to `none` when none is left.
    fn count_down(&mut self, none: Label) {
        if self.is_free() {
            self.recall(R1, slot::EXTENSIONS);
            self.asm.jump_if(Cond::Eq, R1, 0, none).alu64(Alu::Sub, R1, 1);
            self.keep(slot::EXTENSIONS, R1);
        } else {
            self.asm.jump_if(Cond::Eq, KIND, 0, none).alu64(Alu::Sub, KIND, 1);
        }
    }

    /// From the extension's number in R1 and the length it tells in R3 to its bytes in R3; to `later` for a fragment
    /// that is not the first.
    fn length_of_extension(&mut self, later: Label, add: Label) {
        let [fragment, authentication] = [(); 2].map(|()| self.asm.label());
        self.asm.jump_if(Cond::Eq, R1, i32::from(FRAGMENT), fragment);
        self.asm.jump_if(Cond::Eq, R1, i32::from(AUTHENTICATION), authentication);
        self.asm.alu64(Alu::Add, R3, 1).alu64(Alu::Lsh, R3, 3).jump(add);
        self.asm.bind(authentication);
        self.asm.alu64(Alu::Add, R3, 2).alu64(Alu::Lsh, R3, 2).jump(add);
        self.asm.bind(fragment);
        self.big_endian(R4, slot::LOADED + 2);
        self.asm.jump_if(Cond::Set, R4, 0xfff8, later).mov(R3, 8);
    }

    /// The ports of a protocol that has them.
    fn ports(&mut self) {
        let none = self.asm.label();
        self.recall(R1, slot::TRANSPORT);
        self.asm.jump_if(Cond::Eq, R1, 0, none);
        self.recall(R1, slot::PROTOCOL);
        self.among(&WITH_PORTS, none);
        self.copy(Place::behind(slot::TRANSPORT, 0), 4, slot::LOADED, none);
        for (port, at) in slot::PORTS.into_iter().zip([0, 2]) {
            self.big_endian(R1, slot::LOADED + at);
            self.keep(port, R1);
        }
        self.asm.bind(none);
    }
}

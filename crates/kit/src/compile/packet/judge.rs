//! Tests as jumps: every test goes to `yes` or to `no`, one of which is the next instruction.

use std::net::IpAddr;

use super::emit::{ABSENT, Emitter, KIND, Place, slot};
use super::expr::{Expr, Relation, Scope, Side, Tag, Test, Version};
use super::headers;
use crate::asm::{Alu, Cond, Label, Reg, Size};

use Reg::{R1, R10};

/// Where a test goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exits {
    pub(super) yes: Label,
    pub(super) no: Label,
    /// Whether `yes` is the next instruction; else `no` is.
    pub(super) falls_to_yes: bool,
}

impl Exits {
    fn flipped(self) -> Exits {
        Exits { yes: self.no, no: self.yes, falls_to_yes: !self.falls_to_yes }
    }
}

impl Emitter<'_> {
    pub(super) fn judge(&mut self, expr: &Expr, exits: Exits) {
        match expr {
            Expr::Test(test) => self.test(test, exits),
            Expr::Not(expr) => self.judge(expr, exits.flipped()),
            Expr::All(list) => self.all(list.len(), exits, |this, at, exits| this.judge(&list[at], exits)),
            Expr::Any(list) => self.any(list.len(), exits, |this, at, exits| this.judge(&list[at], exits)),
        }
    }

    /// Parts that must all hold.
    fn all(&mut self, parts: usize, exits: Exits, mut part: impl FnMut(&mut Self, usize, Exits)) {
        for at in 0..parts {
            if at + 1 == parts {
                return part(self, at, exits);
            }
            let next = self.asm.label();
            part(self, at, Exits { yes: next, no: exits.no, falls_to_yes: true });
            self.asm.bind(next);
        }
        self.always(exits);
    }

    /// Parts of which one must hold.
    fn any(&mut self, parts: usize, exits: Exits, mut part: impl FnMut(&mut Self, usize, Exits)) {
        self.all(parts, exits.flipped(), |this, at, exits| part(this, at, exits.flipped()));
    }

    /// To `yes`, in a way that keeps `no` reachable: what the verifier calls unreachable it refuses.
    fn always(&mut self, exits: Exits) {
        self.asm.mov(R1, 0);
        self.decide(Relation::Eq, R1, 0, exits);
    }

    /// To `yes` when the low 32 bits of a register compare so.
    fn decide(&mut self, relation: Relation, reg: Reg, value: u32, exits: Exits) {
        let (holds, fails) = match relation {
            Relation::Eq => (Cond::Eq, Cond::Ne),
            Relation::Ne => (Cond::Ne, Cond::Eq),
            Relation::Lt => (Cond::Lt, Cond::Ge),
            Relation::Le => (Cond::Le, Cond::Gt),
            Relation::Gt => (Cond::Gt, Cond::Le),
            Relation::Ge => (Cond::Ge, Cond::Lt),
        };
        let (cond, label) = if exits.falls_to_yes { (fails, exits.no) } else { (holds, exits.yes) };
        self.asm.jump_if32(cond, reg, value.cast_signed(), label);
    }

    /// On to the next instruction when a register is this; else to `no`.
    fn require(&mut self, reg: Reg, value: i32, exits: Exits) {
        self.asm.jump_if32(Cond::Ne, reg, value, exits.no);
    }

    /// To `yes` when a slot holds this.
    fn slot_is(&mut self, slot: i16, value: i32, exits: Exits) {
        self.recall(R1, slot);
        self.decide(Relation::Eq, R1, value.cast_unsigned(), exits);
    }

    fn test(&mut self, test: &Test, exits: Exits) {
        match *test {
            Test::Ether { side, address } => self.sides(side, exits, |this, end, exits| {
                this.ether(address, if end == 0 { 6 } else { 0 }, exits);
            }),
            Test::EtherType(kind) => self.decide(Relation::Eq, KIND, u32::from(kind), exits),
            Test::Vlan { tag, id } => self.vlan(tag, id, exits),
            Test::Protocol { version, number } => {
                match version {
                    Version::Any => {}
                    Version::V4 => self.require(KIND, headers::IP.into(), exits),
                    Version::V6 => self.require(KIND, headers::IP6.into(), exits),
                }
                self.slot_is(slot::PROTOCOL, number.into(), exits);
            }
            Test::Net { side, scope, address, prefix } => self.net(side, scope, address, prefix, exits),
            Test::Port { side, transport, low, high } => {
                if let Some(number) = transport.number() {
                    self.recall(R1, slot::PROTOCOL);
                    self.require(R1, number.into(), exits);
                }
                self.sides(side, exits, |this, end, exits| {
                    this.recall(R1, slot::PORTS[end]);
                    this.asm.jump_if32(Cond::Lt, R1, i32::from(low), exits.no);
                    this.decide(Relation::Le, R1, high.into(), exits);
                });
            }
            Test::Length(relation, value) => {
                self.length();
                self.decide(relation, R1, value, exits);
            }
            Test::Field { .. } => self.field(test, exits),
        }
    }

    /// A question to source (0), destination (1) or both.
    fn sides(&mut self, side: Side, exits: Exits, mut of: impl FnMut(&mut Self, usize, Exits)) {
        match side {
            Side::Src => of(self, 0, exits),
            Side::Dst => of(self, 1, exits),
            Side::Either => self.any(2, exits, of),
            Side::Both => self.all(2, exits, of),
        }
    }

    /// Six bytes at an offset.
    fn ether(&mut self, address: [u8; 6], offset: u32, exits: Exits) {
        let [a, b, c, d, e, f] = address;
        self.copy(Place::at(offset), 6, slot::LOADED, exits.no);
        self.asm.load(Size::W, R1, R10, slot::LOADED);
        self.require(R1, i32::from_ne_bytes([a, b, c, d]), exits);
        self.asm.load(Size::H, R1, R10, slot::LOADED + 4);
        self.decide(Relation::Eq, R1, u16::from_ne_bytes([e, f]).into(), exits);
    }

    fn vlan(&mut self, tag: Tag, id: Option<u16>, exits: Exits) {
        let slots = match tag {
            Tag::Any if id.is_some() => &slot::TAGS[..],
            Tag::Any | Tag::Outer => &slot::TAGS[..1],
            Tag::Inner => &slot::TAGS[1..2],
        };
        self.any(slots.len(), exits, |this, at, exits| match id {
            Some(id) => this.slot_is(slots[at], id.into(), exits),
            None => this.slot_is(slots[at], ABSENT, exits.flipped()),
        });
    }

    fn net(&mut self, side: Side, scope: Scope, address: IpAddr, prefix: u8, exits: Exits) {
        self.recall(R1, slot::FIXED);
        let (ip, arp) = (headers::IP.into(), headers::ARP.into());
        match (address, scope) {
            (IpAddr::V6(_), _) => self.require(R1, headers::IP6.into(), exits),
            (_, Scope::Ip) => self.require(R1, ip, exits),
            (_, Scope::Arp) => self.require(R1, arp, exits),
            (_, Scope::Any) => {
                let known = self.asm.label();
                self.asm.jump_if32(Cond::Eq, R1, ip, known);
                self.require(R1, arp, exits);
                self.asm.bind(known);
            }
        }
        match address {
            IpAddr::V4(v4) => {
                self.sides(side, exits, |this, end, exits| {
                    this.address(&v4.octets(), prefix, slot::HEADER + [12, 16][end], exits);
                });
            }
            IpAddr::V6(v6) => {
                self.sides(side, exits, |this, end, exits| {
                    this.address(&v6.octets(), prefix, slot::HEADER + [8, 24][end], exits);
                });
            }
        }
    }

    /// Words of an address on the stack, as far as the prefix goes.
    fn address(&mut self, address: &[u8], prefix: u8, at: i16, exits: Exits) {
        let words = usize::from(prefix).div_ceil(32);
        self.all(words, exits, |this, word, exits| {
            let bits = u32::from(prefix) - 32 * word as u32;
            let mask = if bits >= 32 { u32::MAX } else { !(u32::MAX >> bits) };
            let bytes: [u8; 4] = std::array::from_fn(|byte| address[4 * word + byte]);
            let wanted = u32::from_be_bytes(bytes) & mask;
            this.asm.load(Size::W, R1, R10, at + 4 * word as i16);
            if mask != u32::MAX {
                this.asm.alu32(Alu::And, R1, i32::from_ne_bytes(mask.to_be_bytes()));
            }
            this.decide(Relation::Eq, R1, u32::from_ne_bytes(wanted.to_be_bytes()), exits);
        });
    }

    fn field(&mut self, test: &Test, exits: Exits) {
        let Test::Field { layer, offset, bytes, mask, relation, value } = *test else { return };
        let (kind, protocol) = layer.numbers();
        if let Some(kind) = kind {
            self.require(KIND, kind.into(), exits);
        }
        let base = match (kind, protocol) {
            (None, None) => None,
            (Some(_), None) => Some(slot::NETWORK),
            (_, Some(number)) => {
                self.recall(R1, slot::PROTOCOL);
                self.require(R1, number.into(), exits);
                self.recall(R1, slot::TRANSPORT);
                self.asm.jump_if(Cond::Eq, R1, 0, exits.no);
                Some(slot::TRANSPORT)
            }
        };
        self.number(Place { slot: base, offset: offset.into() }, bytes.into(), exits.no);
        if mask != u32::MAX {
            self.asm.alu32(Alu::And, R1, mask.cast_signed());
        }
        self.decide(relation, R1, value, exits);
    }
}

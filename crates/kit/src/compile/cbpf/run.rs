//! The classic machine, in plain Rust: what translations are held against.
//!
//! It does what the kernel does and not what libpcap's own interpreter does, where they differ: a shift by X takes the
//! low five bits of X, and there is ancillary data.

use super::{Ancillary, Classic, Insn, op};

/// What a program looks at.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// From where the filter's offsets count: the link-layer header, or what the kind of socket makes it.
    pub bytes: &'a [u8],
    /// Where the link-layer header is in `bytes`, for offsets from `SKF_LL_OFF`; `None`: such loads are out of bounds.
    pub link: Option<usize>,
    /// Where the network header is, for offsets from `SKF_NET_OFF`.
    pub network: Option<usize>,
    /// What is known besides the bytes.
    pub metadata: Metadata,
}

impl<'a> Packet<'a> {
    /// Bytes, and nothing else.
    pub fn new(bytes: &'a [u8]) -> Packet<'a> {
        Packet { bytes, link: None, network: None, metadata: Metadata::new() }
    }

    /// `count` bytes at a 32-bit offset that may be one of the negative ones, as a number.
    fn load(&self, offset: u32, count: u32) -> Option<u32> {
        let start = match offset {
            op::NET_OFF.. => self.network?.checked_add((offset - op::NET_OFF) as usize)?,
            op::LL_OFF.. => self.link?.checked_add((offset - op::LL_OFF) as usize)?,
            0x8000_0000.. => return None,
            _ => offset as usize,
        };
        let bytes = self.bytes.get(start..start.checked_add(count as usize)?)?;
        Some(bytes.iter().fold(0, |value, &byte| value << 8 | u32::from(byte)))
    }
}

/// Values of ancillary data; those that are not set are not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metadata([Option<u32>; Ancillary::ALL.len()]);

impl Metadata {
    /// Nothing is known.
    pub const fn new() -> Metadata {
        Metadata([None; Ancillary::ALL.len()])
    }

    /// The same with one value set.
    #[must_use]
    pub const fn with(mut self, ancillary: Ancillary, value: u32) -> Metadata {
        self.0[ancillary as usize / 4] = Some(value);
        self
    }

    /// A value, if it is there.
    pub fn get(&self, ancillary: Ancillary) -> Option<u32> {
        self.0[ancillary as usize / 4]
    }
}

/// Registers and scratch words.
#[derive(Default)]
struct Machine {
    a: u32,
    x: u32,
    words: [u32; op::MEMWORDS as usize],
}

/// Runs a checked program.
pub(super) fn run(program: &Classic, packet: &Packet<'_>) -> u32 {
    let mut machine = Machine::default();
    let mut at = 0;
    loop {
        let insn = program.insns()[at];
        at += 1;
        match insn.class() {
            op::RET => return if insn.code & op::A != 0 { machine.a } else { insn.k },
            op::JMP => at += machine.skipped(insn),
            _ => match machine.step(insn, packet) {
                Some(()) => {}
                None => return 0,
            },
        }
    }
}

impl Machine {
    /// Everything but jumps and returns; `None` ends the program with 0.
    fn step(&mut self, insn: Insn, packet: &Packet<'_>) -> Option<()> {
        match insn.class() {
            op::LD => self.a = self.loaded(insn, packet)?,
            op::LDX if insn.mode() == op::MSH => self.x = 4 * (packet.load(insn.k, 1)? & 15),
            op::LDX => self.x = self.loaded(insn, packet)?,
            op::ST => self.words[insn.k as usize] = self.a,
            op::STX => self.words[insn.k as usize] = self.x,
            op::ALU => self.a = self.computed(insn)?,
            _ if insn.operation() == op::TXA => self.a = self.x,
            _ => self.x = self.a,
        }
        Some(())
    }

    fn loaded(&self, insn: Insn, packet: &Packet<'_>) -> Option<u32> {
        match insn.mode() {
            op::IMM => Some(insn.k),
            op::MEM => Some(self.words[insn.k as usize]),
            op::LEN => Some(packet.bytes.len() as u32),
            op::IND => packet.load(self.x.wrapping_add(insn.k), insn.bytes()),
            _ => match insn.ancillary() {
                Some(Ancillary::XorX) => Some(self.a ^ self.x),
                Some(ancillary) => packet.metadata.get(ancillary),
                None => packet.load(insn.k, insn.bytes()),
            },
        }
    }

    fn operand(&self, insn: Insn) -> u32 {
        if insn.takes_x() { self.x } else { insn.k }
    }

    fn computed(&self, insn: Insn) -> Option<u32> {
        let (a, b) = (self.a, self.operand(insn));
        Some(match insn.operation() {
            op::ADD => a.wrapping_add(b),
            op::SUB => a.wrapping_sub(b),
            op::MUL => a.wrapping_mul(b),
            op::DIV => a.checked_div(b)?,
            op::MOD => a.checked_rem(b)?,
            op::OR => a | b,
            op::AND => a & b,
            op::XOR => a ^ b,
            op::LSH => a.wrapping_shl(b),
            op::RSH => a.wrapping_shr(b),
            _ => a.wrapping_neg(),
        })
    }

    /// How many instructions a jump skips.
    fn skipped(&self, insn: Insn) -> usize {
        let (a, b) = (self.a, self.operand(insn));
        let holds = match insn.operation() {
            op::JA => return insn.k as usize,
            op::JEQ => a == b,
            op::JGT => a > b,
            op::JGE => a >= b,
            _ => a & b != 0,
        };
        usize::from(if holds { insn.jt } else { insn.jf })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn returns_a(insns: &[Insn], bytes: &[u8]) -> u32 {
        let mut insns = insns.to_vec();
        insns.push(Insn::stmt(op::RET | op::A, 0));
        let program = Classic::new(insns);
        program.check().unwrap();
        program.run(&Packet::new(bytes))
    }

    #[test]
    fn loads_are_big_endian_and_bounded() {
        let bytes = [1, 2, 3, 4, 5];
        assert_eq!(returns_a(&[Insn::stmt(op::LD | op::ABS, 1)], &bytes), 0x0203_0405);
        assert_eq!(returns_a(&[Insn::stmt(op::LD | op::ABS, 2)], &bytes), 0);
        let x = Insn::stmt(op::LDX | op::MSH | op::B, 0);
        assert_eq!(returns_a(&[x, Insn::stmt(op::LD | op::IND | op::B, 0)], &bytes), 5);
        assert_eq!(returns_a(&[x, Insn::stmt(op::LD | op::IND | op::B, u32::MAX)], &bytes), 4);
        assert_eq!(returns_a(&[x, Insn::stmt(op::LD | op::IND | op::H, 0)], &bytes), 0);
    }

    #[test]
    fn division_by_x_of_zero_rejects_and_shifts_are_masked() {
        let one = Insn::stmt(op::LD | op::IMM, 1);
        assert_eq!(returns_a(&[one, Insn::stmt(op::ALU | op::DIV | op::X, 0)], &[]), 0);
        let x33 = Insn::stmt(op::LDX | op::IMM, 33);
        assert_eq!(returns_a(&[one, x33, Insn::stmt(op::ALU | op::LSH | op::X, 0)], &[]), 2);
    }

    #[test]
    fn negative_offsets_count_from_headers() {
        let program = Classic::new(vec![
            Insn::stmt(op::LD | op::ABS | op::B, op::NET_OFF + 1),
            Insn::stmt(op::RET | op::A, 0),
        ]);
        let mut packet = Packet::new(&[7, 8, 9]);
        assert_eq!(program.run(&packet), 0);
        packet.network = Some(1);
        assert_eq!(program.run(&packet), 9);
        packet.network = Some(2);
        assert_eq!(program.run(&packet), 0);
    }

    #[test]
    fn metadata_is_read_or_missing() {
        let program =
            Classic::new(vec![Insn::stmt(op::LD | op::ABS, op::AD_OFF + 20), Insn::stmt(op::RET | op::A, 0)]);
        let mut packet = Packet::new(&[]);
        assert_eq!(program.run(&packet), 0);
        packet.metadata = packet.metadata.with(Ancillary::Mark, 5);
        assert_eq!(program.run(&packet), 5);
    }
}

//! Random classic programs, and packets for them.

use crate::random::Random;
use kernscope_kit::compile::cbpf::{Ancillary, Classic, Insn, op};

/// Packets of 1 to 200 bytes, with values that comparisons are likely to hit.
pub(crate) fn packets(random: &mut Random, count: usize) -> Vec<Vec<u8>> {
    let any = |random: &mut Random| {
        let longest = random.pick(&[48, 48, 48, 200]);
        let len = 1 + random.below(longest);
        packet(random, len)
    };
    (0..count).map(|_| any(random)).collect()
}

/// A packet of so many bytes.
pub(crate) fn packet(random: &mut Random, len: usize) -> Vec<u8> {
    (0..len).map(|_| if random.once_in(3) { random.next() as u8 } else { random.below(4) as u8 }).collect()
}

/// A program that the kernel takes, of up to 40 instructions. Ancillary data is left out where it is not always the
/// same, or not the same in every engine.
pub(crate) fn program(random: &mut Random) -> Classic {
    loop {
        let program = unchecked(random);
        if program.check().is_ok() {
            return program;
        }
    }
}

/// A number that is likely to be at an edge.
fn number(random: &mut Random) -> u32 {
    match random.below(8) {
        0..4 => random.below(64) as u32,
        4 => random.below(2048) as u32,
        5 => {
            random.pick(&[0x7fff, 0x8000, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, u32::MAX, u32::MAX - 1])
        }
        6 => random.next() as u32 & 0xffff,
        _ => random.next() as u32,
    }
}

/// A program of valid instructions, most of which break some rule together.
pub(crate) fn unchecked(random: &mut Random) -> Classic {
    let len = 2 + random.below(39);
    let mut insns: Vec<_> = (1..len).map(|at| insn(random, len - at - 1)).collect();
    insns.push(Insn::stmt(op::RET | random.pick(&[op::A, op::K]), number(random)));
    Classic::new(insns)
}

/// Any instruction, `left` of them between it and the last.
fn insn(random: &mut Random, left: usize) -> Insn {
    let size = random.pick(&[op::W, op::H, op::B]);
    let near = random.below(70) as u32;
    match random.below(16) {
        0..3 => Insn::stmt(op::LD | op::ABS | size, near),
        3 => Insn::stmt(op::LD | op::ABS | size, number(random) % op::LL_OFF),
        4 => Insn::stmt(op::LD | op::IND | size, if random.once_in(8) { u32::MAX - near } else { near }),
        5 => Insn::stmt(op::LDX | op::MSH | op::B, near),
        6 => Insn::stmt(random.pick(&[op::LD, op::LDX]) | random.pick(&[op::IMM, op::LEN]), number(random)),
        7 => Insn::stmt(random.pick(&[op::LD, op::LDX]) | op::MEM, random.below(3) as u32),
        8 => Insn::stmt(random.pick(&[op::ST, op::STX]), random.below(3) as u32),
        9 => Insn::stmt(op::MISC | random.pick(&[op::TAX, op::TXA]), 0),
        10 => Insn::stmt(op::LD | op::ABS | size, op::AD_OFF + Ancillary::XorX as u32),
        11 | 12 => alu(random),
        13 if random.once_in(6) => Insn::stmt(op::RET | random.pick(&[op::A, op::K]), number(random)),
        _ => jump(random, left),
    }
}

fn alu(random: &mut Random) -> Insn {
    let operation = random.below(11) as u16 * 16;
    let shift = operation == op::LSH || operation == op::RSH;
    match random.pick(&[op::K, op::X]) {
        _ if operation == op::NEG => Insn::stmt(op::ALU | op::NEG, 0),
        op::K if shift => Insn::stmt(op::ALU | operation, random.below(32) as u32),
        op::K => Insn::stmt(op::ALU | operation, number(random).max(1)),
        x => Insn::stmt(op::ALU | operation | x, 0),
    }
}

fn jump(random: &mut Random, left: usize) -> Insn {
    let near = (left + 1).min(12);
    let operation = random.below(5) as u16 * 16;
    let (jt, jf) = (random.below(near) as u8, random.below(near) as u8);
    match operation {
        op::JA => Insn::stmt(op::JMP | op::JA, u32::from(jt)),
        _ => Insn::jump(op::JMP | operation | random.pick(&[op::K, op::X]), number(random), jt, jf),
    }
}

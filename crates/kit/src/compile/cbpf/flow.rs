//! What holds at each instruction of a classic program: can it be reached, is a register still needed, how many bytes
//! of the packet are known to be there. Jumps only go forward, so each takes one pass.

use super::{Ancillary, Insn, op};

/// A register of the classic machine, as a bit.
pub(super) const A: u8 = 1;
/// The other one.
pub(super) const X: u8 = 2;

/// Facts by instruction.
#[derive(Debug)]
pub(super) struct Flow {
    /// Whether some path gets there.
    pub(super) reached: Vec<bool>,
    /// Registers whose value on entry is read later.
    pub(super) needed: Vec<u8>,
    /// Bytes that every path has loaded from already, at fixed offsets.
    pub(super) known_bytes: Vec<u32>,
}

/// Where an instruction goes on: none, one or two.
fn successors(at: usize, insn: Insn) -> impl Iterator<Item = usize> {
    let (first, second) = match (insn.class(), insn.operation()) {
        (op::RET, _) => (None, None),
        (op::JMP, op::JA) => (Some(insn.k as usize), None),
        (op::JMP, _) => (Some(usize::from(insn.jt)), Some(usize::from(insn.jf))),
        _ => (Some(0), None),
    };
    first.into_iter().chain(second).map(move |skipped| at + 1 + skipped)
}

impl Flow {
    /// Of a checked program.
    pub(super) fn of(insns: &[Insn]) -> Flow {
        let mut reached = vec![false; insns.len()];
        let mut known_bytes = vec![u32::MAX; insns.len()];
        reached[0] = true;
        known_bytes[0] = 0;
        for (at, &insn) in insns.iter().enumerate().filter(|(at, _)| *at < insns.len()) {
            if !reached[at] {
                continue;
            }
            let known = known_bytes[at].max(fixed_end(insn).unwrap_or(0));
            for next in successors(at, insn) {
                reached[next] = true;
                known_bytes[next] = known_bytes[next].min(known);
            }
        }
        let mut needed = vec![0u8; insns.len()];
        for (at, &insn) in insns.iter().enumerate().rev() {
            let later = successors(at, insn).fold(0, |all, next| all | needed[next]);
            let (reads, writes) = effect(insn);
            needed[at] = reads | later & !writes;
        }
        Flow { reached, needed, known_bytes }
    }

    /// Whether A is read after instruction `at`, one that does not jump.
    pub(super) fn a_is_read_after(&self, at: usize) -> bool {
        self.needed[at + 1] & A != 0
    }
}

/// One past the last byte that a load at a fixed offset takes from the packet.
pub(super) fn fixed_end(insn: Insn) -> Option<u32> {
    let fixed = match (insn.class(), insn.mode()) {
        (op::LD, op::ABS) => insn.ancillary().is_none(),
        (op::LDX, op::MSH) => true,
        _ => false,
    };
    if fixed { insn.k.checked_add(insn.bytes()).filter(|_| insn.k < 0x8000_0000) } else { None }
}

/// Registers that an instruction reads, and those that it overwrites.
fn effect(insn: Insn) -> (u8, u8) {
    let operand = if insn.takes_x() { X } else { 0 };
    match (insn.class(), insn.mode()) {
        (op::LD, op::IND) => (X, A),
        (op::LD, op::ABS) => match insn.ancillary() {
            Some(Ancillary::XorX) => (A | X, A),
            _ => (0, A),
        },
        (op::LD, _) => (0, A),
        (op::LDX, _) => (0, X),
        (op::ST, _) => (A, 0),
        (op::STX, _) => (X, 0),
        (op::ALU, _) if insn.operation() == op::NEG => (A, A),
        (op::ALU, _) => (A | operand, A),
        (op::JMP, _) if insn.operation() == op::JA => (0, 0),
        (op::JMP, _) => (A | operand, 0),
        (op::RET, _) => (if insn.code & op::A != 0 { A } else { 0 }, 0),
        _ if insn.operation() == op::TXA => (X, A),
        _ => (A, X),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_both_ways_of_a_jump() {
        let insns = [
            Insn::stmt(op::LD | op::ABS | op::H, 12),
            Insn::jump(op::JMP | op::JEQ, 0x800, 0, 2),
            Insn::stmt(op::LD | op::ABS | op::B, 23),
            Insn::stmt(op::JMP | op::JA, 1),
            Insn::stmt(op::LD | op::ABS | op::B, 40),
            Insn::stmt(op::ALU | op::ADD | op::X, 0),
            Insn::stmt(op::RET | op::A, 0),
            Insn::stmt(op::RET | op::K, 0),
        ];
        let flow = Flow::of(&insns);
        assert_eq!(flow.reached, [true, true, true, true, true, true, true, false]);
        assert_eq!(flow.known_bytes[5], 24);
        assert_eq!(flow.needed[0], X);
        assert_eq!(flow.needed[5], A | X);
        assert!(!flow.a_is_read_after(1));
    }
}

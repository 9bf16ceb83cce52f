//! What the kernel asks of a classic program before it takes it.
//!
//! The rules are those of `bpf_check_classic` and `check_load_and_stores` in `net/core/filter.c`: known codes, jumps
//! that stay inside, no division by a constant zero, no shift by 32 or more, no scratch word read before it is written,
//! and a return at the end. Since jumps only go forward, such a program ends.

use super::{Classic, Insn, op};

/// A classic program that the kernel would not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("check classic BPF, instruction {at}: {cause}")]
pub struct CheckError {
    /// Index of the instruction.
    pub at: usize,
    /// What is wrong.
    pub cause: String,
}

/// Checks the whole program.
pub(super) fn check(program: &Classic) -> Result<(), CheckError> {
    let insns = program.insns();
    let err = |at: usize, cause: String| Err(CheckError { at, cause });
    if insns.is_empty() {
        return err(0, "the program is empty".into());
    }
    if insns.len() > op::MAXINSNS {
        return err(op::MAXINSNS, format!("{} instructions; {} is the most", insns.len(), op::MAXINSNS));
    }
    for (at, insn) in insns.iter().enumerate() {
        if let Some(cause) = fault(*insn, insns.len() - at - 1) {
            return err(at, cause);
        }
    }
    if insns[insns.len() - 1].class() != op::RET {
        return err(insns.len() - 1, "the last instruction must return".into());
    }
    scratch(insns)
}

/// What is wrong with one instruction, `left` others following it.
fn fault(insn: Insn, left: usize) -> Option<String> {
    if !known(insn.code) {
        return Some(format!("code {:#04x} does not exist", insn.code));
    }
    let k = insn.k;
    let constant = !insn.takes_x();
    match (insn.class(), insn.operation()) {
        (op::ALU, op::DIV | op::MOD) if constant && k == 0 => Some("it divides by zero".into()),
        (op::ALU, op::LSH | op::RSH) if constant && k >= 32 => {
            Some(format!("it shifts by {k}; 31 is the most"))
        }
        (op::JMP, op::JA) if k as usize >= left => Some(beyond(k as usize, left)),
        (op::JMP, op::JA) => None,
        (op::JMP, _) => {
            let longest = usize::from(insn.jt.max(insn.jf));
            (longest >= left).then(|| beyond(longest, left))
        }
        (op::ST | op::STX, _) if k >= op::MEMWORDS => Some(no_word(k)),
        (op::LD | op::LDX, _) if insn.mode() == op::MEM && k >= op::MEMWORDS => Some(no_word(k)),
        (op::LD, _) if insn.mode() == op::ABS && k >= op::AD_OFF && insn.ancillary().is_none() => {
            Some(format!("there is no ancillary data at {:#x}", k - op::AD_OFF))
        }
        _ => None,
    }
}

fn beyond(skipped: usize, left: usize) -> String {
    let back = (skipped as u32).cast_signed().checked_neg().filter(|back| *back > 0);
    if let Some(back) = back {
        return format!("it jumps back by {back}; the kernel takes no loops");
    }
    format!("it jumps over {skipped} instructions, {left} are left")
}

fn no_word(k: u32) -> String {
    format!("there is no scratch word {k}; {} is the last", op::MEMWORDS - 1)
}

/// Whether the kernel knows this code.
fn known(code: u16) -> bool {
    let operation = code & op::OP_MASK;
    match code & op::CLASS_MASK {
        op::LD => {
            let sized = matches!(code & op::SIZE_MASK, op::W | op::H | op::B);
            match code & op::MODE_MASK {
                op::ABS | op::IND => sized && code < 0x100,
                _ => [op::LD | op::IMM, op::LD | op::MEM, op::LD | op::LEN].contains(&code),
            }
        }
        op::LDX => [op::LDX | op::IMM, op::LDX | op::MEM, op::LDX | op::LEN, op::LDX | op::MSH | op::B]
            .contains(&code),
        op::ST | op::STX => code < 0x08,
        op::ALU => {
            code == op::ALU | op::NEG || (code < 0x100 && operation <= op::XOR && operation != op::NEG)
        }
        op::JMP => code == op::JMP | op::JA || (code < 0x100 && (op::JEQ..=op::JSET).contains(&operation)),
        op::RET => code == op::RET | op::K || code == op::RET | op::A,
        _ => code == op::MISC | op::TAX || code == op::MISC | op::TXA,
    }
}

/// No path may read a scratch word that it has not written. Paths only go forward, so one pass sees them all. As in the
/// kernel, what follows a return is taken to follow it.
fn scratch(insns: &[Insn]) -> Result<(), CheckError> {
    // Bit n of `written[i]`: on every path to instruction i, word n has been written.
    let mut written = vec![u16::MAX; insns.len()];
    let mut now = 0u16;
    for (at, insn) in insns.iter().enumerate() {
        now &= written[at];
        match insn.class() {
            op::ST | op::STX => now |= 1 << insn.k,
            op::LD | op::LDX if insn.mode() == op::MEM && now & 1 << insn.k == 0 => {
                return Err(CheckError {
                    at,
                    cause: format!("scratch word {} is read before it is written", insn.k),
                });
            }
            op::JMP => {
                let targets = match insn.operation() {
                    op::JA => [insn.k as usize; 2],
                    _ => [usize::from(insn.jt), usize::from(insn.jf)],
                };
                for skipped in targets {
                    written[at + 1 + skipped] &= now;
                }
                now = u16::MAX;
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RET: Insn = Insn::stmt(op::RET | op::K, 1);

    fn refused(insns: &[Insn]) -> String {
        Classic::new(insns.to_vec()).check().unwrap_err().to_string()
    }

    #[test]
    fn names_what_is_wrong() {
        let stmt = Insn::stmt;
        for (insns, says) in [
            (vec![], "instruction 0: the program is empty"),
            (vec![RET; op::MAXINSNS + 1], "instruction 4096: 4097 instructions; 4096 is the most"),
            (vec![stmt(0xff, 0), RET], "instruction 0: code 0xff does not exist"),
            (vec![stmt(op::ALU | op::DIV, 0), RET], "instruction 0: it divides by zero"),
            (vec![stmt(op::ALU | op::RSH, 32), RET], "instruction 0: it shifts by 32; 31 is the most"),
            (
                vec![RET, stmt(op::JMP | op::JA, 1), RET],
                "instruction 1: it jumps over 1 instructions, 1 are left",
            ),
            (vec![Insn::jump(op::JMP | op::JEQ, 0, 0, 1), RET], "instruction 0: it jumps over 1"),
            (
                vec![stmt(op::JMP | op::JA, u32::MAX), RET],
                "instruction 0: it jumps back by 1; the kernel takes no loops",
            ),
            (vec![stmt(op::ST, 16), RET], "instruction 0: there is no scratch word 16; 15 is the last"),
            (
                vec![stmt(op::LD | op::ABS, op::AD_OFF + 2), RET],
                "instruction 0: there is no ancillary data at 0x2",
            ),
            (vec![stmt(op::LD | op::IMM, 0)], "instruction 0: the last instruction must return"),
            (
                vec![stmt(op::LD | op::MEM, 3), RET],
                "instruction 0: scratch word 3 is read before it is written",
            ),
        ] {
            let error = refused(&insns);
            assert!(error.contains(says), "{insns:?} gave {error:?}, not {says:?}");
        }
    }

    #[test]
    fn a_word_must_be_written_on_every_path() {
        let branch = Insn::jump(op::JMP | op::JEQ, 0, 0, 1);
        let (write, read) = (Insn::stmt(op::ST, 0), Insn::stmt(op::LD | op::MEM, 0));
        assert!(refused(&[branch, write, read, RET]).contains("instruction 2: scratch word 0"));
        assert_eq!(Classic::new(vec![write, branch, write, read, RET]).check(), Ok(()));
    }
}

//! From which kernel on an instruction exists.

use kernscope_kit::asm::{Atomic, Form, Insn, Order};

/// Major and minor number of a kernel.
pub(crate) type Release = (u32, u32);

/// The first kernel that has all the instructions, and the one that came last.
pub(crate) fn needs(insns: &[Insn]) -> Option<(Release, Form)> {
    forms(insns).filter_map(|form| Some((since(&form)?, form))).max_by_key(|(since, _)| *since)
}

/// The instructions of a program.
pub(crate) fn forms(insns: &[Insn]) -> impl Iterator<Item = Form> {
    (0..insns.len()).filter_map(|at| Form::decode(&insns[at..])).map(|(form, _)| form)
}

/// The first kernel that has the instruction, if that is later than 5.10.
fn since(form: &Form) -> Option<Release> {
    match form {
        Form::Atomic { atomic, .. } if !matches!(atomic, Atomic::Add) => Some((5, 12)),
        Form::Alu { signed: true, .. } | Form::MovSigned { .. } | Form::Load { signed: true, .. } => {
            Some((6, 6))
        }
        Form::Order { order: Order::Swap, .. } | Form::JumpLong { .. } => Some((6, 6)),
        Form::MayGoto { .. } => Some((6, 9)),
        _ => None,
    }
}

/// The running kernel.
pub(crate) fn running() -> Release {
    let text = std::fs::read_to_string("/proc/sys/kernel/osrelease").expect("/proc is mounted");
    let mut numbers = text.split(['.', '-']).map(|number| number.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

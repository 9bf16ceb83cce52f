//! Shapes that a generated loop can have, by loading the smallest loop of each.

use super::answer::Answer;
use super::insn::{BTF_MAIN, BTF_STATIC, func};
use super::prog::{self, Failed, ProgType, Spec};
use super::{Key, remembered};
use crate::asm::Reg::{R0, R1, R2, R3, R4, R10};
use crate::asm::{Cond, Insn};
use crate::btf::Named;
use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};

/// How a loop with many rounds can be written, the cheapest to verify first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LoopShape {
    /// A conditional jump that the kernel takes at the latest after eight million rounds; from 6.9.
    MayGoto,
    /// An open-coded iterator: `bpf_iter_num_new`, `_next`, `_destroy`; from 6.4, with BTF.
    IterNum,
    /// A callback, called by `bpf_loop`; from 5.17.
    BpfLoop,
    /// A jump back that the verifier follows round by round; from 5.3.
    Bounded,
}

impl LoopShape {
    /// All of them, the cheapest to verify first.
    pub const ALL: [LoopShape; 4] =
        [LoopShape::MayGoto, LoopShape::IterNum, LoopShape::BpfLoop, LoopShape::Bounded];
}

/// Whether a loop of this shape loads in programs on packets. Tried once in the life of the process.
///
/// # Privileges
/// `CAP_BPF`.
pub fn loop_shape(shape: LoopShape) -> Answer {
    remembered(Key::Loop(shape)).0
}

/// The shapes that load here, the cheapest to verify first.
///
/// Tries all of them; who needs the first that loads asks [`loop_shape`] in the order of [`LoopShape::ALL`], and is
/// spared the rest.
pub fn loops() -> Vec<LoopShape> {
    LoopShape::ALL.into_iter().filter(|&shape| loop_shape(shape).is_yes()).collect()
}

/// The number of a kernel function in the kernel's BTF, by which programs call it; `None` when there is none or the
/// kernel has no BTF. Looked up once in the life of the process.
///
/// Whether a program may call it is the verifier's to say.
pub fn kfunc(name: &str) -> Option<u32> {
    static KNOWN: Mutex<Option<HashMap<String, Option<u32>>>> = Mutex::new(None);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    if let Some(&id) = known.get(name) {
        return id;
    }
    let id = prog::shared_btf().ok().and_then(|btf| btf.id(Named::Function, name));
    known.insert(name.to_owned(), id);
    id
}

/// Loads a loop of this shape as a socket filter, which every kernel has and which needs the least.
pub(super) fn probe(shape: LoopShape) -> Answer {
    match load(shape, &[Spec::new(ProgType::SocketFilter)]) {
        Ok(_prog) => Answer::Yes,
        Err(failed) => failed.into(),
    }
}

/// Loads a loop of this shape in the first of these types that takes it.
pub(super) fn load(shape: LoopShape, specs: &[Spec]) -> Result<OwnedFd, Failed> {
    match shape {
        // The counter starts as a random number, so that the verifier does not unroll the loop.
        LoopShape::MayGoto => prog::first(
            specs,
            &[
                Insn::call(7),
                Insn::may_goto(2),
                Insn::add(R0, 1),
                Insn::jump(-3),
                Insn::mov(R0, 0),
                Insn::EXIT,
            ],
            &[],
        ),
        LoopShape::IterNum => prog::first(specs, &iterator()?, &[]),
        LoopShape::BpfLoop => {
            let mut insns = vec![Insn::mov(R1, 4)];
            insns.extend(func(R2, 6));
            insns.extend([
                Insn::mov(R3, 0),
                Insn::mov(R4, 0),
                Insn::call(181),
                Insn::mov(R0, 0),
                Insn::EXIT,
                Insn::mov(R0, 0),
                Insn::EXIT,
            ]);
            prog::first(specs, &insns, &[[0, BTF_MAIN], [8, BTF_STATIC]])
        }
        LoopShape::Bounded => prog::first(
            specs,
            &[
                Insn::mov(R0, 0),
                Insn::add(R0, 1),
                Insn::jump_if(Cond::Lt, R0, 100, -2),
                Insn::mov(R0, 0),
                Insn::EXIT,
            ],
            &[],
        ),
    }
}

/// `for (i = 0; i < 4; i++);` with the iterator in eight bytes of stack.
fn iterator() -> Result<[Insn; 15], Failed> {
    // Held so that it is read once.
    let _btf = prog::btf()?;
    let call = |name: &str| {
        let missing = || Failed::Target(Answer::unsupported(format!("the kernel has no {name}")));
        kfunc(name).map(|id| Insn::call_kfunc(id.cast_signed(), 0)).ok_or_else(missing)
    };
    Ok([
        Insn::mov(R1, R10),
        Insn::add(R1, -8),
        Insn::mov(R2, 0),
        Insn::mov(R3, 4),
        call("bpf_iter_num_new")?,
        Insn::mov(R1, R10),
        Insn::add(R1, -8),
        call("bpf_iter_num_next")?,
        Insn::jump_if(Cond::Eq, R0, 0, 1),
        Insn::jump(-5),
        Insn::mov(R1, R10),
        Insn::add(R1, -8),
        call("bpf_iter_num_destroy")?,
        Insn::mov(R0, 0),
        Insn::EXIT,
    ])
}

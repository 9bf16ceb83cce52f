//! What can go wrong in a run, and how it is told.

use crate::asm::{Form, Insn};
use std::fmt::{self, Display, Formatter};

/// A run that broke off, or a machine that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VmError {
    /// Where, and the instruction's text.
    at: Option<(usize, String)>,
    cause: Fault,
}

impl VmError {
    pub(super) fn setup(cause: String) -> VmError {
        VmError { at: None, cause: Fault::Setup(cause) }
    }

    pub(super) fn at(insns: &[Insn], at: usize, cause: Fault) -> VmError {
        let text = match insns.get(at..).and_then(Form::decode) {
            Some((form, _)) => form.to_string(),
            None => {
                insns.get(at).map_or("past the end".to_owned(), |insn| format!("{:#018x}", insn.to_word()))
            }
        };
        VmError { at: Some((at, text)), cause }
    }

    /// Index of the instruction that could not be run; `None` when the machine could not be made.
    pub fn insn(&self) -> Option<usize> {
        self.at.as_ref().map(|(at, _)| *at)
    }

    /// Whether the run was stopped because it took too many instructions.
    pub fn is_budget(&self) -> bool {
        self.cause == Fault::Budget
    }
}

impl std::error::Error for VmError {}

impl Display for VmError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.at {
            Some((at, text)) => write!(f, "run instruction {at} ({text}): {}", self.cause),
            None => write!(f, "make the machine: {}", self.cause),
        }
    }
}

/// Why an instruction cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("{0}")]
    Setup(String),
    #[error("{len} byte{} at offset {offset} of {region}, which has {size}", plural(*len))]
    Bounds { region: &'static str, offset: u32, len: usize, size: usize },
    #[error("{len} byte{} at {address:#x}, where there is nothing", plural(*len))]
    Nowhere { address: u64, len: usize },
    #[error("{region} cannot be {verb} at offset {offset} with {len} byte{}", plural(*len))]
    Field { region: &'static str, verb: &'static str, offset: u32, len: usize },
    #[error("not an instruction")]
    Invalid,
    #[error("{0} cannot be run here")]
    Unsupported(&'static str),
    #[error("r10 cannot be written")]
    FramePointer,
    #[error("the program goes on past its end; it must end with exit or a jump")]
    PastEnd,
    #[error("the budget of instructions is used up; there may be a loop without end")]
    Budget,
    #[error("more than 8 calls deep")]
    Depth,
    #[error("helper {0} is not known here; a program that uses it runs in the kernel only")]
    Helper(i64),
    #[error("kernel function {0} is not known here; a program that uses it runs in the kernel only")]
    Kfunc(i32),
    #[error("{0:#x} is no {1}")]
    Argument(u64, &'static str),
    #[error("{0} reserved record(s) neither submitted nor discarded")]
    Reserved(usize),
}

fn plural(len: usize) -> &'static str {
    if len == 1 { "" } else { "s" }
}

//! What is wrong, and with which instruction.

use crate::asm::{Form, Insn, Reg};
use std::fmt::{self, Display, Formatter};

/// Something that is wrong with a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    at: usize,
    text: String,
    kind: Kind,
}

impl Finding {
    pub(super) fn new(insns: &[Insn], at: usize, kind: Kind) -> Finding {
        let text = match insns.get(at..).and_then(Form::decode) {
            Some((form, _)) => form.to_string(),
            None => insns.get(at).map_or("none".to_owned(), |insn| format!("{:#018x}", insn.to_word())),
        };
        Finding { at, text, kind }
    }

    /// Index of the instruction.
    pub fn insn(&self) -> usize {
        self.at
    }
}

impl std::error::Error for Finding {}

impl Display for Finding {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "check instruction {} ({}): {}", self.at, self.text, self.kind)
    }
}

/// What.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Kind {
    #[error("the program has no instructions")]
    Empty,
    #[error("the program has {0} instructions, 1000000 are the most")]
    TooLong(usize),
    #[error("not an instruction")]
    Invalid,
    #[error("the kernel has no call by register; name the helper or function")]
    CallByRegister,
    #[error("r10 cannot be written")]
    FramePointer,
    #[error("a shift by {0} is none; the kernel takes 0 to {1}")]
    Shift(i32, u8),
    #[error("a division by zero")]
    DivisionByZero,
    #[error("the program has {1} map(s), there is no map {0}")]
    NoMap(i32, usize),
    #[error("{0}")]
    MapValue(&'static str),
    #[error("its target {0} is outside of the program")]
    Outside(i64),
    #[error("its target {0} is the second half of an instruction")]
    Half(usize),
    #[error("its target {0} is in another function")]
    OtherFunction(usize),
    #[error("the function goes on past its end; it must end with exit or a jump")]
    PastEnd,
    #[error("no way leads here")]
    Unreachable,
    #[error("{0} is not written on every way here")]
    Register(Reg),
    #[error("the helper takes {1} argument(s), and {0} is not written on every way here")]
    Argument(Reg, u8),
    #[error("r0 is not written on every way here, and is returned")]
    NoResult,
    #[error("{len} byte(s) at {offset:+} of the frame; it goes from -512 to 0")]
    Frame { offset: i32, len: usize },
    #[error("{len} byte(s) at {offset:+} of the frame are not written on every way here")]
    Stack { offset: i32, len: usize },
    #[error("functions call one another in a circle")]
    Recursion,
    #[error("{0} frames deep; 8 are the most")]
    Depth(usize),
    #[error("the frames of {frames} functions take {bytes} bytes of stack; 512 are the most")]
    Stacks { frames: usize, bytes: usize },
}

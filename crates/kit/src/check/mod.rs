//! What can be seen to be wrong with a program before it is loaded, told by instruction.
//!
//! A light verifier: it looks at the shape of a program (every slot an instruction, every jump to one, every
//! instruction reachable, every way to an `exit`), follows which registers and bytes of the stack are written on every
//! way to an instruction, and holds calls against the kernel's limits. It knows neither values nor types of pointers, so
//! what it accepts the kernel may still refuse.
//!
//! What it refuses, the kernel refuses, but for two things. It merges what is true on all ways, where the kernel follows
//! each on its own: a program that reads a register only where an earlier condition says that it was written is refused
//! here. And bytes of the stack must be written before they are read, as kernels before 6.3 have it.
//!
//! ```
//! use kernscope_kit::asm::parse;
//! use kernscope_kit::check::check;
//! use kernscope_kit::program::{Program, ProgramType};
//!
//! let insns = parse("jeq r1, 0, out\nmov r2, 1\nout: mov r0, r2\nexit").expect("a program");
//! let program = Program { name: "t".into(), program_type: ProgramType::Xdp, insns, maps: vec![], functions: vec![] };
//! let finding = check(&program).expect_err("r2 may not be written");
//! assert_eq!(finding.to_string(), "check instruction 2 (r0 = r2): r2 is not written on every way here");
//! ```
#![forbid(unsafe_code)]

mod calls;
mod effect;
mod finding;
mod flow;
mod shape;
mod state;

pub use finding::Finding;

use crate::program::Program;
use shape::Shape;

/// Checks a program that gets its context in `r1`, as the kernel calls programs.
///
/// # Errors
/// The first thing that is wrong, in the order of the program.
pub fn check(program: &Program) -> Result<(), Finding> {
    check_with_args(program, 1)
}

/// Checks a program that gets so many arguments, in `r1` and on: two where the virtual machine runs it on memory.
///
/// # Errors
/// As [`check`].
pub fn check_with_args(program: &Program, args: u8) -> Result<(), Finding> {
    let shape = Shape::of(program)?;
    flow::follow(program, &shape, args)?;
    calls::depth(program, &shape)
}

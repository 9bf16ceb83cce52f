//! eBPF instructions: their encoding, and a builder of programs with labels.
//!
//! Source of the encoding: RFC 9669; pseudo forms and `may_goto`: `include/uapi/linux/bpf.h` of the kernel.

mod builder;
mod insn;
pub mod op;

pub use builder::{Asm, AsmError, Label};
pub use insn::{Alu, Atomic, Cond, Insn, Operand, Reg, Size};

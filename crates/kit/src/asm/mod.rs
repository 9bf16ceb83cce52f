//! eBPF instructions: their encoding, a builder of programs with labels, and a text form.
//!
//! Source of the encoding: RFC 9669; pseudo forms and `may_goto`: `include/uapi/linux/bpf.h` of the kernel.
//!
//! ```
//! use kernscope_kit::asm::{Listing, parse};
//!
//! let insns = parse("mov r0, 1\njne r1, 0, out\nr0 += 41\nout: exit").expect("a program");
//! assert_eq!(
//!     Listing(&insns).to_string(),
//!     "   0: (b7) r0 = 1\n   1: (55) if r1 != 0x0 goto pc+1\n   2: (07) r0 += 41\n   3: (95) exit\n"
//! );
//! ```

mod builder;
mod decode;
mod encode;
mod form;
pub mod helper;
mod hex;
mod insn;
pub mod op;
mod parse;
mod print;

pub use builder::{Asm, AsmError, Label};
pub use form::{Form, Imm64, Order, Width};
pub use hex::{HexError, from_hex, to_hex};
pub use insn::{Alu, Atomic, Cond, Insn, Operand, Reg, Size};
pub use parse::{ParseError, parse};
pub use print::{Line, Listing};

//! `kernscope filter disasm`: bytecode to text.

use super::{input, wrong};
use crate::failure::{Failure, Outcome};
use crate::stream::print;
use clap::Args;
use kernscope_kit::asm::{Insn, Listing, from_hex};

/// Disassemble a program: bytecode as hex on standard input, text on standard output
///
/// Prints what bpftool would, one line an instruction, and reads any bytes: those that are no instruction become
/// `.raw 0x...`. `kernscope filter asm` turns the text into the same bytes again.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  echo b7000000010000009500000000000000 | kernscope filter disasm
  kernscope filter asm < program.s | kernscope filter disasm")]
pub(super) struct DisasmArgs {}

pub(super) fn run(_: &DisasmArgs) -> Outcome {
    print(Listing(&bytecode(&input()?)?).to_string().as_bytes())
}

/// Instructions from hexadecimal text.
pub(super) fn bytecode(text: &str) -> Result<Vec<Insn>, Failure> {
    from_hex(text).and_then(|bytes| Insn::all_from_bytes(&bytes)).map_err(wrong)
}

//! `kernscope filter asm`: text to bytecode.

use super::{input, wrong};
use crate::failure::Outcome;
use crate::stream::print;
use clap::Args;
use kernscope_kit::asm::{Insn, parse, to_hex};

/// Assemble a program: text on standard input, bytecode as hex on standard output
///
/// Reads mnemonics as the conformance tests of RFC 9669 have them (`add r1, 4`, `ldxw r2, [r1+8]`, `jeq r1, 0, out`) and
/// expressions as bpftool prints them (`r1 += 4`, `r2 = *(u32 *)(r1 +8)`, `if r1 == 0x0 goto pc+3`), also mixed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  printf 'mov r0, 42\\nexit\\n' | kernscope filter asm
  bpftool prog dump xlated id 7 | kernscope filter asm
  kernscope filter asm < program.s | kernscope filter disasm

Labels are `name:`. Comments start with #, ; or //.")]
pub(super) struct AsmArgs {}

pub(super) fn run(_: &AsmArgs) -> Outcome {
    let insns = parse(&input()?).map_err(wrong)?;
    print(format!("{}\n", to_hex(&Insn::all_to_bytes(&insns))).as_bytes())
}

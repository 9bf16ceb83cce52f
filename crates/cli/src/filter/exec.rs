//! `kernscope filter exec`: runs bytecode in the virtual machine.

use super::disasm::bytecode;
use super::{file, input, wrong};
use crate::failure::{Failure, Outcome};
use crate::stream::print;
use clap::Args;
use kernscope_kit::asm::from_hex;
use kernscope_kit::program::{Program, ProgramType};
use kernscope_kit::vm::{Input, Vm};

/// Run a program in the virtual machine: bytecode as hex on standard input, r0 on standard output
///
/// A program with maps is read as well, in the form that `kernscope filter compile` writes.
/// The program gets the address of MEMORY in r1 and its length in r2. What it returns is printed in hexadecimal, without
/// 0x. Every access is checked, and the number of instructions is bounded.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  printf 'mov r0, 42\\nexit\\n' | kernscope filter asm | kernscope filter exec
  kernscope filter compile --literal abc --target vm | kernscope filter exec 7861626378
  printf 'ldxh r0, [r1+2]\\nexit\\n' | kernscope filter asm | kernscope filter exec '11 22 33 44'

Status: 0; 1 when the program or MEMORY is wrong, or the program does what it may not.")]
pub(super) struct ExecArgs {
    /// The memory the program works on, as hexadecimal digits; several are one after the other
    #[arg(value_name = "MEMORY_HEX")]
    memory: Vec<String>,
    /// How many instructions it may take
    #[arg(long, value_name = "INSTRUCTIONS", default_value_t = 100_000_000)]
    budget: u64,
}

pub(super) fn run(args: &ExecArgs) -> Outcome {
    let mut memory = from_hex(&args.memory.concat()).map_err(wrong)?;
    let text = input()?;
    let program = if text.trim_start().starts_with('{') { file::read(&text)? } else { bare(&text)? };
    let mut vm = Vm::new(&program).map_err(wrong)?;
    let r0 = vm.budget(args.budget).run(Input::Memory(&mut memory)).map_err(wrong)?;
    print(format!("{r0:x}\n").as_bytes())
}

/// A program that is nothing but instructions.
fn bare(text: &str) -> Result<Program, Failure> {
    Ok(Program {
        name: "exec".to_owned(),
        program_type: ProgramType::Xdp,
        insns: bytecode(text)?,
        maps: Vec::new(),
        functions: Vec::new(),
    })
}

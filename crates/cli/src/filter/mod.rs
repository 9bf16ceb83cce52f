//! `kernscope filter`: eBPF from text, patterns and classic BPF; shown, run and attached.
//!
//! Each subcommand has a file of its own: its arguments, and `run`. What comes from standard input is read here.

mod asm;
mod attach;
mod compile;
mod condition;
mod disasm;
mod exec;
mod file;
mod source;
mod test;

use crate::failure::{BROKEN, Failure, Outcome};
use clap::{Args, Subcommand};
use std::io::Read;

/// Assemble, disassemble, run, compile and attach eBPF programs
///
/// Works on eBPF bytecode as hexadecimal text: eight bytes an instruction, in the order of memory, white space anywhere.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  printf 'mov r0, 42\\nexit\\n' | kernscope filter asm
  printf 'mov r0, 42\\nexit\\n' | kernscope filter asm | kernscope filter exec
  kernscope filter compile --literal password --target xdp --dump
  kernscope filter test --regex 'ghp_[0-9a-zA-Z]{36}' --input FILE

Status: 0; 1 when the input is wrong; 2 for a wrong command line.")]
pub(crate) struct FilterArgs {
    #[command(subcommand)]
    command: FilterCommand,
}

#[derive(Debug, Subcommand)]
enum FilterCommand {
    Asm(asm::AsmArgs),
    Disasm(disasm::DisasmArgs),
    Exec(exec::ExecArgs),
    Compile(compile::CompileArgs),
    Test(test::TestArgs),
    Attach(attach::AttachArgs),
}

/// Runs the subcommand.
pub(crate) fn run(args: FilterArgs) -> Outcome {
    match args.command {
        FilterCommand::Asm(args) => asm::run(&args),
        FilterCommand::Disasm(args) => disasm::run(&args),
        FilterCommand::Exec(args) => exec::run(&args),
        FilterCommand::Compile(args) => compile::run(&args),
        FilterCommand::Test(args) => test::run(&args),
        FilterCommand::Attach(args) => attach::run(&args),
    }
}

/// Wrong input: one line and status 1.
fn wrong(cause: impl std::fmt::Display) -> Failure {
    Failure::with_status(BROKEN, cause)
}

/// All of standard input, which must be text.
fn input() -> Result<String, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().lock().read_to_string(&mut text);
    read.map(|_| text).map_err(|cause| wrong(format_args!("read standard input: {cause}")))
}

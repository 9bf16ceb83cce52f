//! `kernscope filter compile`: a condition or classic BPF to eBPF.

use super::file;
use super::source::{SourceArgs, TargetArg, built};
use super::wrong;
use crate::failure::Outcome;
use crate::stream::{note, print};
use clap::Args;
use kernscope_kit::asm::Listing;
use kernscope_kit::compile::Action;
use kernscope_kit::program::Program;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Compile a condition on bytes or packets, a rule set or classic BPF to eBPF
///
/// Writes the program and its maps as JSON, which `kernscope filter exec` runs; with --dump, the instructions as text.
/// What the condition cannot decide it takes for a match: data longer than the program looks at, and what is said to be
/// a superset on standard error.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kernscope filter compile --literal 'BEGIN RSA PRIVATE KEY' --target xdp --dump
  kernscope filter compile --bytes 'a>=3,b>=1;window=64' --target socket -o program.json
  kernscope filter compile --rules gitleaks.toml --target tc -o program.json
  kernscope filter compile --literal abc --target vm | kernscope filter exec 7861626378
  tcpdump -ddd 'udp port 53' > dns.txt; kernscope filter compile --cbpf dns.txt --target xdp --dump

Status: 0; 1 when what is compiled is wrong; 2 for a wrong command line.")]
pub(super) struct CompileArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// What the program is for
    #[arg(long, value_enum, value_name = "TARGET")]
    target: TargetArg,
    /// Let what matches pass, and drop the rest; else what matches is dropped
    #[arg(long)]
    pass: bool,
    /// Print the instructions as text, and the maps
    #[arg(long)]
    dump: bool,
    /// Write the program here
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &CompileArgs) -> Outcome {
    let source = args.source.read()?;
    let on_match = if args.pass { Action::Pass } else { Action::Drop };
    let (program, compiled) = built(&source, args.target.target(), on_match)?;
    if let Some(compiled) = &compiled {
        let wider = !compiled.exact() || args.source.has_rules();
        let exact = if wider { "; matches are a superset" } else { "" };
        note(format_args!(
            "{} instructions, {} bytes of tables, looks at up to {} bytes{exact}",
            program.insns.len(),
            compiled.table_bytes(),
            compiled.limit_bytes(),
        ));
    }
    if let Some(path) = &args.output {
        std::fs::write(path, file::write(&program) + "\n")
            .map_err(|cause| wrong(format_args!("write {}: {cause}", path.display())))?;
    }
    match (args.dump, &args.output) {
        (true, _) => print(dump(&program).as_bytes()),
        (false, None) => print((file::write(&program) + "\n").as_bytes()),
        (false, Some(_)) => Ok(ExitCode::SUCCESS),
    }
}

/// Maps as comments, then the instructions: `filter asm` reads it.
fn dump(program: &Program) -> String {
    let mut text = String::new();
    for (index, map) in program.maps.iter().enumerate() {
        let _ = writeln!(
            text,
            "# map {index}: {} ({:?}), {} entries of {} bytes",
            map.name, map.map_type, map.max_entries, map.value_size
        );
    }
    text + &Listing(&program.insns).to_string()
}

//! `kernscope lan`: the devices of a network.

mod replay;
mod tell;

use crate::args::Format;
use crate::failure::Outcome;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Tell every device on a network, and what it is
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, after_help = "Example:\n  kernscope lan replay office.pcap")]
pub(crate) struct LanArgs {
    #[command(subcommand)]
    command: LanCommand,
}

#[derive(Debug, Subcommand)]
enum LanCommand {
    Replay(ReplayArgs),
}

/// Tell the devices in capture files
///
/// Reads pcap and pcapng, each file by itself, and tells at the end of each which devices were in it. Needs no privilege
/// and sends nothing.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kernscope lan replay office.pcap
  kernscope lan replay --format jsonl *.pcap | jq -r 'select(.kind == \"device\") | .mac + \" \" + .device_type'

A capture holds what people did: look only at networks that you may look at.
Status: 0 all files were read to their ends; 2 a file is broken, cut off or no
capture (what came before the break is told), or a wrong command line.")]
pub(crate) struct ReplayArgs {
    /// How to tell: lines for people, or one JSON object a line (docs/SCHEMA.md)
    #[arg(long, value_enum, value_name = "NAME", default_value_t)]
    format: Format,
    /// Rules of your own that say what a device is (docs/LAN.md)
    #[arg(long, value_name = "FILE")]
    rules: Vec<PathBuf>,
    /// Capture files; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(crate) fn run(args: LanArgs) -> Outcome {
    match args.command {
        LanCommand::Replay(args) => replay::run(&args),
    }
}

//! `kernscope lan`: the devices of a network.

mod alerts;
mod book;
mod config;
mod csv;
mod database;
mod gateway;
mod list;
mod looks;
mod memory;
mod metrics;
mod notify;
mod pretty;
mod replay;
mod run;
mod run_args;
mod serve;
mod tell;
mod traffic;
mod tui;

use crate::args::Format;
use crate::failure::Outcome;
use clap::{Args, Subcommand, ValueEnum};
use kernscope_lan::Mac;
use looks::Looks;
use run_args::RunArgs;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Tell every device on a network, and what it is
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
Examples:
  kernscope lan run --interface eth0
  kernscope lan replay office.pcap
  kernscope lan replay --db office.db *.pcap && kernscope lan list --db office.db"
)]
pub(crate) struct LanArgs {
    #[command(subcommand)]
    command: LanCommand,
}

#[derive(Debug, Subcommand)]
enum LanCommand {
    Run(Box<RunArgs>),
    Replay(ReplayArgs),
    Serve(Box<ServeArgs>),
    List(ListArgs),
    Device(Box<DeviceArgs>),
    Alerts(AlertsArgs),
    Export(ExportArgs),
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
  kernscope lan replay --db office.db monday.pcap tuesday.pcap
  kernscope lan replay --db office.db --network eth0 monday.pcap && kernscope lan run --interface eth0 --db office.db

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
    /// Learn the network for so many seconds before what is new on it is told
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    learn: u64,
    #[command(flatten)]
    looks: Looks,
    /// Also remember the devices in this database, and use the corrections in it
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// The files are one network, one after the other: go on with what the database has learnt of it
    #[arg(long, value_name = "NAME", requires = "db")]
    network: Option<String>,
    /// Capture files; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Serve a page of the devices, who talks to whom, traffic and alerts
///
/// The page is drawn from the database, and, with --interface, follows a run on it. It needs a browser and nothing from
/// elsewhere. By default it is for this machine only; elsewhere whoever looks needs the token of --token-file.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kernscope lan serve
  kernscope lan serve --db office.db --listen 127.0.0.1:9000
  kernscope lan serve --interface eth0 --listen 192.0.2.1:8077 --token-file /etc/kernscope/token

What the page shows is who is there and what they do: keep it to those who may know.
Ctrl-C ends it. Status: 0; 1 the database cannot be read; 2 there is none, or a wrong
command line.")]
pub(crate) struct ServeArgs {
    /// Where to serve the page [default: 127.0.0.1:8077]
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    #[command(flatten)]
    run: RunArgs,
}

/// Tell the devices that are remembered
///
/// One line or record for each device that a run or a replay wrote to the database, made of all that was seen of it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kernscope lan list
  kernscope lan list --db office.db --format jsonl | jq -r 'select(.online) | .hostname'

Without --db the database is $XDG_STATE_HOME/kernscope/lan.db, or below ~/.local/state.
Status: 0; 1 it cannot be read; 2 there is none, or a wrong command line.")]
pub(crate) struct ListArgs {
    /// The database
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// How to tell: lines for people, or one JSON object a line (docs/SCHEMA.md)
    #[arg(long, value_enum, value_name = "NAME", default_value_t)]
    format: Format,
}

/// Tell all that is known of one device, or say better what it is
///
/// What you say stands above what was found out, here and in every later run with this database, until --forget.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kernscope lan device b0:c5:54:25:5b:0e
  kernscope lan device b0:c5:54:25:5b:0e --name 'front door' --category camera --type 'door camera'
  kernscope lan device b0:c5:54:25:5b:0e --forget

Status: 0; 1 the database cannot be read or written; 2 the device is not in it, or a
wrong command line.")]
pub(crate) struct DeviceArgs {
    /// Its hardware address
    #[arg(value_name = "MAC", value_parser = database::mac)]
    mac: Mac,
    /// The database
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// How to tell: lines for people, or one JSON object a line (docs/SCHEMA.md)
    #[arg(long, value_enum, value_name = "NAME", default_value_t)]
    format: Format,
    /// It is of this class
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    /// It is called so
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// What it is, in words
    #[arg(long = "type", value_name = "TEXT")]
    kind: Option<String>,
    /// The sort of device: camera, plug, phone, router, ...
    #[arg(long, value_name = "TEXT")]
    category: Option<String>,
    /// Anything else worth knowing
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Forget all that was said of it by these options
    #[arg(long, conflicts_with_all = ["label", "name", "kind", "category", "note"])]
    forget: bool,
}

/// Tell what was wrong, or say what you think of it
///
/// One line or record for each alert that a run or a replay wrote to the database, the newest first. An alert that you
/// acknowledge is hidden until it is seen again; one that you mute is neither listed nor told by later runs.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kernscope lan alerts
  kernscope lan alerts --db office.db --format jsonl | jq -r 'select(.severity == \"high\") | .message'
  kernscope lan alerts --mute 0f3a5c7e9b1d2f40

Status: 0; 1 the database cannot be read or written; 2 the alert is not in it, or a
wrong command line.")]
pub(crate) struct AlertsArgs {
    /// The database
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// How to tell: lines for people, or one JSON object a line (docs/SCHEMA.md)
    #[arg(long, value_enum, value_name = "NAME", default_value_t)]
    format: Format,
    /// Also those that are acknowledged or muted
    #[arg(long)]
    all: bool,
    /// This alert was seen (its id)
    #[arg(long, value_name = "ID")]
    acknowledge: Vec<String>,
    /// This alert is not to be told again
    #[arg(long, value_name = "ID")]
    mute: Vec<String>,
    /// This alert is to be told, whatever was said of it before
    #[arg(long, value_name = "ID")]
    open: Vec<String>,
}

impl AlertsArgs {
    /// Whether nothing is said of any alert, so that they are listed.
    fn is_list(&self) -> bool {
        self.acknowledge.is_empty() && self.mute.is_empty() && self.open.is_empty()
    }
}

/// Write the devices that are remembered for other programs
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kernscope lan export --format csv > devices.csv
  kernscope lan export --db office.db --format json | jq length

Status: 0; 1 the database cannot be read; 2 there is none, or a wrong command line.")]
pub(crate) struct ExportArgs {
    /// The database
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// A table, or an array of objects as in the device records
    #[arg(long, value_enum, value_name = "NAME", default_value_t)]
    format: ExportFormat,
}

/// `--format` of `lan export`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ExportFormat {
    #[default]
    Csv,
    Json,
}

impl LanArgs {
    /// The flags of `lan run`, if that is what is wanted.
    #[cfg(test)]
    fn run_args(&self) -> Option<&RunArgs> {
        match &self.command {
            LanCommand::Run(args) => Some(args),
            _ => None,
        }
    }
}

pub(crate) fn run(args: LanArgs) -> Outcome {
    match args.command {
        LanCommand::Run(args) => run::run(&args),
        LanCommand::Replay(args) => replay::run(&args),
        LanCommand::Serve(args) => serve::serve(&args),
        LanCommand::List(args) => list::list(&args),
        LanCommand::Device(args) => list::device(&args),
        LanCommand::Alerts(args) => alerts::alerts(&args),
        LanCommand::Export(args) => list::export(&args),
    }
}

//! The flags of `lan run`. What is not given is taken from `--config`, else from the defaults (`config`).

use super::looks::Looks;
use crate::args::Format;
use clap::{Args, ValueEnum};
use kernscope_report::Severity;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Tell the devices of a network as they show themselves
///
/// Looks at an interface and sends nothing. A device is told when it is first seen and whenever more becomes known of it; all
/// of them again at the end, with what was covered and an account of every frame. They are remembered in a database.
///
/// On a terminal, without --format, it is a screen to move about in: devices, flows, alerts; ? tells the keys.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kernscope lan run --interface eth0
  kernscope lan run --interface mirror0 --mode span --db office.db
  kernscope lan run --interface eth0 --duration 60 --no-db --format jsonl
  kernscope lan run --interface eth0 --print-config > lan.toml && kernscope lan run --config lan.toml

Look only at networks that you may look at: people use them.
Needs CAP_NET_RAW, with XDP also CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN; all but CAP_BPF are
given up once frames come. Ctrl-C ends the run, and nothing stays attached.
Status: 0 at the end of --duration, by Ctrl-C or SIGTERM; 1 when the run broke off;
2 for a wrong command line or set-up.")]
pub(crate) struct RunArgs {
    /// The network interface
    #[arg(long, value_name = "IF")]
    pub(super) interface: Option<String>,
    /// Take settings from this file; flags stand above them
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Print the settings that --config and the other flags make, as a file for --config, and end
    #[arg(long)]
    pub(super) print_config: bool,
    /// How to see [default: auto]
    #[arg(long, value_enum, value_name = "NAME")]
    pub(super) backend: Option<BackendName>,
    /// Where this machine stands, which decides what it can see (docs/LAN.md) [default: host]
    #[arg(long, value_enum, value_name = "PLACE")]
    pub(super) mode: Option<Mode>,
    /// Remember the devices in this database instead of the usual one
    #[arg(long, value_name = "FILE")]
    pub(super) db: Option<PathBuf>,
    /// Go on with what was learnt of this network; a name for each where one machine visits several [default: the interface]
    #[arg(long, value_name = "NAME")]
    pub(super) network: Option<String>,
    /// Remember nothing
    #[arg(long, conflicts_with = "db")]
    pub(super) no_db: bool,
    /// Forget what was seen last so many days ago [default: 90]
    #[arg(long, value_name = "DAYS")]
    pub(super) keep_days: Option<u32>,
    /// End after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = crate::args::seconds)]
    pub(super) duration: Option<Duration>,
    /// How to tell: lines for people, or one JSON object a line (docs/SCHEMA.md) [default: pretty]
    #[arg(long, value_enum, value_name = "NAME")]
    pub(super) format: Option<Format>,
    /// Serve the page at this address, see lan serve
    #[arg(long, value_name = "ADDR:PORT")]
    pub(super) serve: Option<SocketAddr>,
    /// Serve metrics for Prometheus at this address
    #[arg(long, value_name = "ADDR:PORT")]
    pub(super) metrics: Option<SocketAddr>,
    /// So many devices, those with the most traffic, have metrics of their own [default: 100]
    #[arg(long, value_name = "COUNT")]
    pub(super) metrics_devices: Option<usize>,
    /// Who looks at page and metrics needs the token in the first line of this file
    #[arg(long, value_name = "FILE")]
    pub(super) token_file: Option<PathBuf>,
    /// A name that page and metrics are called by, beside addresses and localhost
    #[arg(long, value_name = "NAME")]
    pub(super) host: Vec<String>,
    /// Tell each alert to this web server, by a POST of its JSON
    #[arg(long, value_name = "URL")]
    pub(super) notify_url: Vec<String>,
    /// Tell each alert to this command, by its JSON on standard input; given again for each argument
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    pub(super) notify_command: Vec<String>,
    /// Tell no alerts below this elsewhere [default: low]
    #[arg(long, value_enum, value_name = "NAME")]
    pub(super) notify_severity: Option<Least>,
    /// Rules of your own that say what a device is (docs/LAN.md)
    #[arg(long, value_name = "FILE")]
    pub(super) rules: Vec<PathBuf>,
    /// Learn the network for so many seconds before what is new on it is told [default: 3600]
    #[arg(long, value_name = "SECONDS")]
    pub(super) learn: Option<u64>,
    #[command(flatten)]
    pub(super) looks: Looks,
}

/// `--backend` of `lan run`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum BackendName {
    /// xdp if it can, else packet
    #[default]
    Auto,
    /// Programs in the kernel, which count what says nothing new: XDP for what comes in, tc for what goes out
    Xdp,
    /// A packet socket, to which every frame comes
    Packet,
}

/// `--notify-severity` of `lan run`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Least {
    /// All of them
    #[default]
    Low,
    /// What should be looked at
    Medium,
    /// What is to be looked at at once
    High,
}

impl From<Least> for Severity {
    fn from(least: Least) -> Self {
        match least {
            Least::Low => Self::Low,
            Least::Medium => Self::Medium,
            Least::High => Self::High,
        }
    }
}

/// `--mode` of `lan run`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Mode {
    /// One machine among the others
    #[default]
    Host,
    /// Traffic between networks goes through it
    Gateway,
    /// A switch sends it copies of what others say
    Span,
}

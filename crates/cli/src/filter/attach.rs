//! `kernscope filter attach`: a filter on an interface, counted as it goes.
//!
//! Here are its flags and what they make; [`mod@run`] follows the counts, [`tell`] tells them.

mod hook;
mod run;
mod tell;

use super::condition::ConditionArgs;
use super::disasm::bytecode;
use super::wrong;
use crate::args::Format;
use crate::failure::{Failure, Outcome};
use crate::watch::signals::Signals;
use clap::{Args, ValueEnum};
use kernscope_kit::attach::{Direction, Interface, Tallied};
use kernscope_kit::compile::{self, Action, Compiled, Host, Options};
use kernscope_kit::load::Loaded;
use kernscope_kit::program::Program;
use run::Run;
use std::path::PathBuf;
use std::time::Duration;
use tell::Teller;

/// Attach a filter to a network interface, and count what it matches
///
/// Without --drop and --pass every packet passes, and is counted. The whole frame is looked at, headers too. Counts are
/// told every second in which they change, and at the end, with what was covered and an account. Nothing stays attached after the end, however it comes.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("condition").required(true).multiple(true).args(["packet", "literal", "regex", "bytes", "rules", "bytecode"]))]
#[command(after_help = "\
Examples:
  kernscope filter attach --literal 'BEGIN RSA PRIVATE KEY' --interface eth0
  kernscope filter attach --packet 'udp and dst port 53 and content \"evil\"' --interface eth0
  kernscope filter attach --regex 'ghp_[0-9a-zA-Z]{36}' --interface eth0 --target tc --drop
  kernscope filter attach --bytecode program.hex --interface lo --duration 10 --format jsonl

Status: 0 at the end of --duration, by Ctrl-C or SIGTERM; 1 when the run broke off; 2 for a
wrong command line or set-up.")]
pub(super) struct AttachArgs {
    #[command(flatten)]
    condition: ConditionArgs,
    /// Attach this program instead: bytecode as hex, which decides for itself
    #[arg(long, value_name = "FILE", conflicts_with_all = ["packet", "literal", "regex", "bytes", "rules", "ignore_case", "drop", "pass"])]
    bytecode: Option<PathBuf>,
    /// The network interface
    #[arg(long, value_name = "IF")]
    interface: String,
    /// Where: xdp is before the kernel has made anything of a packet, tc after it
    #[arg(long, value_enum, value_name = "HOOK", default_value_t)]
    target: Target,
    /// Which packets, for tc; xdp sees those that come in
    #[arg(long, value_enum, value_name = "WAY", default_value_t)]
    direction: Way,
    /// Drop what matches
    #[arg(long, conflicts_with = "pass")]
    drop: bool,
    /// Drop what does not match: ARP and the like as well
    #[arg(long)]
    pass: bool,
    /// End after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = crate::args::seconds)]
    duration: Option<Duration>,
    /// How to tell: lines for people, or one JSON object a line (docs/SCHEMA.md)
    #[arg(long, value_enum, value_name = "NAME", default_value_t)]
    format: Format,
}

/// `--target`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Target {
    #[default]
    Xdp,
    Tc,
}

/// `--direction`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Way {
    #[default]
    Ingress,
    Egress,
}

impl From<Way> for Direction {
    fn from(way: Way) -> Self {
        match way {
            Way::Ingress => Self::Ingress,
            Way::Egress => Self::Egress,
        }
    }
}

pub(super) fn run(args: &AttachArgs) -> Outcome {
    if args.target == Target::Xdp && args.direction == Way::Egress {
        return Err(Failure::usage("--direction egress: XDP sees what comes in only; add --target tc"));
    }
    let source = Source::new(args)?;
    let signals = Signals::install()
        .map_err(|cause| Failure::usage(format_args!("install signal handlers: {cause}")))?;
    let interface = Interface::find(&args.interface).map_err(Failure::usage)?;
    let tallied = Tallied::new(source.program(), args.is_enforced()).map_err(wrong)?;
    let loaded = Loaded::load(&tallied.program).map_err(|err| Failure::usage(err.brief()))?;
    let hooked = hook::attach(&loaded, &interface, args).map_err(Failure::usage)?;
    let teller = Teller::new(args, &interface, &hooked, &source);
    Run { tallied, loaded, interface, duration: args.duration, teller }.follow(hooked, &signals)
}

impl AttachArgs {
    /// Whether what the program decides is done.
    fn is_enforced(&self) -> bool {
        self.drop || self.pass || self.bytecode.is_some()
    }

    fn target(&self) -> compile::Target {
        match self.target {
            Target::Xdp => compile::Target::Xdp,
            Target::Tc => compile::Target::Tc,
        }
    }
}

/// Where the program comes from.
enum Source {
    Compiled(Box<Compiled>),
    Bytecode(Program),
}

impl Source {
    fn new(args: &AttachArgs) -> Result<Self, Failure> {
        if let Some(path) = &args.bytecode {
            let text = std::fs::read_to_string(path)
                .map_err(|cause| Failure::usage(format_args!("read {}: {cause}", path.display())))?;
            return Ok(Self::Bytecode(Program {
                name: "bytecode".to_owned(),
                program_type: args.target().program_type(),
                insns: bytecode(&text)?,
                maps: Vec::new(),
                functions: Vec::new(),
            }));
        }
        let mut options = Options::new(args.target(), Host::running());
        options.on_match = if args.pass { Action::Pass } else { Action::Drop };
        let compiled = compile::compile(&args.condition.filter()?, &options).map_err(Failure::usage)?;
        Ok(Self::Compiled(Box::new(compiled)))
    }

    /// What makes it match more than its condition does; nothing where nothing does.
    fn wider(&self) -> Vec<String> {
        let Self::Compiled(compiled) = self else { return Vec::new() };
        let mut wider = Vec::new();
        if !compiled.exact() {
            wider.push("matches are a superset: the condition is too large to be exact".to_owned());
        }
        if compiled.limit_bytes() < u32::from(u16::MAX) {
            wider.push(format!("packets of more than {} bytes count as matches", compiled.limit_bytes()));
        }
        wider
    }

    fn program(&self) -> &Program {
        match self {
            Self::Compiled(compiled) => &compiled.program,
            Self::Bytecode(program) => program,
        }
    }
}

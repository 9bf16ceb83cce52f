//! `kernscope filter attach`: a filter on an interface, counted as it goes.

mod hook;

use super::condition::ConditionArgs;
use super::disasm::bytecode;
use super::wrong;
use crate::failure::{BROKEN, Failure, Outcome};
use crate::watch::signals::Signals;
use clap::{Args, ValueEnum};
use hook::Hooked;
use kernscope_kit::attach::{Decided, Direction, Interface, Tallied};
use kernscope_kit::compile::{self, Action, Compiled, Host, Options};
use kernscope_kit::load::Loaded;
use kernscope_kit::program::Program;
use std::cell::Cell;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How often the counts are looked at.
const TICK: Duration = Duration::from_millis(100);

/// Attach a filter to a network interface, and count what it matches
///
/// Without --drop and --pass every packet passes, and is counted. The whole frame is looked at, headers too. Counts are
/// told every second in which they change, and at the end. Nothing stays attached after the end, however it comes.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("condition").required(true).multiple(true).args(["packet", "literal", "regex", "bytes", "rules", "bytecode"]))]
#[command(after_help = "\
Examples:
  kernscope filter attach --literal 'BEGIN RSA PRIVATE KEY' --interface eth0
  kernscope filter attach --packet 'udp and dst port 53 and content \"evil\"' --interface eth0
  kernscope filter attach --regex 'ghp_[0-9a-zA-Z]{36}' --interface eth0 --target tc --drop
  kernscope filter attach --bytecode program.hex --interface lo --duration 10

Status: 0 at the end of --duration or by Ctrl-C; 1 when the run broke off; 2 for a
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
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    duration: Option<Duration>,
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

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|cause| cause.to_string())
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
    let view = View { args, source, tallied, loaded, interface, hooked };
    let outcome = view.follow(&signals);
    signals.release();
    outcome
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

    fn program(&self) -> &Program {
        match self {
            Self::Compiled(compiled) => &compiled.program,
            Self::Bytecode(program) => program,
        }
    }
}

/// A run: what is told of it.
struct View<'a> {
    args: &'a AttachArgs,
    source: Source,
    tallied: Tallied,
    loaded: Loaded,
    interface: Interface,
    hooked: Hooked,
}

impl View<'_> {
    /// What is attached, and how well it looks.
    fn start(&self) -> String {
        let mut text = format!("attached to {}: {}", self.interface, self.hooked.told());
        if let Source::Compiled(compiled) = &self.source {
            if !compiled.exact() {
                text += "\nmatches are a superset: the condition is too large to be exact";
            }
            if compiled.limit_bytes() < u32::from(u16::MAX) {
                text += &format!("\npackets of more than {} bytes count as matches", compiled.limit_bytes());
            }
        }
        text + "\n"
    }

    /// Tells the counts until the end.
    fn follow(&self, signals: &Signals) -> Outcome {
        let (start, stop) = (Instant::now(), Cell::new(false));
        let mut next = Duration::from_secs(1);
        let mut last = Decided::default();
        let tell = |line: String| tell(&line).map(|heard| stop.set(stop.get() || !heard));
        tell(self.start())?;
        while !stop.get() && self.args.duration.is_none_or(|all| start.elapsed() < all) {
            let left = self.args.duration.map_or(TICK, |all| all.saturating_sub(start.elapsed()));
            std::thread::sleep(TICK.min(left));
            signals.poll(false, |_, _| stop.set(true));
            if start.elapsed() >= next {
                next += Duration::from_secs(1);
                let now = self.read()?;
                if now != last {
                    last = now;
                    tell(format!("{:>6} s  {}\n", start.elapsed().as_secs(), self.counts(now)))?;
                }
                if !self.interface.is_there() {
                    let gone = format_args!("interface {} is gone: {}", self.interface, self.counts(now));
                    return Err(Failure::with_status(BROKEN, gone));
                }
            }
        }
        tell(format!("{}: {}\n", self.interface, self.counts(self.read()?)))?;
        Ok(ExitCode::SUCCESS)
    }

    fn read(&self) -> Result<Decided, Failure> {
        self.tallied.read(&self.loaded).map_err(wrong)
    }

    /// In the words of the condition, or of what was decided.
    fn counts(&self, decided: Decided) -> String {
        let Decided { passed, dropped, other } = decided;
        let packets = passed + dropped + other;
        match (&self.source, self.args.pass, self.args.drop) {
            (Source::Bytecode(_), ..) => {
                format!("{packets} packets = {passed} passed + {dropped} dropped + {other} other")
            }
            (_, true, _) => format!("{packets} packets = {passed} matched + {dropped} others, dropped"),
            (_, _, true) => format!("{packets} packets = {dropped} matched, dropped + {passed} others"),
            _ => format!("{packets} packets = {dropped} matched + {passed} others, all passed"),
        }
    }
}

/// Writes to standard output; whether somebody still reads it.
fn tell(text: &str) -> Result<bool, Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(cause) if cause.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(cause) => Err(wrong(format_args!("write standard output: {cause}"))),
    }
}

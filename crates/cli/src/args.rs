//! The command line. Strings end here: what the rest of the program gets is [`crate::watch::config::Config`].

use crate::detections::DetectionsArgs;
use crate::failure::{Failure, Outcome};
use crate::filter::FilterArgs;
use crate::lan::LanArgs;
use crate::records::{QueryArgs, SessionsArgs, ShowArgs};
use crate::scan::ScanArgs;
use crate::stream::print;
use crate::watch::ctl::WatchAction;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// Shows what programs really do, seen from the kernel.
#[derive(Debug, Parser)]
#[command(name = "kernscope", version, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "Example:\n  kernscope watch -- bash -c 'cat /etc/hostname'")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Watch(Box<WatchArgs>),
    Scan(ScanArgs),
    Lan(LanArgs),
    Filter(FilterArgs),
    Sessions(SessionsArgs),
    Show(ShowArgs),
    Query(QueryArgs),
    Detections(DetectionsArgs),
    Doctor(DoctorArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// Watch a process tree: every program, file and connection
///
/// Follows a command and all its descendants from the first instruction on (or a running process, or everything) and
/// tells what they execute, open, change and connect to; then a summary, what was covered and what was not, and an
/// account of every event.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kernscope watch -- bash -c 'cat /etc/hostname; curl -s http://127.0.0.1:1/'
  kernscope watch --format jsonl --output build.jsonl -- make
  kernscope watch --pid 1234
  kernscope watch --agents --policy agent.toml --best-effort
  kernscope watch --rules builtin -- ./agent
  kernscope watch --tui -- make
  kernscope watch --report run.html -- ./install.sh
  kernscope watch --detections own.toml --mute accounts-listed -- ./install.sh
  kernscope watch --db records.db --keep 30 -- make
  kernscope watch --learn make.toml -- make && kernscope watch --policy make.toml -- make
  kernscope watch --record run.ksraw -- ./install.sh && kernscope watch --replay run.ksraw

Status: that of COMMAND (128+signal if one killed it, 127 not found, 126 not
executable); 0 for --pid, --agents, --all and --replay; 1 when the run broke off; 2 for a
wrong command line or set-up.

Ctrl-C reaches COMMAND too; the watch ends when its last descendant has ended.
Ctrl-C again ends the watch at once. SIGTERM and SIGHUP are passed on to COMMAND.
Killed with SIGKILL, kernscope leaves nothing attached; with the ptrace back end
the watched tree dies with it.")]
#[command(override_usage = "\
kernscope watch [OPTIONS] -- COMMAND [ARG]...
       kernscope watch [OPTIONS] --pid PID | --agents | --all | --replay FILE
       kernscope watch ctl SESSION ACTION")]
#[command(group = clap::ArgGroup::new("target").required(true))]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct WatchArgs {
    #[command(subcommand)]
    pub(crate) action: Option<WatchAction>,
    /// How to see: auto takes ebpf if it can, else ptrace, and says which and why
    #[arg(long, value_enum, value_name = "NAME", default_value_t)]
    pub(crate) backend: BackendName,
    /// Which tracepoints carry system calls with eBPF: tp_btf is the cheapest; from kernel 7.0 on its programs may be
    /// preempted, and skipped meanwhile, so that auto takes the plain tracepoint there
    #[arg(long, value_enum, value_name = "NAME", default_value_t)]
    pub(crate) syscall_hooks: SyscallHooksName,
    /// How to tell: lines for people, or one JSON object a line (docs/SCHEMA.md)
    #[arg(long, value_enum, value_name = "NAME", default_value_t)]
    pub(crate) format: Format,
    /// Write the records to FILE, which only its owner can read, instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Show the run as a screen to move about in: processes, records, details, alerts; what COMMAND writes is in a pane of it,
    /// and its standard input is empty. `?` tells the keys
    #[arg(long, conflicts_with_all = ["output", "format", "replay"])]
    pub(crate) tui: bool,
    /// Also write FILE at the end, a page for a browser that needs nothing beside it and makes no request
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Also keep the records in the database FILE, or in $XDG_STATE_HOME/kernscope/records.db, for `kernscope sessions`, `show`
    /// and `query`
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    pub(crate) db: Option<Option<PathBuf>>,
    /// Remove sessions from that database that began more than DAYS ago
    #[arg(long, value_name = "DAYS", requires = "db")]
    pub(crate) keep: Option<u32>,
    /// Also write the raw events to FILE, for --replay; nothing in them is redacted, and TLS is in them with --no-redact only
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// Make records again from a file that --record wrote
    #[arg(long, value_name = "FILE", group = "target", conflicts_with_all = ["record", "hash", "backend"])]
    pub(crate) replay: Option<PathBuf>,
    /// Tell where data that is read, written, sent or received matches the rules of FILE (docs/RULES.md), or the built-in
    /// ones if FILE is `builtin`; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Vec<PathBuf>,
    /// Hold what is done against FILE (docs/POLICY.md), and make fail or tell what it denies
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Write a policy to FILE at the end that allows what was done and denies everything else (docs/POLICY.md)
    #[arg(long, value_name = "FILE", conflicts_with = "policy")]
    pub(crate) learn: Option<PathBuf>,
    /// Let --learn write over a FILE that is there
    #[arg(long, requires = "learn")]
    pub(crate) force: bool,
    /// Go on where a policy cannot be enforced, and observe what it denies
    #[arg(long, requires = "policy")]
    pub(crate) best_effort: bool,
    /// Raise alerts by the detections of FILE (docs/DETECTIONS.md) beside the built-in ones, of which one with the same id is
    /// replaced; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) detections: Vec<PathBuf>,
    /// Raise no alerts by detections
    #[arg(long, conflicts_with_all = ["detections", "mute"])]
    pub(crate) no_detections: bool,
    /// Leave out the detection ID; may be given several times
    #[arg(long, value_name = "ID")]
    pub(crate) mute: Vec<String>,
    /// Add the SHA-256 of every executed file
    #[arg(long)]
    pub(crate) hash: bool,
    /// Add the environment of every executed program; values of secret-looking names are redacted
    #[arg(long)]
    pub(crate) env: bool,
    /// Tell what goes through TLS libraries as plain text, its secrets redacted (docs/TLS.md): so it is done anyway, where eBPF is the
    /// back end
    #[arg(long)]
    pub(crate) tls: bool,
    /// Leave out what goes through TLS libraries
    #[arg(long, conflicts_with = "tls")]
    pub(crate) no_tls: bool,
    /// Tell what goes through standard input, output and error as lines of JSON, where those are pipes or local sockets: how
    /// programs and the servers that they start talk (Model Context Protocol)
    #[arg(long)]
    pub(crate) stdio: bool,
    /// Do not redact: secrets in arguments, in environments, and in what was found and said
    #[arg(long)]
    pub(crate) no_redact: bool,
    /// Show every record (mappings and closes too), and nothing shortened
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// Watch the running process PID, its threads and its descendants
    #[arg(long, value_name = "PID", group = "target")]
    pub(crate) pid: Option<u32>,
    /// Watch every process
    #[arg(long, group = "target")]
    pub(crate) all: bool,
    /// Watch the AI coding agents that run on this machine and what they start, those that begin later as well (docs/AGENTS.md)
    #[arg(long, group = "target")]
    pub(crate) agents: bool,
    /// Know agents by the signatures of FILE, too; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) agent_signatures: Vec<PathBuf>,
    /// Run this and watch it
    #[arg(last = true, value_name = "COMMAND", group = "target")]
    pub(crate) command: Vec<OsString>,
}

/// Try what this kernel, these privileges and this machine allow
///
/// Loads programs, makes maps, attaches to hooks and makes them fire, and says for each whether it works, what
/// kernscope loses if not, and what would help. Takes a second or two, changes nothing, leaves nothing attached.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kernscope doctor
  kernscope doctor --format jsonl | jq -r 'select(.answer == \"no\") | .name + \": \" + .why'

Status: 0 whatever it finds.")]
pub(crate) struct DoctorArgs {
    /// How to tell: lines for people, or one JSON object a line (docs/SCHEMA.md)
    #[arg(long, value_enum, value_name = "NAME", default_value_t)]
    pub(crate) format: Format,
}

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  kernscope completions bash > ~/.local/share/bash-completion/completions/kernscope")]
pub(crate) struct CompletionsArgs {
    /// For which shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

/// Print a man page (roff)
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kernscope man watch > kernscope-watch.1 && man ./kernscope-watch.1
  kernscope man filter asm > kernscope-filter-asm.1")]
pub(crate) struct ManArgs {
    /// Of which command, and of which command below it; without, of kernscope itself
    pub(crate) command: Vec<String>,
}

/// `--backend`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum BackendName {
    #[default]
    Auto,
    Ebpf,
    Ptrace,
}

/// `--syscall-hooks`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum SyscallHooksName {
    #[default]
    Auto,
    #[value(name = "tp_btf")]
    TpBtf,
    Tracepoint,
}

/// `--format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    #[default]
    Pretty,
    Jsonl,
}

/// A number of seconds, of which a part will do.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|cause| cause.to_string())
}

/// The whole command line, for completions and man pages.
pub(crate) fn command() -> clap::Command {
    Cli::command()
}

/// Why there is nothing to run.
pub(crate) enum Stop {
    /// Help or version was asked for.
    Text(String),
    /// The command line is wrong.
    Wrong(Failure),
}

impl Stop {
    /// Says what there is to say.
    pub(crate) fn end(self) -> Outcome {
        match self {
            Self::Text(text) => print(text.as_bytes()),
            Self::Wrong(failure) => Err(failure),
        }
    }
}

/// Reads the command line. Errors become one line; help goes to standard output.
pub(crate) fn parse() -> Result<Cli, Stop> {
    Cli::try_parse().map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let color = std::io::IsTerminal::is_terminal(&std::io::stdout()) && colors_allowed();
            let text = error.render();
            Stop::Text(if color { text.ansi().to_string() } else { text.to_string() })
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let level = level(std::env::args().skip(1));
            Stop::Wrong(Failure::usage(format_args!("no command given; see kernscope{level} --help")))
        }
        _ => Stop::Wrong(Failure::usage(one_line(&error, std::env::args().skip(1)))),
    })
}

/// Whether the environment allows colours.
pub(crate) fn colors_allowed() -> bool {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb")
}

/// What is wrong and what helps, from clap's several paragraphs. `args` are those of the command line.
fn one_line(error: &clap::Error, args: impl Iterator<Item = String>) -> String {
    let text = error.render().to_string();
    let paragraphs = text.split("\n\n").map(|paragraph| {
        paragraph.lines().map(str::trim).collect::<Vec<_>>().join(" ").replace("error: ", "")
    });
    let said: Vec<_> = paragraphs
        .filter(|line| !line.starts_with("Usage: ") && !line.starts_with("For more information"))
        .collect();
    let gap = missing_gap(error).map(|arg| format!("; a command goes after --, as in -- {arg}"));
    format!(
        "{}{}; see kernscope{} --help",
        said.join("; ").trim_end_matches('.'),
        gap.unwrap_or_default(),
        level(args)
    )
}

/// The names of commands that a command line starts with, each after a space.
fn level(args: impl Iterator<Item = String>) -> String {
    let (mut at, mut names) = (command(), String::new());
    for arg in args {
        let Some(below) = at.find_subcommand(&arg).cloned() else { break };
        names = format!("{names} {arg}");
        at = below;
    }
    names
}

/// The word that was not expected, if it may be the start of a command.
fn missing_gap(error: &clap::Error) -> Option<&str> {
    match error.get(ContextKind::InvalidArg)? {
        ContextValue::String(arg) if error.kind() == ErrorKind::UnknownArgument => {
            Some(arg.as_str()).filter(|arg| !arg.starts_with('-'))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn every_level_shows_an_example() {
        let mut whole = command();
        whole.build();
        let mut levels = vec![whole];
        while let Some(mut level) = levels.pop() {
            let help = level.render_long_help().to_string();
            assert!(help.contains("Example"), "{help}");
            assert!(help.contains("kernscope "), "{help}");
            levels.extend(level.get_subcommands().filter(|sub| sub.get_name() != "help").cloned());
        }
    }

    #[test]
    fn a_wrong_command_line_is_told_in_one_line() {
        for wrong in [
            &["kernscope", "watch"][..],
            &["kernscope", "wotch"],
            &["kernscope", "watch", "--backend", "magic", "--all"],
            &["kernscope", "watch", "--pid", "x"],
            &["kernscope", "watch", "--all", "--pid", "1"],
            &["kernscope", "watch", "--replay", "f", "--record", "g"],
            &["kernscope", "watch", "--colour", "--", "true"],
            &["kernscope", "filter"],
            &["kernscope", "filter", "asm", "--colour"],
        ] {
            let error = Cli::try_parse_from(wrong).expect_err("wrong");
            let line = one_line(&error, wrong[1..].iter().map(|arg| (*arg).to_owned()));
            assert!(!line.contains('\n'), "{line}");
            assert!(line.contains("; see kernscope"), "{line}");
            let level = level(wrong[1..].iter().map(|arg| (*arg).to_owned()));
            assert!(line.ends_with(&format!("see kernscope{level} --help")), "{line}");
        }
    }
}

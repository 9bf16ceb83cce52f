//! What a run is to do, checked. Nothing deeper sees the command line.

use crate::args::{BackendName, Format, SyscallHooksName, WatchArgs, colors_allowed};
use crate::detections;
use crate::failure::Failure;
use crate::records;
use crate::rules;
use crate::stream::note;
use crate::watch::{apart, policy};
use kernscope_report::Style;
use kernscope_report::pretty::clean;
use kernscope_sieve::rules::RuleSet;
use kernscope_watch::agents::Signatures;
use kernscope_watch::backend::Target;
use kernscope_watch::core::argv::shown;
use kernscope_watch::detect::Detections;
use kernscope_watch::ebpf::SyscallHooks;
use kernscope_watch::policy::Policy;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;

/// What stands for the built-in rules in the place of a file.
const BUILTIN: &str = "builtin";

/// A checked command line.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) source: Source,
    pub(crate) format: Format,
    pub(crate) style: Style,
    /// `None`: standard output.
    pub(crate) output: Option<PathBuf>,
    pub(crate) record: Option<PathBuf>,
    /// As a screen to move about in.
    pub(crate) tui: bool,
    /// The page that is written at the end.
    pub(crate) report: Option<PathBuf>,
    /// The database that records are kept in.
    pub(crate) db: Option<PathBuf>,
    /// For how many days sessions are kept there.
    pub(crate) keep_days: Option<u32>,
    pub(crate) syscall_hooks: SyscallHooks,
    /// What data is held against.
    pub(crate) rules: Option<RuleSet>,
    /// What is allowed.
    pub(crate) policy: Option<Arc<Policy>>,
    /// Where a policy goes that allows what was done, and whether it may replace what is there.
    pub(crate) learn: Option<(PathBuf, bool)>,
    /// A policy that cannot be enforced is observed.
    pub(crate) best_effort: bool,
    /// How AI coding agents are known.
    pub(crate) agents: Arc<Signatures>,
    /// What records are held against.
    pub(crate) detections: Option<Detections>,
    pub(crate) hash: bool,
    pub(crate) env: bool,
    pub(crate) redact: bool,
    /// Tell what goes through TLS libraries.
    pub(crate) tls: bool,
    /// Tell lines of JSON on standard input, output and error.
    pub(crate) stdio: bool,
}

/// Where events come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Live { target: Target, backend: BackendName },
    Replay(PathBuf),
}

impl Config {
    /// What is watched, in words; arguments without their secrets, unless these are wanted.
    pub(crate) fn words(&self) -> String {
        match &self.source {
            Source::Replay(path) => format!("--replay {}", path.display()),
            Source::Live { target: Target::Pid(pid), .. } => format!("--pid {pid}"),
            Source::Live { target: Target::Command(argv), .. } => {
                let argv: Vec<_> = argv.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
                clean::command(&if self.redact { shown(&argv) } else { argv })
            }
            Source::Live { target: Target::Trees(_), .. } => "--agents".to_owned(),
            Source::Live { .. } => "--all".to_owned(),
        }
    }

    /// Checks what the command line parser cannot.
    pub(crate) fn new(args: WatchArgs) -> Result<Self, Failure> {
        let source = match (args.replay, args.pid) {
            (Some(file), _) => Source::Replay(file),
            (None, Some(pid)) => Source::Live { target: Target::Pid(check(pid)?), backend: args.backend },
            (None, None) if args.agents => {
                Source::Live { target: Target::Trees(Vec::new()), backend: args.backend }
            }
            (None, None) if args.all => Source::Live { target: Target::All, backend: args.backend },
            (None, None) => Source::Live { target: Target::Command(args.command), backend: args.backend },
        };
        let db = args.db.map(|path| path.map_or_else(records::default_path, Ok)).transpose()?;
        let read = match &source {
            Source::Replay(file) => {
                [("--replay", Some(file.as_path())), ("--policy", args.policy.as_deref())]
            }
            Source::Live { .. } => [("--replay", None), ("--policy", args.policy.as_deref())],
        };
        let written = [
            ("--output", &args.output),
            ("--record", &args.record),
            ("--report", &args.report),
            ("--db", &db),
            ("--learn", &args.learn),
        ];
        apart::check("watch", &written.map(|(option, path)| (option, path.as_deref())), &read)?;
        if args.record.is_some() && args.env && !args.no_redact {
            return Err(Failure::usage(
                "watch --record --env: a recording holds environments as they are; leave out --env, or add --no-redact",
            ));
        }
        if args.record.is_some() && !args.rules.is_empty() && !args.no_redact {
            return Err(Failure::usage(
                "watch --record --rules: a recording holds what was found as it is; leave out --rules, or add --no-redact",
            ));
        }
        if args.record.is_some() && args.stdio && !args.no_redact {
            return Err(Failure::usage(
                "watch --record --stdio: a recording holds what was said as it is; leave out --stdio, or add --no-redact",
            ));
        }
        let all = matches!(&source, Source::Live { target: Target::All, .. });
        if all && args.backend == BackendName::Ptrace {
            return Err(Failure::usage(
                "watch --all: ptrace follows one tree; use --backend ebpf, --pid or a command",
            ));
        }
        if args.tls && args.backend == BackendName::Ptrace {
            return Err(Failure::usage(
                "watch --tls: ptrace sees no functions of libraries; use --backend ebpf",
            ));
        }
        // A recording would hold it as it is.
        let is_shown = args.record.is_none() || args.no_redact;
        if !is_shown && args.tls {
            return Err(Failure::usage(
                "watch --record --tls: a recording holds what was said as it is; leave out --tls, or add --no-redact",
            ));
        }
        if !is_shown && !args.no_tls {
            note(
                "watch --record: what goes through TLS is left out; a recording would hold it as it is: see --no-redact",
            );
        }
        let on_terminal = args.output.is_none() && std::io::stdout().is_terminal();
        let style =
            Style { color: on_terminal && colors_allowed(), tree: on_terminal, verbose: args.verbose };
        Ok(Self {
            source,
            format: args.format,
            style,
            output: args.output,
            record: args.record,
            tui: args.tui,
            report: args.report,
            db,
            keep_days: args.keep,
            syscall_hooks: match args.syscall_hooks {
                SyscallHooksName::Auto => SyscallHooks::Auto,
                SyscallHooksName::TpBtf => SyscallHooks::TpBtf,
                SyscallHooksName::Tracepoint => SyscallHooks::Tracepoint,
            },
            rules: read_rules(&args.rules)?,
            policy: args.policy.as_deref().map(policy::read).transpose()?.map(Arc::new),
            learn: args.learn.map(|file| (file, args.force)),
            best_effort: args.best_effort,
            agents: Arc::new(read_signatures(&args.agent_signatures)?),
            detections: match args.no_detections {
                true => None,
                false => Some(detections::read(&args.detections, &args.mute)?),
            },
            hash: args.hash,
            env: args.env,
            redact: !args.no_redact,
            tls: !args.no_tls && is_shown,
            stdio: args.stdio,
        })
    }
}

/// The built-in signatures, and those of all files, the last of which are asked first.
fn read_signatures(files: &[PathBuf]) -> Result<Signatures, Failure> {
    files.iter().try_fold(Signatures::builtin(), |all, file| {
        Ok(all.with(Signatures::read(file).map_err(Failure::usage)?))
    })
}

/// The rules of all files, in their order; `None` without files.
fn read_rules(files: &[PathBuf]) -> Result<Option<RuleSet>, Failure> {
    let mut all = None;
    for file in files {
        let set = match file.to_str() {
            Some(BUILTIN) => RuleSet::builtin(),
            _ => rules::for_matching(file, true)?,
        };
        all.get_or_insert_with(RuleSet::default).extend_with(set);
    }
    Ok(all)
}

fn check(pid: u32) -> Result<u32, Failure> {
    let own = std::process::id();
    if pid == own {
        return Err(Failure::usage(format_args!(
            "watch --pid {pid}: this is kernscope itself; name another"
        )));
    }
    if pid == 0 || !std::path::Path::new(&format!("/proc/{pid}")).exists() {
        return Err(Failure::usage(format_args!("watch --pid {pid}: no such process; see ps -e")));
    }
    Ok(pid)
}

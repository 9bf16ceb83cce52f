//! `cases`: runs the case files against a kernscope binary, on this machine or in a VM guest.
#![forbid(unsafe_code)]

use anyhow::{Context, Result, bail};
use clap::Parser;
use kernscope_cases::case::{Backend, Cases};
use kernscope_cases::lifecycle::{self, Theatre, play_all};
use kernscope_cases::programs::Programs;
use kernscope_cases::run::Setting;
use kernscope_cases::stream::Schema;
use kernscope_cases::suite::{Plan, close, run_all};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Runs the cases of DIR, e.g. `cases --kernscope target/debug/kernscope --backend ptrace tests/cases`
#[derive(Debug, Parser)]
struct Flags {
    /// The binary under test
    #[arg(long, value_name = "PATH", required_unless_present_any = ["precompile", "unwatched", "list"])]
    kernscope: Option<PathBuf>,
    /// Back end; given twice, the two are also compared
    #[arg(long, value_name = "NAME")]
    backend: Vec<Backend>,
    /// Argument of `kernscope watch` in every eBPF run, such as --watch-arg=--syscall-hooks=tracepoint
    #[arg(long, value_name = "ARG")]
    watch_arg: Vec<String>,
    /// Only cases whose name contains TEXT
    #[arg(long, value_name = "TEXT", default_value = "")]
    filter: String,
    /// No cases whose name contains TEXT
    #[arg(long, value_name = "TEXT")]
    without: Option<String>,
    /// JSON schema that each line must satisfy
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// Take compiled C programs from here
    #[arg(long, value_name = "OUT")]
    bin_dir: Option<PathBuf>,
    /// Compile all C programs into OUT, and run nothing
    #[arg(long, value_name = "OUT")]
    precompile: Option<PathBuf>,
    /// Run the programs alone: checks the cases, not kernscope
    #[arg(long)]
    unwatched: bool,
    /// Also play the lifecycle scenarios: signals to kernscope, attaching, output nobody takes
    #[arg(long)]
    lifecycle: bool,
    /// Print the names of what would be run, by the same choice
    #[arg(long)]
    list: bool,
    /// Keep the directories of the cases
    #[arg(long)]
    keep: bool,
    /// Directory with the case files
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

impl Flags {
    fn plan(&self) -> Plan {
        let backends = if self.unwatched { Vec::new() } else { self.backend.clone() };
        Plan { backends, filter: self.filter.clone(), without: self.without.clone() }
    }
}

fn main() -> ExitCode {
    kernscope_cases::process::close_inherited();
    match try_main(&Flags::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cases: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn try_main(flags: &Flags) -> Result<bool> {
    let dir = absolute(&flags.dir)?;
    if let Some(out) = &flags.precompile {
        let count = Programs::compile_into(&dir, out).compile_all()?;
        eprintln!("compiled {count} programs into {}", out.display());
        return Ok(true);
    }
    let cases = Cases::load(&dir)?;
    if flags.list {
        return list(flags, &cases);
    }
    if flags.backend.is_empty() && !flags.unwatched {
        bail!("run cases: no back end given; add --backend ebpf, --backend ptrace or --unwatched");
    }
    let base = std::env::temp_dir().join(format!("kernscope-cases.{}", std::process::id()));
    std::fs::create_dir_all(&base).with_context(|| format!("create {}", base.display()))?;
    let passed = run_in(flags, &cases, &base);
    if !flags.keep {
        std::fs::remove_dir_all(&base).with_context(|| format!("remove {}", base.display()))?;
    }
    passed
}

/// Prints the names of what a run with these flags takes.
fn list(flags: &Flags, cases: &Cases) -> Result<bool> {
    let plan = flags.plan();
    let chosen = plan.of(&cases.cases).filter(|case| plan.tries(&case.backends));
    let mut names: Vec<&str> = chosen.map(|case| case.name.as_str()).collect();
    if flags.lifecycle {
        let scenarios = lifecycle::names(&flags.filter).filter(|(_, backends)| plan.tries(backends));
        names.extend(scenarios.map(|(name, _)| name));
    }
    if names.is_empty() {
        bail!("list cases: none is chosen; check --filter {:?}", flags.filter);
    }
    names.iter().for_each(|name| println!("{name}"));
    Ok(true)
}

fn run_in(flags: &Flags, cases: &Cases, base: &Path) -> Result<bool> {
    let programs = match &flags.bin_dir {
        Some(bin_dir) => Programs::precompiled(&cases.dir, &absolute(bin_dir)?),
        None => Programs::compile_into(&cases.dir, &base.join("bin")),
    };
    let schema = flags.schema.as_deref().map(Schema::load).transpose()?;
    let kernscope = match &flags.kernscope {
        Some(path) if !flags.unwatched => within_reach(&absolute(path)?, base)?,
        _ => PathBuf::new(),
    };
    let setting = Setting {
        kernscope,
        base: base.to_owned(),
        programs: &programs,
        schema: schema.as_ref(),
        cases,
        ebpf_args: &flags.watch_arg,
    };
    let plan = flags.plan();
    let mut out = std::io::stdout().lock();
    let mut tally = run_all(&setting, &plan, &mut out)?;
    if flags.lifecycle && !flags.unwatched {
        let attach_program = programs.binary("attach.c")?;
        let theatre = Theatre {
            kernscope: &setting.kernscope,
            base,
            attach_program: &attach_program,
            schema: schema.as_ref(),
        };
        play_all(&theatre, &flags.backend, &flags.filter, &mut out, &mut tally)?;
    }
    close(&tally, &mut out)?;
    if tally.passed + tally.failed.len() == 0 {
        bail!("no case was run; check --filter {:?}", flags.filter);
    }
    Ok(tally.failed.is_empty())
}

fn absolute(path: &Path) -> Result<PathBuf> {
    path.canonicalize().with_context(|| format!("find {}", path.display()))
}

/// A copy beside the cases: other users may not be able to reach the build directory.
fn within_reach(kernscope: &Path, base: &Path) -> Result<PathBuf> {
    let copy = base.join("kernscope");
    std::fs::copy(kernscope, &copy).with_context(|| format!("copy {}", kernscope.display()))?;
    Ok(copy)
}

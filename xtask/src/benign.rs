//! `cargo xtask benign`: honest work under `kernscope watch`, which must raise no alert.
//!
//! What is run is data, tests/benign/work.toml. Each work runs by eBPF in a folder of its own, which is its home; its ledger must
//! close. An alert fails the work, and is told with the records that it names as evidence.

mod outcome;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::tally::Tally;
use crate::tools;
use outcome::Outcome;

/// Status of a set-up that says why the work cannot run here.
const SKIP: i32 = 77;
/// Most seconds of one work.
const MAX_SECONDS: &str = "1200";

/// Flags of `cargo xtask benign`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The binary to run; built in release mode when left out.
    #[arg(long, value_name = "PATH")]
    kernscope: Option<PathBuf>,
    /// Only the part that CI runs, which takes under a minute.
    #[arg(long)]
    short: bool,
    /// Only work whose name contains TEXT.
    #[arg(long, value_name = "TEXT", default_value = "")]
    filter: String,
}

/// One piece of honest work.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Work {
    name: String,
    /// Programs that it cannot do without.
    #[serde(default)]
    needs: Vec<String>,
    #[serde(default)]
    short: bool,
    /// A script that is not watched.
    setup: String,
    /// The script that is.
    run: String,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    work: Vec<Work>,
}

/// Runs the task.
pub(crate) fn run(args: &Args) -> Result<()> {
    let kernscope = tools::kernscope(args.kernscope.as_deref())?;
    let rows = all(&kernscope, args.short, &args.filter)?;
    ensure!(!rows.is_empty(), "no work has {:?} in its name", args.filter);
    match rows.iter().filter(|row| row.is_failure()).count() {
        0 => Ok(()),
        failed => bail!("{failed} pieces of honest work failed"),
    }
}

/// The short part, by this binary.
pub(crate) fn for_tests(kernscope: &Path) -> Result<Tally> {
    let tally = |row: &Outcome| match row {
        Outcome::Skipped(_) => Tally::skipped(1),
        Outcome::Quiet { .. } => Tally::passed(1),
        Outcome::Failed(_) => Tally::failed(1),
    };
    Ok(all(kernscope, true, "")?.iter().map(tally).sum())
}

/// Runs work and prints the table.
fn all(kernscope: &Path, short: bool, filter: &str) -> Result<Vec<Outcome>> {
    let file = tools::root().join("tests/benign/work.toml");
    let text = std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
    let all: File = toml::from_str(&text).with_context(|| format!("read {}", file.display()))?;
    let base = std::env::temp_dir().join(format!("kernscope-benign.{}", std::process::id()));
    let mut rows = Vec::new();
    for work in all.work.iter().filter(|work| work.name.contains(filter) && (work.short || !short)) {
        let outcome = match work.needs.iter().find(|program| tools::find(program).is_none()) {
            Some(program) => Outcome::Skipped(format!("{program} is not installed")),
            None => one(kernscope, work, &base.join(&work.name))?,
        };
        println!("{}", outcome.line(&work.name));
        rows.push(outcome);
    }
    if base.exists() {
        std::fs::remove_dir_all(&base).with_context(|| format!("remove {}", base.display()))?;
    }
    let count = |wanted: fn(&Outcome) -> bool| rows.iter().filter(|row| wanted(row)).count();
    let failed = count(Outcome::is_failure);
    let skipped = count(|row| matches!(row, Outcome::Skipped(_)));
    println!(
        "benign: {} without an alert, {failed} failed, {skipped} skipped",
        rows.len() - failed - skipped
    );
    Ok(rows)
}

fn one(kernscope: &Path, work: &Work, home: &Path) -> Result<Outcome> {
    std::fs::create_dir_all(home).with_context(|| format!("create {}", home.display()))?;
    let script = |name: &str, text: &str| -> Result<PathBuf> {
        let path = home.with_extension(name);
        std::fs::write(&path, format!("set -e\n{text}\n"))
            .with_context(|| format!("write {}", path.display()))?;
        Ok(path)
    };
    let setup = script("setup", &work.setup)?;
    let run = script("run", &work.run)?;
    let (records, log) = (home.with_extension("jsonl"), home.with_extension("log"));
    let done = in_home(Command::new("bash").arg(&setup), home)?.output().context("start bash")?;
    if done.status.code() == Some(SKIP) {
        return Ok(Outcome::Skipped(String::from_utf8_lossy(&done.stdout).trim().to_owned()));
    }
    ensure!(done.status.success(), "set up {}: {}", work.name, String::from_utf8_lossy(&done.stderr).trim());
    let output = std::fs::File::create(&log).with_context(|| format!("create {}", log.display()))?;
    let began = Instant::now();
    let mut command = Command::new("timeout");
    command.args([MAX_SECONDS.as_ref(), kernscope.as_os_str()]);
    command.args(["watch", "--backend", "ebpf", "--format", "jsonl", "--output"]).arg(&records);
    command.args(["--", "bash"]).arg(&run);
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    let status = in_home(&mut command, home)?.status().context("start kernscope")?;
    let told = std::fs::read_to_string(&log).unwrap_or_default();
    outcome::judge(&records, status, &told, began.elapsed())
}

/// A command of this folder, which knows no settings but those that find compilers.
fn in_home<'a>(command: &'a mut Command, home: &Path) -> Result<&'a mut Command> {
    let rustup = std::env::var_os("RUSTUP_HOME").map(PathBuf::from);
    let user = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    command.current_dir(home).env("HOME", home).env("CARGO_HOME", tools::cargo_home()?);
    command.env("RUSTUP_HOME", rustup.unwrap_or_else(|| user.join(".rustup")));
    for name in ["CARGO_TARGET_DIR", "CARGO", "RUSTFLAGS", "GIT_DIR", "GIT_WORK_TREE", "BASH_ENV"] {
        command.env_remove(name);
    }
    Ok(command)
}

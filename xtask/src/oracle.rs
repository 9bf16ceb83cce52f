//! `cargo xtask oracle`: kernscope against `strace`, which shares no line of code with it.
//!
//! Each workload runs twice under `strace -f` and once under kernscope, each time in a fresh copy of the same
//! directory. What the two strace runs agree on must be what kernscope tells: the same set of executed programs
//! with their arguments, of successful opens by resolved path and mode, and of connects. What differs between
//! the strace runs themselves (process ids are taken out first) is the workload's own doing and set aside, with
//! a count.

mod facts;
mod kernscope;
mod strace;
mod workloads;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::tools;
use facts::{Facts, SORTS};
use workloads::Workload;

/// Flags of `cargo xtask oracle`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The binary to compare; built in release mode when left out.
    #[arg(long, value_name = "PATH")]
    kernscope: Option<PathBuf>,
    /// Back ends to compare; all that run here when left out.
    #[arg(long, value_name = "NAME")]
    backend: Vec<String>,
    /// Only workloads whose name contains TEXT.
    #[arg(long, value_name = "TEXT", default_value = "")]
    filter: String,
    /// Write docs/ORACLE.md.
    #[arg(long)]
    write: bool,
}

/// One workload under one back end.
struct Row {
    workload: &'static str,
    backend: String,
    /// For each of [`SORTS`].
    counts: [Count; 3],
    differences: Vec<String>,
}

/// How one sort of fact compares.
#[derive(Clone, Copy, Default)]
struct Count {
    strace: usize,
    kernscope: usize,
    missing: usize,
    extra: usize,
    unstable: usize,
}

/// Runs the task.
pub(crate) fn run(args: &Args) -> Result<()> {
    ensure!(
        tools::find("strace").is_some(),
        "compare with strace: it is not installed; apt-get install strace"
    );
    let kernscope = tools::kernscope(args.kernscope.as_deref())?;
    let backends = if args.backend.is_empty() {
        vec!["ebpf".to_owned(), "ptrace".to_owned()]
    } else {
        args.backend.clone()
    };
    let base = std::env::temp_dir().join(format!("kernscope-oracle.{}", std::process::id()));
    let rows = compare_all(&kernscope, &backends, &args.filter, &base);
    if base.exists() {
        std::fs::remove_dir_all(&base).with_context(|| format!("remove {}", base.display()))?;
    }
    let rows = rows?;
    ensure!(!rows.is_empty(), "no workload is called {:?}", args.filter);
    let text = report(&rows);
    print!("{text}");
    if args.write {
        let path = tools::root().join("docs/ORACLE.md");
        std::fs::write(&path, format!("{HEAD}{text}"))
            .with_context(|| format!("write {}", path.display()))?;
    }
    let different = rows.iter().filter(|row| !row.differences.is_empty()).count();
    if different > 0 {
        bail!("{different} of {} comparisons differ", rows.len());
    }
    Ok(())
}

fn compare_all(kernscope: &Path, backends: &[String], filter: &str, base: &Path) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for workload in workloads::ALL.iter().filter(|workload| workload.name.contains(filter)) {
        if let Some(program) = workload.programs.iter().find(|program| tools::find(program).is_none()) {
            eprintln!("skip {}: {program} is not installed", workload.name);
            continue;
        }
        let first = by_strace(workload, base)?;
        let second = by_strace(workload, base)?;
        for backend in backends {
            let told = by_kernscope(workload, base, kernscope, backend)?;
            rows.push(compare(workload.name, backend, &first, &second, &told));
        }
    }
    Ok(rows)
}

fn by_strace(workload: &Workload, base: &Path) -> Result<Facts> {
    let log = base.join("strace.log");
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-v", "-xx", "-a1", "-s", "1000000", "-e"]);
    command.arg("trace=execve,execveat,open,openat,openat2,creat,connect").arg("-o").arg(&log);
    play(workload, base, command)?;
    let text = std::fs::read_to_string(&log).with_context(|| format!("read {}", log.display()))?;
    Ok(strace::facts(&text))
}

fn by_kernscope(workload: &Workload, base: &Path, kernscope: &Path, backend: &str) -> Result<Facts> {
    let log = base.join("kernscope.jsonl");
    let mut command = Command::new(kernscope);
    command.args(["watch", "--backend", backend, "--format", "jsonl", "--output"]).arg(&log).arg("--");
    play(workload, base, command)?;
    let text = std::fs::read_to_string(&log).with_context(|| format!("read {}", log.display()))?;
    kernscope::facts(&text).with_context(|| format!("{} under {backend}", workload.name))
}

/// Runs the workload in a fresh directory, behind the watcher's command line.
fn play(workload: &Workload, base: &Path, mut watcher: Command) -> Result<()> {
    let dir = base.join(workload.name);
    if dir.exists() {
        std::fs::remove_dir_all(&dir).with_context(|| format!("remove {}", dir.display()))?;
    }
    std::fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
    tools::run(workloads::shell(workload.setup, &dir).stdout(Stdio::null()))?;
    watcher.args(["/bin/sh", "-c", workload.script]);
    workloads::surroundings(&mut watcher, &dir);
    tools::run(watcher.stdout(Stdio::null()).stderr(Stdio::null()))
}

fn compare(workload: &'static str, backend: &str, first: &Facts, second: &Facts, told: &Facts) -> Row {
    let mut row =
        Row { workload, backend: backend.to_owned(), counts: Default::default(), differences: Vec::new() };
    for (index, sort) in SORTS.iter().enumerate() {
        let (a, b, k) = (first.of(index), second.of(index), told.of(index));
        let missing: Vec<&String> = a.intersection(b).filter(|fact| !k.contains(*fact)).collect();
        let extra: Vec<&String> = k.iter().filter(|fact| !a.contains(*fact) && !b.contains(*fact)).collect();
        row.counts[index] = Count {
            strace: a.intersection(b).count(),
            kernscope: k.len(),
            missing: missing.len(),
            extra: extra.len(),
            unstable: a.symmetric_difference(b).count(),
        };
        row.differences.extend(missing.iter().map(|fact| format!("- {sort} {fact}")));
        row.differences.extend(extra.iter().map(|fact| format!("+ {sort} {fact}")));
    }
    row
}

const HEAD: &str = "# kernscope and strace on the same work

Made by `cargo xtask oracle --write`. For each workload the set of executed programs (file and arguments), of
successful opens (resolved path and mode) and of connects (address and outcome), as `strace -f` reports them in two
runs and as kernscope tells them. *missing*: in both strace runs, not told. *extra*: told, in neither strace run.
*unstable*: in one strace run only, so left out of the comparison.

";

fn report(rows: &[Row]) -> String {
    let mut text = String::from(
        "| workload | back end | what | strace | kernscope | missing | extra | unstable |\n| --- | --- | --- | --: | --: | --: | --: | --: |\n",
    );
    for row in rows {
        for (sort, count) in SORTS.iter().zip(row.counts) {
            let Count { strace, kernscope, missing, extra, unstable } = count;
            text.push_str(&format!(
                "| {} | {} | {sort} | {strace} | {kernscope} | {missing} | {extra} | {unstable} |\n",
                row.workload, row.backend
            ));
        }
    }
    for row in rows.iter().filter(|row| !row.differences.is_empty()) {
        text.push_str(&format!("\n{} under {}:\n\n```\n", row.workload, row.backend));
        for line in row.differences.iter().take(40) {
            text.push_str(line);
            text.push('\n');
        }
        text.push_str("```\n");
    }
    text
}

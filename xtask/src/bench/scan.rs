//! `cargo xtask bench scan`: how fast the sieve is and `kernscope scan`, beside their peers on the same files.
//!
//! What works in memory is measured by the member `benches`, which says how. Here whole programs are run over a tree, in
//! turn, so that all meet the same state of the machine; a peer that is not installed is named and left out.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::{children_cpu_s, machine, median};
use crate::tools;

const VECTORSCAN: &str = include_str!("c/vectorscan.c");
const YARA: &str = "xtask/src/bench/python/yara.py";
/// Runs of which the start-up is the median.
const STARTS: usize = 25;
/// What takes longer is run once.
const SLOW_S: f64 = 30.0;
/// What takes longer is stopped, and the table says so.
const LIMIT_S: u32 = 120;
/// Exit status of `timeout` when it stopped the program.
const STOPPED: i32 = 124;

/// Flags of `cargo xtask bench scan`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A file of rules; the built-in ones where none is given
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Files below this directory are searched; sources of the crates that kernscope is built of where none is given
    #[arg(long, value_name = "DIR")]
    tree: Option<PathBuf>,
    /// Megabytes that are held in memory
    #[arg(long, default_value_t = 64)]
    megabytes: usize,
    /// Rounds; medians count
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Write docs/BENCH-SCAN.md
    #[arg(long)]
    write: bool,
}

const HEAD: &str = "# What scanning costs

Made by `cargo xtask bench scan --write`. Medians; ratios travel between machines, speeds do not.

";

/// Runs the task.
pub(super) fn run(args: &Args) -> Result<()> {
    let tree = match &args.tree {
        Some(tree) => tree.clone(),
        None => tools::cargo_home()?.join("registry/src"),
    };
    let dir = std::env::temp_dir().join(format!("kernscope-bench-scan.{}", std::process::id()));
    std::fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
    let text = measure(args, &tree, &dir);
    std::fs::remove_dir_all(&dir).with_context(|| format!("remove {}", dir.display()))?;
    let text = text?;
    if args.write {
        let path = tools::root().join("docs/BENCH-SCAN.md");
        std::fs::write(&path, format!("{HEAD}{text}"))
            .with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

/// What is measured, shown as soon as it is.
fn measure(args: &Args, tree: &Path, dir: &Path) -> Result<String> {
    let (benches, kernscope) = (tools::program("kernscope-benches")?, tools::kernscope(None)?);
    let mut text = shown(machine(None));
    let programs = programs(args, tree, dir, (&benches, &kernscope))?;
    text.push_str(&shown(whole(&programs, args.rounds.max(1))?));
    text.push_str(&shown(start(args, dir, &kernscope)?));
    text.push_str(&shown("\n## In memory\n\n".to_owned()));
    let mut memory = Command::new(&benches);
    memory.arg(tree).args([args.megabytes.to_string(), args.rounds.to_string()]).args(&args.rules);
    let (tables, is_whole) = tools::watch(&mut memory)?;
    ensure!(is_whole, "measure in memory: the program ended early; what it said last is above");
    text.push_str(&tables);
    Ok(text)
}

fn shown(text: String) -> String {
    print!("{text}");
    text
}

/// A program over the tree.
struct Program {
    name: String,
    command: Command,
}

fn programs(args: &Args, tree: &Path, dir: &Path, ours: (&Path, &Path)) -> Result<Vec<Program>> {
    let (benches, kernscope) = ours;
    let mut list = Vec::new();
    for threads in ["1", "2"] {
        let mut command = scan(kernscope, args);
        command.args(["--no-ignore", "--threads", threads]).arg(tree);
        list.push(Program { name: format!("kernscope scan, --threads {threads}"), command });
    }
    let patterns = dir.join("patterns");
    let text = tools::read(Command::new(benches).arg("patterns").args(&args.rules))?;
    std::fs::write(&patterns, text).with_context(|| format!("write {}", patterns.display()))?;
    list.extend(ripgrep(&patterns, tree));
    list.extend(vectorscan(&patterns, tree, dir)?);
    list.extend(yara(&patterns, tree)?);
    Ok(list)
}

fn scan(kernscope: &Path, args: &Args) -> Command {
    let mut command = Command::new(kernscope);
    command.args(["scan", "--format", "jsonl"]);
    if let Some(rules) = &args.rules {
        command.arg("--rules").arg(rules);
    }
    command
}

/// ripgrep with the same expressions, any of which may match; with Unicode in them it refuses gitleaks' for their size.
fn ripgrep(patterns: &Path, tree: &Path) -> Option<Program> {
    let Some(rg) = tools::find("rg") else {
        eprintln!("ripgrep is not installed and left out; apt-get install ripgrep");
        return None;
    };
    let mut command = Command::new(rg);
    command.args(["--no-config", "--no-ignore", "--hidden", "--text", "--only-matching", "--byte-offset"]);
    command.args(["--no-unicode", "--dfa-size-limit", "1G", "--regex-size-limit", "1G", "--threads", "1"]);
    command.arg("--file").arg(patterns).arg(tree);
    Some(Program { name: "ripgrep, 1 thread, without Unicode".to_owned(), command })
}

/// Vectorscan with those expressions that it takes, in a scanner as simple as can be.
fn vectorscan(patterns: &Path, tree: &Path, dir: &Path) -> Result<Option<Program>> {
    let (source, program) = (dir.join("vectorscan.c"), dir.join("vectorscan"));
    std::fs::write(&source, VECTORSCAN).with_context(|| format!("write {}", source.display()))?;
    let mut gcc = Command::new("gcc");
    gcc.args(["-O2", "-o"]).arg(&program).arg(&source).arg("-lhs").stderr(Stdio::null());
    if !gcc.status().context("start gcc")?.success() {
        eprintln!("Vectorscan is not installed and left out; apt-get install libvectorscan-dev");
        return Ok(None);
    }
    let mut command = Command::new(program);
    command.arg(patterns).arg(tree);
    Ok(Some(Program { name: "Vectorscan, 1 thread, ends of matches only".to_owned(), command }))
}

/// YARA-X by its Python module: which of those expressions match in which file.
fn yara(patterns: &Path, tree: &Path) -> Result<Option<Program>> {
    let mut import = Command::new("python3");
    import.args(["-c", "import yara_x"]).stderr(Stdio::null());
    if !import.status().context("start python3")?.success() {
        eprintln!("YARA-X is not installed and left out; pip install yara-x");
        return Ok(None);
    }
    let mut command = Command::new("python3");
    command.arg(tools::root().join(YARA)).arg(patterns).arg(tree);
    Ok(Some(Program { name: "YARA-X, 1 thread, which rules match a file".to_owned(), command }))
}

/// The table of whole programs.
fn whole(programs: &[Program], rounds: usize) -> Result<String> {
    let mut runs = vec![Vec::new(); programs.len()];
    let mut said = vec![String::new(); programs.len()];
    for round in 0..=rounds {
        for (number, program) in programs.iter().enumerate() {
            let is_slow = runs[number].first().is_some_and(|&(wall, _)| wall > SLOW_S);
            if round == 0 || !is_slow {
                let (wall, cpu, last) = once(program)?;
                runs[number].push((wall, cpu));
                said[number] = last;
            }
        }
    }
    let mut text = "\n## Whole programs over a tree of files\n\nThe first round, which warms the page cache, is left out; of what takes \
                    over half a minute, it is all there is.\n\n\
                    | program | s | CPU, s | it found |\n| --- | --: | --: | --- |\n"
        .to_owned();
    for (number, program) in programs.iter().enumerate() {
        let later = if runs[number].len() > 1 { &runs[number][1..] } else { &runs[number][..] };
        let of = |value: fn(&(f64, f64)) -> f64| median(&later.iter().map(value).collect::<Vec<_>>());
        let (wall, cpu) = (of(|run| run.0), of(|run| run.1));
        text.push_str(&format!("| {} | {wall:.2} | {cpu:.2} | {} |\n", program.name, said[number]));
    }
    Ok(text)
}

/// Runs a program for as long as it may: seconds, seconds of CPU, and what it found.
fn once(program: &Program) -> Result<(f64, f64, String)> {
    let mut command = Command::new("timeout");
    command.arg(LIMIT_S.to_string()).arg(program.command.get_program()).args(program.command.get_args());
    command.stdin(Stdio::null()).stderr(Stdio::null());
    let (before, begun) = (children_cpu_s(), Instant::now());
    let output = command.output().with_context(|| format!("start {}", program.name))?;
    let (wall, cpu) = (begun.elapsed().as_secs_f64(), children_cpu_s() - before);
    if output.status.code() == Some(STOPPED) {
        return Ok((wall, cpu, format!("not done after {LIMIT_S} s, stopped")));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(!text.is_empty(), "{} found nothing and ended with {}", program.name, output.status);
    let found = match program.name.split([' ', ',']).next() {
        Some("kernscope") => format!("{} matches", text.matches("\"kind\":\"match\"").count()),
        Some("ripgrep") => format!("{} matches", text.lines().count()),
        _ => text.trim().to_owned(),
    };
    Ok((wall, cpu, found))
}

/// How long a scan of one short file takes.
fn start(args: &Args, dir: &Path, kernscope: &Path) -> Result<String> {
    let file = dir.join("short");
    std::fs::write(&file, "nothing to be found\n").with_context(|| format!("write {}", file.display()))?;
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let begun = Instant::now();
        let mut command = scan(kernscope, args);
        tools::read(command.arg(&file))?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    Ok(format!(
        "\nA scan of one short file takes {:.1} ms: reading and planning the rules.\n",
        median(&times)
    ))
}

//! What rules on content cost a program that writes much: `bench watch --only content`.
//!
//! In calls of 64 KiB, to a disk and to memory. Nothing but the loop is timed: what reading and planning the
//! rules takes at the start is the same however much is written. Rounds are paired as everywhere here.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::cost::last_number;
use super::noise::Noise;
use super::{Bench, median};
use crate::tools;

/// Bytes of the data that is written again and again: more than caches hold.
const SOURCE_BYTES: usize = 64 << 20;
/// Text that people wrote, for want of anything better on any Debian.
const TEXT_DIRS: [&str; 2] = ["/usr/include", "/usr/lib/python3"];

/// What was measured with one sort of data in one place.
#[derive(Default)]
struct Row {
    unwatched_s: Vec<f64>,
    watched: Vec<f64>,
    judged: Vec<f64>,
    told: String,
}

/// The table.
pub(super) fn table(bench: &Bench<'_>, mebibytes: u32) -> Result<String> {
    let sources = [("zeros", zeros(bench.dir)?), ("text", text(bench.dir)?), ("random", random(bench.dir)?)];
    let places = [("disk", bench.dir.to_owned()), ("memory", PathBuf::from("/dev/shm"))];
    let mut table = format!(
        "## {mebibytes} MiB written in calls of 64 KiB\n\n| data, to | unwatched, s | watched | with `--rules builtin` | pieces, candidates, lost |\n| --- | --: | --: | --: | --- |\n"
    );
    for (name, source) in &sources {
        for (place, dir) in places.iter().filter(|(_, dir)| dir.is_dir()) {
            let row = measure(bench, source, dir, mebibytes)?;
            let ratio = |of: &[f64]| {
                median(&of.iter().zip(&row.unwatched_s).map(|(one, base)| one / base).collect::<Vec<_>>())
            };
            let line = format!(
                "| {name}, {place} | {:.3} | {:.2} | {:.2} | {} |",
                median(&row.unwatched_s),
                ratio(&row.watched),
                ratio(&row.judged),
                row.told
            );
            eprintln!("{line}");
            table.push_str(&line);
            table.push('\n');
        }
    }
    Ok(table)
}

fn measure(bench: &Bench<'_>, source: &Path, dir: &Path, mebibytes: u32) -> Result<Row> {
    let out = dir.join(format!("kernscope-blocks.{}", std::process::id()));
    let argv = [bench.programs.path("blocks").into(), source.into(), out, mebibytes.to_string().into()];
    let records = bench.dir.join("content.jsonl");
    let mut row = Row::default();
    for round in 0..bench.rounds {
        for step in 0..3 {
            match (step + round) % 3 {
                0 => row.unwatched_s.push(run(Command::new(&argv[0]).args(&argv[1..]))?),
                number => {
                    let mut command = Command::new(bench.kernscope);
                    command.args(["watch", "--backend", "ebpf", "--no-tls", "--format", "jsonl", "--output"]);
                    command.arg(&records);
                    if number == 2 {
                        command.args(["--rules", "builtin"]);
                    }
                    let seconds = run(command.arg("--").args(&argv))?;
                    if number == 1 {
                        row.watched.push(seconds);
                        continue;
                    }
                    row.judged.push(seconds);
                    row.told = told(&records)?;
                }
            }
        }
    }
    std::fs::remove_file(&records).context("remove the records")?;
    Ok(row)
}

/// Runs the program, watched or not; the seconds that it tells.
fn run(command: &mut Command) -> Result<f64> {
    let output = command.stdin(Stdio::null()).output().context("run the program that writes")?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{:?}: {}: {said}", command.get_program(), output.status);
    last_number(&String::from_utf8_lossy(&output.stdout))
}

/// What the ledger and the coverage statement say of a run with rules.
fn told(records: &Path) -> Result<String> {
    let last = tools::read(Command::new("tail").args(["-n", "2"]).arg(records))?;
    let mut lines = last.lines().map(serde_json::from_str::<Value>);
    let mut next = || lines.next().context("the run told nothing")?.context("parse a record");
    let (coverage, ledger) = (next()?, next()?);
    ensure!(ledger["closes"] == true, "the ledger does not close: {ledger}");
    let hooks = coverage["hooks"].as_array().context("find the hooks")?;
    let why = hooks.iter().find(|hook| hook["name"] == "content").context("find the judge")?["why"].as_str();
    let pieces = why.and_then(|why| why.split(' ').next()).unwrap_or_default();
    Ok(format!("{pieces}, {}, {}", ledger["seen_by"]["content"], ledger["lost"]))
}

fn zeros(dir: &Path) -> Result<PathBuf> {
    kept(dir.join("zeros"), vec![0; SOURCE_BYTES])
}

fn random(dir: &Path) -> Result<PathBuf> {
    let words = Noise(0x9e37_79b9_7f4a_7c15).take(SOURCE_BYTES / 8);
    kept(dir.join("random"), words.flat_map(u64::to_ne_bytes).collect())
}

/// Files of [`TEXT_DIRS`], in order, as often as it takes.
fn text(dir: &Path) -> Result<PathBuf> {
    let listed = tools::read(Command::new("find").args(TEXT_DIRS).args(["-type", "f", "-size", "-1024k"]))?;
    let mut names: Vec<&str> =
        listed.lines().filter(|name| name.ends_with(".h") || name.ends_with(".py")).collect();
    names.sort_unstable();
    let mut bytes = Vec::with_capacity(SOURCE_BYTES);
    for name in names {
        if bytes.len() < SOURCE_BYTES {
            bytes.extend(std::fs::read(name).with_context(|| format!("read {name}"))?);
        }
    }
    ensure!(!bytes.is_empty(), "find text below {}: there is none", TEXT_DIRS.join(" and "));
    let whole = bytes.len().min(SOURCE_BYTES);
    bytes.truncate(whole);
    kept(dir.join("text"), bytes.repeat(SOURCE_BYTES.div_ceil(whole)))
}

fn kept(path: PathBuf, bytes: Vec<u8>) -> Result<PathBuf> {
    std::fs::write(&path, &bytes[..SOURCE_BYTES]).with_context(|| format!("write {}", path.display()))?;
    Ok(path)
}

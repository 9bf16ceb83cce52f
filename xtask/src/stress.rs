//! `cargo xtask stress`: kernscope under work that nobody would write by hand.
//!
//! stress-ng's fork, exec, rename, open and io_uring stressors, and ten thousand short processes. Each run must
//! end with a ledger that closes; without losses every process must have a known parent; memory must not grow with
//! the number of processes that have ended, nor with that of events; nothing may stay loaded.

mod events;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::bench::{memory_of, programs::Programs};
use crate::tools;

/// The work of stress-ng, one stressor a run.
const STRESSORS: [&str; 6] = ["fork", "exec", "rename", "open", "io-uring", "dentry"];

/// More memory for ten times the processes than this is a leak, MiB.
const GROWTH_MIB: f64 = 4.0;

/// Flags of `cargo xtask stress`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The binary to run; built in release mode when left out.
    #[arg(long, value_name = "PATH")]
    kernscope: Option<PathBuf>,
    /// Back ends; both when left out.
    #[arg(long, value_name = "NAME")]
    backend: Vec<String>,
    /// Seconds of each stressor.
    #[arg(long, default_value_t = 3)]
    seconds: u32,
    /// Short processes.
    #[arg(long, default_value_t = 10_000)]
    processes: u32,
    /// Events of a program that opens and closes a file; a fiftieth of them under ptrace.
    #[arg(long, default_value_t = 5_000_000)]
    events: u64,
    /// Only work whose name contains TEXT.
    #[arg(long, value_name = "TEXT", default_value = "")]
    filter: String,
}

struct Stress<'a> {
    kernscope: &'a Path,
    backend: &'a str,
    dir: &'a Path,
}

/// Runs the task.
pub(crate) fn run(args: &Args) -> Result<()> {
    let kernscope = tools::kernscope(args.kernscope.as_deref())?;
    let dir = std::env::temp_dir().join(format!("kernscope-stress.{}", std::process::id()));
    std::fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o1777))
        .with_context(|| format!("open {} to all", dir.display()))?;
    let failed = run_in(args, &kernscope, &dir);
    std::fs::remove_dir_all(&dir).with_context(|| format!("remove {}", dir.display()))?;
    match failed? {
        0 => Ok(()),
        failed => bail!("{failed} runs failed"),
    }
}

fn run_in(args: &Args, kernscope: &Path, dir: &Path) -> Result<usize> {
    let programs = Programs::compile(dir)?;
    let backends: Vec<&str> = match args.backend.as_slice() {
        [] => vec!["ebpf", "ptrace"],
        some => some.iter().map(String::as_str).collect(),
    };
    let mut failed = 0;
    let mut tell = |name: &str, backend: &str, result: Result<String>| match result {
        Ok(said) => println!("ok   {name} [{backend}] {said}"),
        Err(error) => {
            failed += 1;
            println!("FAIL {name} [{backend}] {error:#}");
        }
    };
    let has_stress_ng = tools::find("stress-ng").is_some();
    if !has_stress_ng {
        println!("skip stress-ng: it is not installed; apt-get install stress-ng");
    }
    for backend in backends {
        let stress = Stress { kernscope, backend, dir };
        for stressor in STRESSORS.iter().filter(|name| has_stress_ng && name.contains(&args.filter)) {
            tell(stressor, backend, stress.stress_ng(stressor, args.seconds));
        }
        if "short-processes".contains(&args.filter) {
            tell("short-processes", backend, stress.short(&programs, args.processes));
        }
        if "memory".contains(&args.filter) {
            tell("memory", backend, stress.memory(&programs, args.processes));
        }
        if "events".contains(&args.filter) {
            tell("events", backend, stress.events(&programs, args.events));
        }
    }
    Ok(failed)
}

impl Stress<'_> {
    fn command(&self, output: &Path, argv: &[&str]) -> Command {
        let mut command = Command::new(self.kernscope);
        command.args(["watch", "--backend", self.backend, "--format", "jsonl", "--output"]).arg(output);
        command.arg("--").args(argv).current_dir(self.dir);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Watches `argv` and judges the records.
    fn watch(&self, argv: &[&str]) -> Result<String> {
        let records = self.dir.join("records.jsonl");
        let status = self.command(&records, argv).status().context("run kernscope")?;
        ensure!(status.success(), "kernscope ended with {status}");
        let story = Story::read(&records)?;
        std::fs::remove_file(&records).context("remove the records")?;
        story.judge()
    }

    /// As nobody: some stressors refuse to run as root.
    fn stress_ng(&self, stressor: &str, seconds: u32) -> Result<String> {
        let (flag, seconds) = (format!("--{stressor}"), format!("{seconds}s"));
        let work = ["stress-ng", "--quiet", &flag, "2", "--timeout", &seconds];
        let nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
        let as_root = nix::unistd::geteuid().is_root();
        let prefix: &[&str] = if as_root { &nobody } else { &[] };
        self.watch(&[prefix, &work[..]].concat())
    }

    fn short(&self, programs: &Programs, processes: u32) -> Result<String> {
        let records = self.dir.join("records.jsonl");
        let argv = [programs.path("tree"), processes.to_string(), "in-turn".to_owned()];
        let status =
            self.command(&records, &[&argv[0], &argv[1], &argv[2]]).status().context("run kernscope")?;
        ensure!(status.success(), "kernscope ended with {status}");
        let story = Story::read(&records)?;
        std::fs::remove_file(&records).context("remove the records")?;
        let children = story.born.len();
        ensure!(children == processes as usize, "{children} of {processes} processes were told");
        ensure!(story.exits == children + 1, "{} exits of {} processes", story.exits, children + 1);
        story.judge()
    }

    fn memory(&self, programs: &Programs, processes: u32) -> Result<String> {
        let tree = programs.path("tree");
        let resident = |count: u32| -> Result<f64> {
            let count = count.to_string();
            let mut command = self.command(Path::new("/dev/null"), &[&tree, &count, "in-turn"]);
            Ok(memory_of(command.spawn().context("run kernscope")?)?.last_mib)
        };
        let (few, many) = (resident(processes / 10)?, resident(processes)?);
        ensure!(
            many - few < GROWTH_MIB,
            "{few:.1} MiB for {} processes, {many:.1} for {processes}",
            processes / 10
        );
        Ok(format!("{few:.1} MiB for {} processes in turn, {many:.1} for {processes}", processes / 10))
    }
}

/// A process by id and start.
type Key = (u64, u64);

/// What the records of a run say, as far as it is judged here.
#[derive(Default)]
struct Story {
    born: BTreeSet<Key>,
    known_before: BTreeSet<Key>,
    acted: BTreeSet<Key>,
    root: Option<Key>,
    exits: usize,
    lines: u64,
    gap: bool,
    ledger: Value,
}

impl Story {
    fn read(path: &Path) -> Result<Self> {
        let file = std::fs::File::open(path).with_context(|| format!("open {}", path.display()))?;
        let mut story = Self::default();
        for line in BufReader::with_capacity(1 << 20, file).lines() {
            let record: Value =
                serde_json::from_str(&line.context("read records")?).context("parse a record")?;
            story.take(record);
        }
        Ok(story)
    }

    fn take(&mut self, record: Value) {
        self.gap |= record["seq"].as_u64() != Some(self.lines);
        self.lines += 1;
        let number = |value: &Value| value.as_u64().unwrap_or(0);
        let key = (number(&record["proc"]["pid"]), number(&record["proc"]["start_ns"]));
        match record["kind"].as_str().unwrap_or_default() {
            "coverage" => return,
            "ledger" => {
                self.ledger = record;
                return;
            }
            "process_snapshot" => {
                self.known_before.insert(key);
                return;
            }
            "process_fork" => {
                self.born.insert((number(&record["child_pid"]), number(&record["child_start_ns"])));
            }
            "process_exit" => self.exits += 1,
            _ => {}
        }
        self.root.get_or_insert(key);
        self.acted.insert(key);
    }

    fn judge(&self) -> Result<String> {
        let number = |key: &str| self.ledger[key].as_u64().unwrap_or(0);
        let lost: u64 =
            self.ledger["lost"].as_object().into_iter().flatten().filter_map(|(_, n)| n.as_u64()).sum();
        ensure!(!self.gap, "seq has a gap");
        ensure!(self.born.len() > 1, "the work was not done: {} processes were made", self.born.len());
        ensure!(self.ledger["closes"] == true, "the ledger does not close: {}", self.ledger);
        ensure!(number("emitted") + 2 == self.lines, "{} lines, {} emitted", self.lines, number("emitted"));
        let orphans: Vec<&Key> = self
            .acted
            .iter()
            .filter(|key| {
                Some(**key) != self.root && !self.born.contains(key) && !self.known_before.contains(key)
            })
            .collect();
        ensure!(
            lost > 0 || orphans.is_empty(),
            "{} processes without a parent: {:?}",
            orphans.len(),
            orphans.first()
        );
        Ok(format!("{} records, {} processes, lost {lost}, ledger closes", self.lines, self.born.len() + 1))
    }
}

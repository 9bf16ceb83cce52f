//! `cargo xtask bench watch`: what watching costs, beside its peers, on the same work in the same run.
//!
//! Nothing here passes or fails by a time: the tables say what was measured, on which machine, and how it compares
//! with the goals. Runs are paired: each round runs every watcher once, in turning order, and a ratio is the median
//! of the rounds' ratios to the unwatched run of the same round. A peer that is not installed is named and left out.

mod build;
mod bystander;
mod content;
mod cost;
mod detect;
mod filter;
mod lan;
mod loss;
mod memory;
mod noise;
mod page;
mod paths;
pub(crate) mod programs;
mod recall;
mod scan;
mod socket;
mod tls;
mod watcher;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::tools;
pub(crate) use memory::{Memory, memory_of};
use programs::Programs;

/// Flags of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// The cost of `kernscope watch`, beside strace, bpftrace and libbpf-tools.
    Watch(WatchArgs),
    /// The cost of filters in the kernel, by test runs.
    Filter(filter::Args),
    /// How well devices are recognised, and how fast captures are replayed.
    Lan(lan::Args),
    /// How fast rules are looked for, beside other ways to.
    Scan(scan::Args),
    /// How fast the page of `lan serve` is with many devices, and what a thousand clients do to a run.
    Page(page::Args),
    /// What judging paths by a policy costs an open.
    Paths,
    /// What the built-in detections cost a record, and the start.
    Detect(detect::Args),
    /// How much the built-in detections find in corpora of others.
    Recall(recall::Args),
    /// What a condition in front of a socket saves or costs.
    Socket,
    /// How much of what many TLS connections say at once is told.
    Tls(tls::Args),
}

/// Flags of `cargo xtask bench watch`.
#[derive(clap::Args)]
pub(crate) struct WatchArgs {
    /// The binary to measure; built in release mode when left out.
    #[arg(long, value_name = "PATH")]
    kernscope: Option<PathBuf>,
    /// Only these tables: cost, build, bystander, content, memory, loss.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// Rounds of paired runs.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Opens and closes in the loop.
    #[arg(long, default_value_t = 1_000_000)]
    iterations: u64,
    /// Mebibytes that are written under rules on content.
    #[arg(long, default_value_t = 1024)]
    mebibytes: u32,
    /// Processes in the tree whose memory is measured.
    #[arg(long, default_value_t = 10_000)]
    processes: u32,
    /// Seconds of the run at 200,000 events a second.
    #[arg(long, default_value_t = 30)]
    loss_s: u32,
    /// Write docs/BENCH.md.
    #[arg(long)]
    write: bool,
}

/// What all measurements share.
struct Bench<'a> {
    kernscope: &'a Path,
    programs: &'a Programs,
    /// A directory for what the measurements write.
    dir: &'a Path,
    rounds: usize,
}

/// Runs the task.
pub(crate) fn run(args: &Args) -> Result<()> {
    let args = match &args.what {
        What::Watch(args) => args,
        What::Filter(args) => return filter::run(args),
        What::Lan(args) => return lan::run(args),
        What::Scan(args) => return scan::run(args),
        What::Page(args) => return page::run(args),
        What::Paths => return paths::run(),
        What::Detect(args) => return detect::run(args),
        What::Recall(args) => return recall::run(args),
        What::Socket => return socket::run(),
        What::Tls(args) => return tls::run(args),
    };
    let kernscope = tools::kernscope(args.kernscope.as_deref())?;
    let dir = std::env::temp_dir().join(format!("kernscope-bench.{}", std::process::id()));
    std::fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
    let text = measure(args, &kernscope, &dir);
    std::fs::remove_dir_all(&dir).with_context(|| format!("remove {}", dir.display()))?;
    let text = text?;
    if args.write {
        let path = tools::root().join("docs/BENCH.md");
        std::fs::write(&path, format!("{HEAD}{text}"))
            .with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

const HEAD: &str = "# What watching costs

Made by `cargo xtask bench watch --write`. Medians of paired runs; ratios travel between machines, times do not.

";

fn measure(args: &WatchArgs, kernscope: &Path, dir: &Path) -> Result<String> {
    let programs = Programs::compile(dir)?;
    let bench = Bench { kernscope, programs: &programs, dir, rounds: args.rounds.max(1) };
    let wanted = |name: &str| args.only.is_empty() || args.only.iter().any(|only| only == name);
    let mut text = machine(args.kernscope.as_deref());
    print!("{text}");
    let mut add = |section: String| {
        println!("{section}");
        text.push('\n');
        text.push_str(&section);
    };
    if wanted("cost") {
        add(cost::table(&bench, args.iterations)?);
    }
    if wanted("build") {
        add(build::table(&bench)?);
    }
    if wanted("bystander") {
        add(bystander::table(&bench, args.iterations)?);
    }
    if wanted("content") {
        add(content::table(&bench, args.mebibytes)?);
    }
    if wanted("memory") {
        add(memory::table(&bench, args.processes)?);
    }
    if wanted("loss") {
        add(loss::table(&bench, args.loss_s)?);
    }
    Ok(text)
}

/// The machine, and how what is measured was built.
fn machine(given: Option<&Path>) -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let model = read("/proc/cpuinfo");
    let model = model.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let load = read("/proc/loadavg");
    format!(
        "Kernel {}, {cpus} CPUs ({}), load before {}; {}.\n",
        read("/proc/sys/kernel/osrelease").trim(),
        model.trim_start_matches([' ', '\t', ':']),
        load.split(' ').next().unwrap_or_default(),
        match given {
            Some(_) => "a binary that was given".to_owned(),
            None => format!("built with the profile `{}`", tools::PROFILE),
        }
    )
}

/// Seconds of CPU that children have used that have ended.
fn children_cpu_s() -> f64 {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike;
    getrusage(UsageWho::RUSAGE_CHILDREN).map_or(0.0, |usage| {
        (usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as f64 / 1e6
    })
}

/// The middle value; the mean of the two middle ones.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }
}

//! `cargo xtask vm`: the real binary and the case files on Debian's kernels, under QEMU.
//!
//! One image serves all kernels: this machine's programs, kernscope, the cases, and a list of steps that
//! `tests/vm/init.sh` runs. At most two guests run at a time; each step and each guest has a time limit.

mod binaries;
mod cpio;
mod image;
mod kernels;
mod qemu;
mod results;
mod steps;
mod verifier;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::provide;
use crate::tally::Tally;
use crate::tools;
use binaries::Binaries;
use image::Contents;
use kernels::Kernel;
use qemu::Run;
use results::Results;
use steps::Step;
pub(crate) use steps::WITHOUT_DETECTIONS;

/// Guests that run at a time.
const GUESTS: usize = 2;
/// A guest gets this much beyond the limits of its steps, to boot and to power off.
const BOOT_LIMIT: Duration = Duration::from_secs(120);
/// Seconds that the case runner gets in each guest.
const CASES_LIMIT_S: u64 = 2400;
/// Filters that each kernel has to load where nothing is said.
const FILTERS: u64 = 1000;
/// The same in the tests, where nobody waits for a thousand.
const FILTERS_OF_TESTS: u64 = 60;
/// Lines of output shown of a step that failed.
const SHOWN_LINES: usize = 60;

/// Flags of `cargo xtask vm`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Kernels: 5.10, 6.1, 6.12, newest; none: all of them
    kernels: Vec<String>,
    /// Cargo profile of the binary under test
    #[arg(long, default_value = "release")]
    profile: String,
    /// Take the binaries that are there
    #[arg(long)]
    no_build: bool,
    /// Seconds that the case runner gets in each guest
    #[arg(long, default_value_t = CASES_LIMIT_S)]
    cases_limit_s: u64,
    /// Random filters of the step `filters`, each of which must load; a guest gets 40 minutes for a thousand
    #[arg(long, value_name = "N", default_value_t = FILTERS)]
    filters: u64,
    /// Only this step (version, doctor, verifier, rules, load, attach, ring, policy, lan-programs, lan, filters,
    /// cases)
    #[arg(long = "step", value_name = "NAME")]
    only: Vec<String>,
    /// Write the verifier's instruction counts to docs/verifier.json
    #[arg(long)]
    bless: bool,
    /// Further arguments for the case runner
    #[arg(last = true)]
    runner_args: Vec<String>,
}

impl Args {
    /// As the tests run it on every kernel: the binary starts, its objects load and attach, and rule sets load.
    pub(crate) fn loading() -> Args {
        Args::only(&[], &["version", "verifier", "rules"])
    }

    /// As the tests run generated programs and the cases: on the oldest and on the newest kernel. `cargo xtask vm` runs
    /// them on all four, which takes a quarter of an hour more.
    pub(crate) fn cases() -> Args {
        let steps = [&steps::KIT_TESTS[..], &["policy", "lan-programs", "lan", "filters", "cases"]].concat();
        let runner_args = WITHOUT_DETECTIONS.map(str::to_owned).to_vec();
        Args {
            no_build: true,
            filters: FILTERS_OF_TESTS,
            runner_args,
            ..Args::only(&["5.10", "newest"], &steps)
        }
    }

    fn only(kernels: &[&str], steps: &[&str]) -> Args {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Args {
            kernels: owned(kernels),
            // What the tests have just built: another profile would be built for the guests alone, and take longer than they.
            profile: "dev".into(),
            no_build: false,
            cases_limit_s: CASES_LIMIT_S,
            filters: FILTERS,
            only: owned(steps),
            bless: false,
            runner_args: Vec::new(),
        }
    }
}

/// Runs the task.
pub(crate) fn run(args: &Args) -> Result<()> {
    let tally = matrix(args)?;
    println!("vm: {tally}");
    if tally.failed > 0 {
        bail!("{} failed on these kernels", tally.failed);
    }
    Ok(())
}

/// Boots every kernel asked for, prints what came of it, and counts.
pub(crate) fn matrix(args: &Args) -> Result<Tally> {
    if let Some(how) = provide::provide(&provide::VM)? {
        bail!("boot other kernels: programs are missing; {how}");
    }
    let cache = tools::target_dir().join("vm");
    let (kernels, mut tally) = fetch(args, &cache)?;
    let steps = steps::steps(args)?;
    let binaries = Binaries::provide(&args.profile, !args.no_build, &cache)?;
    let image = cache.join("image.cpio");
    let contents = Contents {
        kernscope: &binaries.kernscope,
        verifier: &binaries.verifier,
        filters: &binaries.filters,
        tests: &binaries.tests,
        cases: &binaries.cases,
        kernels: &kernels,
        steps: &steps,
    };
    image::write(&image, &contents)?;
    let limit = BOOT_LIMIT + steps.iter().map(|step| step.limit).sum();
    let mut counts = BTreeMap::new();
    for (kernel, run) in boot_all(&kernels, &image, &cache, limit) {
        let results = run.as_ref().map(|run| Results::parse(&run.results)).unwrap_or_default();
        tally = tally + report(&kernel, run, &results, &steps);
        if let Some(outcome) = results.outcomes.iter().find(|outcome| outcome.name == "verifier") {
            counts.insert(kernel.name, verifier::parse(&outcome.output));
        }
    }
    counts.retain(|_, programs| !programs.is_empty());
    compare(counts, args.bless)?;
    Ok(tally)
}

/// The kernels that could be had; one that could not counts as skipped.
fn fetch(args: &Args, cache: &Path) -> Result<(Vec<Kernel>, Tally)> {
    let all: Vec<_> = kernels::KERNELS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let names = if args.kernels.is_empty() { &all } else { &args.kernels };
    if let Some(unknown) = names.iter().find(|name| !all.contains(name)) {
        bail!("fetch kernel {unknown}: unknown; known are {}", all.join(", "));
    }
    let mut tally = Tally::default();
    let mut found = Vec::new();
    for name in names {
        match kernels::fetch(name, &cache.join("kernels")) {
            Ok(kernel) => found.push(kernel),
            Err(error) => {
                println!("vm {name}: SKIPPED: {error:#}");
                tally = tally + Tally::skipped(1);
            }
        }
    }
    Ok((found, tally))
}

/// Boots the kernels, a few at a time, and gives back each with what it left, in the order asked for.
fn boot_all(kernels: &[Kernel], image: &Path, cache: &Path, limit: Duration) -> Vec<(Kernel, Result<Run>)> {
    let waiting = Mutex::new(kernels.iter().enumerate());
    let ended = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..GUESTS {
            scope.spawn(|| {
                loop {
                    // A poisoned lock still holds a usable queue: nothing in here leaves it half changed.
                    let next = waiting.lock().unwrap_or_else(|poison| poison.into_inner()).next();
                    let Some((index, kernel)) = next else { break };
                    println!("vm {}: booting {}", kernel.name, kernel.release);
                    let dir = cache.join("runs").join(&kernel.name);
                    let mut run = qemu::boot(kernel, image, &dir, limit);
                    if run
                        .as_ref()
                        .is_ok_and(|run| !run.timed_out && Results::parse(&run.results).outcomes.is_empty())
                    {
                        // Seen under emulation on a busy machine: the guest's kernel dies before it does anything.
                        println!(
                            "vm {}: the guest ended before its first step; booting it once more",
                            kernel.name
                        );
                        run = qemu::boot(kernel, image, &dir, limit);
                    }
                    let mut ended = ended.lock().unwrap_or_else(|poison| poison.into_inner());
                    ended.push((index, kernel.clone(), run));
                }
            });
        }
    });
    let mut ended = ended.into_inner().unwrap_or_else(|poison| poison.into_inner());
    ended.sort_by_key(|(index, _, _)| *index);
    ended.into_iter().map(|(_, kernel, run)| (kernel, run)).collect()
}

/// Tells how the verifier's work has changed; with `bless` the new counts go on record.
fn compare(counts: BTreeMap<String, verifier::Counts>, bless: bool) -> Result<()> {
    let recorded = verifier::recorded()?;
    for (kernel, programs) in &counts {
        let nothing = verifier::Counts::new();
        for line in verifier::changes(recorded.get(kernel).unwrap_or(&nothing), programs) {
            println!("vm {kernel}: verifier: {line}");
        }
    }
    if bless { verifier::bless(counts) } else { Ok(()) }
}

/// Prints what came of one guest, and counts.
fn report(kernel: &Kernel, run: Result<Run>, results: &Results, steps: &[Step]) -> Tally {
    let name = &kernel.name;
    let run = match run {
        Ok(run) => run,
        Err(error) => {
            println!("vm {name}: FAIL: {error:#}");
            return Tally::failed(1);
        }
    };
    let mut tally = Tally::default();
    for outcome in &results.outcomes {
        let counted = outcome.tally();
        let status = match (outcome.status, outcome.took_s) {
            (Some(status), Some(took_s)) => format!("status {status} after {took_s} s"),
            _ => "no end".to_owned(),
        };
        println!("vm {name}: {}: {counted} ({status})", outcome.name);
        if counted.failed > 0 {
            show(&outcome.output);
        }
        tally = tally + counted;
    }
    if results.kernel.as_ref() != Some(&kernel.release) {
        println!("vm {name}: FAIL: the guest says it runs {:?}, not {}", results.kernel, kernel.release);
        tally = tally + Tally::failed(1);
    }
    if !results.done || results.outcomes.len() < steps.len() {
        let why = if run.timed_out { "killed at its time limit" } else { "ended early" };
        println!("vm {name}: FAIL: the guest {why}, after {:?}; its console:", run.took);
        show(&run.console);
        tally = tally + Tally::failed(1);
    }
    println!("vm {name}: {} in {} s: {tally}", kernel.release, run.took.as_secs());
    tally
}

/// The last lines of a long text.
fn show(text: &str) {
    let lines: Vec<_> = text.lines().collect();
    for line in &lines[lines.len().saturating_sub(SHOWN_LINES)..] {
        println!("    {line}");
    }
}

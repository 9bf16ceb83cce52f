//! `cargo xtask bench tls`: how much of what many connections say at once is told, and what becomes of the rest.
//!
//! A Python program speaks TLS with itself, so each byte is seen twice, as sent and as received. The ledger must close: what is not
//! told is counted.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::cost::last_number;
use crate::tools;

const LOAD: &str = include_str!("python/tls_load.py");

/// Flags of `cargo xtask bench tls`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The binary to measure; built in release mode when left out.
    #[arg(long, value_name = "PATH")]
    kernscope: Option<PathBuf>,
    /// Connections at once.
    #[arg(long, default_value_t = 200)]
    connections: u32,
    /// Mebibytes that are sent.
    #[arg(long, default_value_t = 1024)]
    mebibytes: u32,
    /// Megabytes that are sent in a second, a row each; 0 is as fast as can be.
    #[arg(long, value_delimiter = ',', default_values_t = [0, 200, 100, 50])]
    rate: Vec<u32>,
}

/// Runs the task.
pub(super) fn run(args: &Args) -> Result<()> {
    let kernscope = tools::kernscope(args.kernscope.as_deref())?;
    let dir = std::env::temp_dir().join(format!("kernscope-bench.{}", std::process::id()));
    std::fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
    let done = table(args, &kernscope, &dir);
    std::fs::remove_dir_all(&dir).with_context(|| format!("remove {}", dir.display()))?;
    done
}

fn table(args: &Args, kernscope: &Path, dir: &Path) -> Result<()> {
    print!("{}", super::machine(args.kernscope.as_deref()));
    let Args { connections, mebibytes, .. } = args;
    println!(
        "{mebibytes} MiB sent and received by {connections} connections of one program, in calls of 16 KiB\n"
    );
    println!(
        "| MB/s at most | unwatched, s | watched, s | calls told | lost |\n| --- | --: | --: | --: | --- |"
    );
    let mut openssl = Command::new("openssl");
    openssl.args(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost".split(' '),
    );
    openssl.args(["-keyout", "key.pem", "-out", "cert.pem"]).current_dir(dir).stderr(Stdio::null());
    tools::run(&mut openssl).context("make a certificate; apt-get install openssl")?;
    std::fs::write(dir.join("load.py"), LOAD).context("write the program")?;
    for rate in &args.rate {
        let numbers = [*connections, *mebibytes, *rate].map(|number| number.to_string());
        let load =
            ["python3", "load.py", "cert.pem", "key.pem"].map(str::to_owned).into_iter().chain(numbers);
        let load: Vec<String> = load.collect();
        let unwatched = seconds(Command::new(&load[0]).args(&load[1..]).current_dir(dir))?;
        let mut watch = Command::new(kernscope);
        watch.args("watch --backend ebpf --format jsonl --output run.jsonl --".split(' ')).args(&load);
        let watched = seconds(watch.current_dir(dir))?;
        let (told, lost) = ledger(&dir.join("run.jsonl"))?;
        let rate = if *rate == 0 { "-".to_owned() } else { rate.to_string() };
        println!("| {rate} | {unwatched:.2} | {watched:.2} | {told} | {lost} |");
    }
    Ok(())
}

/// Runs the program, watched or not; the seconds that it tells.
fn seconds(command: &mut Command) -> Result<f64> {
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("run {}", tools::show(command)))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{}: {}: {said}", tools::show(command), output.status);
    last_number(&String::from_utf8_lossy(&output.stdout))
}

/// What was told of TLS, in percent of what was seen, and what was lost.
fn ledger(records: &Path) -> Result<(String, String)> {
    let last = tools::read(Command::new("tail").args(["-n", "1"]).arg(records))?;
    let ledger: Value = serde_json::from_str(&last).context("parse the ledger")?;
    ensure!(ledger["closes"] == true, "the ledger does not close: {ledger}");
    let seen = ledger["seen_by"]["tls"].as_f64().context("find what was seen of TLS")?;
    let lost = ledger["lost"].as_object().context("find what was lost")?;
    let lost_all: f64 = lost.values().filter_map(Value::as_f64).sum();
    Ok((format!("{:.1} %", 100.0 * (seen - lost_all) / seen), ledger["lost"].to_string()))
}

//! `cargo xtask bench lan`: what looking at frames costs in the kernel, how fast captures are read, what a large network takes
//! of memory, and how well devices are recognised.

mod replay;

use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};

use crate::tools;

const TABLES: [&str; 4] = ["cost", "replay", "crowd", "accuracy"];
const HEAD: &str = "# What `kernscope lan` costs, and how well it knows devices

Made by `cargo xtask bench lan --write`. Ratios travel between machines, times do not.

";

/// Flags of `cargo xtask bench lan`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Labelled captures: a folder a class, and devices.csv [default: iot-sentinel in $KERNSCOPE_DATA, or ../shared/data]
    #[arg(long, value_name = "DIR")]
    captures: Option<PathBuf>,
    /// A pcap file to replay, instead of labelled captures one behind the other
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
    /// Only these tables: cost, replay, crowd, accuracy
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// Write docs/BENCH-LAN.md
    #[arg(long)]
    write: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    for name in &args.only {
        ensure!(TABLES.contains(&name.as_str()), "measure {name}: unknown; choose of {}", TABLES.join(", "));
    }
    let dir = std::env::temp_dir().join(format!("kernscope-bench-lan.{}", std::process::id()));
    std::fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
    let text = measure(args, &dir);
    std::fs::remove_dir_all(&dir).with_context(|| format!("remove {}", dir.display()))?;
    let text = text?;
    if args.write {
        let path = tools::root().join("docs/BENCH-LAN.md");
        std::fs::write(&path, format!("{HEAD}{text}"))
            .with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

/// The tables that are wanted; `dir` is for what they write on the way.
fn measure(args: &Args, dir: &Path) -> Result<String> {
    let captures = args.captures.clone().unwrap_or_else(|| data().join("iot-sentinel"));
    let mut text = super::machine(None);
    println!("{text}");
    for name in TABLES.into_iter().filter(|name| args.only.is_empty() || args.only.iter().any(|o| o == name))
    {
        let table = match name {
            "cost" => cost()?,
            "replay" => replay::table(args.replay.as_deref(), &captures, dir)?,
            "crowd" => crowd()?,
            _ => accuracy(&captures)?,
        };
        println!("{table}");
        text.push_str(&format!("\n{table}"));
    }
    Ok(text)
}

/// Captures that are shared, not committed.
fn data() -> PathBuf {
    std::env::var_os("KERNSCOPE_DATA").map_or_else(|| tools::root().join("../shared/data"), PathBuf::from)
}

/// What a frame costs in the kernel, by the example `lan_cost`.
fn cost() -> Result<String> {
    let rows = tools::read(&mut tools::example("kernscope-lan", "lan_cost")?)?;
    Ok(format!(
        "## In the kernel\n\nA frame, by test runs of the programs that `lan run` attaches, the least of several; what a test run costs by \
         itself is the first row. Goals: 60 ns for a frame of no interest, 200 ns for one that is counted in a flow.\n\n{rows}"
    ))
}

/// What a large network takes, by the example `lan_crowd`; each row is a process of its own.
fn crowd() -> Result<String> {
    let mut crowd = tools::example("kernscope-lan", "lan_crowd")?;
    let alone = tools::read(&mut crowd)?;
    let watched = tools::read(crowd.arg("watched"))?;
    Ok(format!(
        "## A large network\n\nThe most memory that a process has that reads frames of so many devices, each with an address by DHCP, a \
         name by mDNS and ten connections; and with detectors, who talks to whom, and 10,000 devices that have models of their own. \
         Goal: 1 GiB.\n\n\
         | detectors | devices | flows | frames | facts | before | registry | records as well |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n{alone}{watched}"
    ))
}

/// How well devices are recognised, by the example `lan_accuracy`.
fn accuracy(captures: &Path) -> Result<String> {
    let told = tools::read(tools::example("kernscope-lan", "lan_accuracy")?.arg(captures))?;
    Ok(format!("## Recognised\n\n{told}"))
}

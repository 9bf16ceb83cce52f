//! `cargo xtask bench page`: how fast the page of `lan serve` opens and moves with a large network, in headless Chromium, and what
//! a thousand clients do to a run that serves it (`wrk`, in a network namespace of its own).
//!
//! The network is made up: devices with names and types, each with its share of flows of all sizes, and a day of traffic.

mod load;
mod network;
mod shown;

use anyhow::{Context, Result, ensure};
use std::path::PathBuf;

use crate::tools;

const TABLES: [&str; 2] = ["page", "load"];
const HEAD: &str = "# How fast the page of `kernscope lan` is

Made by `cargo xtask bench page --write`, over a network that is made up. Times are of a headless Chromium on the same machine.

";

/// Flags of `cargo xtask bench page`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The binary to measure; built in release mode when left out.
    #[arg(long, value_name = "PATH")]
    kernscope: Option<PathBuf>,
    /// Devices of the network.
    #[arg(long, default_value_t = 1_000)]
    devices: u32,
    /// Flows: who talks to whom, by what.
    #[arg(long, default_value_t = 1_000_000)]
    flows: u32,
    /// Rounds; medians are told.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Connections at once.
    #[arg(long, default_value_t = 1_000)]
    connections: u32,
    /// Seconds of load.
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// Only these tables: page, load.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// Only write the database, to this file, and end.
    #[arg(long, value_name = "FILE")]
    make: Option<PathBuf>,
    /// Write docs/BENCH-PAGE.md
    #[arg(long)]
    write: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    for name in &args.only {
        ensure!(TABLES.contains(&name.as_str()), "measure {name}: unknown; choose of {}", TABLES.join(", "));
    }
    if let Some(path) = &args.make {
        return network::write(path, args.devices, args.flows);
    }
    let kernscope = tools::kernscope(args.kernscope.as_deref())?;
    let dir = std::env::temp_dir().join(format!("kernscope-bench-page.{}", std::process::id()));
    std::fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
    let text = measure(args, &kernscope, &dir);
    std::fs::remove_dir_all(&dir).with_context(|| format!("remove {}", dir.display()))?;
    let text = text?;
    if args.write {
        let path = tools::root().join("docs/BENCH-PAGE.md");
        std::fs::write(&path, format!("{HEAD}{text}"))
            .with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

fn measure(args: &Args, kernscope: &std::path::Path, dir: &std::path::Path) -> Result<String> {
    let mut text = super::machine(args.kernscope.as_deref());
    println!("{text}");
    let wants = |name: &str| args.only.is_empty() || args.only.iter().any(|only| only == name);
    if wants("page") {
        let database = dir.join("lan.db");
        network::write(&database, args.devices, args.flows)?;
        let table = shown::measure(kernscope, dir, &database, args)?;
        println!("{table}");
        text += &format!("\n{table}");
    }
    if wants("load") {
        let table = load::measure(kernscope, dir, args)?;
        println!("{table}");
        text += &format!("\n{table}");
    }
    Ok(text)
}

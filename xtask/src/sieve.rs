//! `cargo xtask sieve`: byte-frequency filters on every window of random data, against plain counting.
//!
//! Builds and runs the example `windows` in `crates/sieve`, which says what it compares.

use std::process::Command;

use anyhow::{Result, bail};

use crate::tools;

/// Windows in `cargo xtask test`, where nobody waits for the ten million.
const WINDOWS_OF_TESTS: u64 = 500_000;

/// Flags of `cargo xtask sieve`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Windows that are looked at, at least
    #[arg(long, default_value_t = 10_000_000)]
    windows: u64,
    /// Of the series
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs the task.
pub(crate) fn run(args: &Args) -> Result<()> {
    match tools::watch(&mut windows(args.windows, args.seed)?)? {
        (_, true) => Ok(()),
        _ => bail!("filters disagree with plain counting; above is on what"),
    }
}

/// The short run of the tests.
pub(crate) fn for_tests() -> Result<Command> {
    windows(WINDOWS_OF_TESTS, 1)
}

fn windows(windows: u64, seed: u64) -> Result<Command> {
    let mut command = tools::tested("windows")?;
    command.args([windows.to_string(), seed.to_string()]);
    Ok(command)
}

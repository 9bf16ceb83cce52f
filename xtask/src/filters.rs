//! `cargo xtask filters`: random filters of every kind, in the kernel, in the virtual machine and in plain Rust.
//!
//! Builds and runs the example of that name in `crates/kit`, which says what it compares.

use std::process::Command;

use anyhow::{Result, bail};

use crate::tools;

/// Pairs of filter and input in `cargo xtask test`, where nobody waits for the million.
const PAIRS_OF_TESTS: u64 = 20_000;

/// Flags of `cargo xtask filters`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Pairs of filter and input that every engine judges
    #[arg(long, default_value_t = 1_000_000)]
    pairs: u64,
    /// Filters that must load
    #[arg(long, default_value_t = 0)]
    load: u64,
    /// Of the series
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only the case at this place of the series
    #[arg(long)]
    place: Option<u64>,
}

/// Runs the task.
pub(crate) fn run(args: &Args) -> Result<()> {
    let mut filters = tools::tested("filters")?;
    filters.args(["--pairs", &args.pairs.to_string(), "--load", &args.load.to_string()]);
    filters.args(["--seed", &args.seed.to_string()]);
    if let Some(place) = args.place {
        filters.args(["--place", &place.to_string()]);
    }
    match tools::watch(&mut filters)? {
        (_, true) => Ok(()),
        _ => bail!("some filters disagree or do not load; above is how to see each again"),
    }
}

/// The short run of the tests.
pub(crate) fn for_tests() -> Result<Command> {
    let mut filters = tools::tested("filters")?;
    filters.args(["--pairs", &PAIRS_OF_TESTS.to_string()]);
    Ok(filters)
}

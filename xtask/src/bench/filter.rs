//! `cargo xtask bench filter`: what filters cost in the running kernel, nanoseconds a byte.
//!
//! Builds and runs the example `filter_cost` of `crates/sieve`, which says what it measures.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::tools;

/// Flags of `cargo xtask bench filter`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A file of rules to measure as a whole
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// A folder: how many blocks of its files the rules let through
    #[arg(long, value_name = "DIR", requires = "rules")]
    tree: Option<PathBuf>,
}

/// Runs the task.
pub(super) fn run(args: &Args) -> Result<()> {
    let mut cost = tools::example("kernscope-sieve", "filter_cost")?;
    cost.args(args.rules.iter().chain(&args.tree));
    match tools::watch(&mut cost)? {
        (_, true) => Ok(()),
        _ => bail!("measure filters: the example broke off; above is why"),
    }
}

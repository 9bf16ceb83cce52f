//! `cargo xtask scan-oracle PATH...`: what the matcher finds in files, against each expression alone.
//!
//! Builds and runs the example `scan_oracle` of `crates/sieve`, which says what it compares.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::tools;

/// Flags of `cargo xtask scan-oracle`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A file of rules; the built-in ones where none is given
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Files, and directories with all that is below them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// Runs the task.
pub(crate) fn run(args: &Args) -> Result<()> {
    let mut oracle = tools::example("kernscope-sieve", "scan_oracle")?;
    oracle.arg(args.rules.clone().unwrap_or_else(|| PathBuf::from("builtin"))).args(&args.paths);
    match tools::watch(&mut oracle)? {
        (_, true) => Ok(()),
        _ => bail!("the matcher disagrees with the expressions alone; above is where"),
    }
}

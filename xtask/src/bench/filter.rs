//! `cargo xtask bench filter`: what filters cost in the running kernel, nanoseconds a byte.
//!
//! Builds and runs the example `filter_cost` of `crates/sieve`, which says what it measures.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::tools;

/// Where the tables go in `docs/FILTERS.md`.
const BEGIN: &str = "<!-- made by `cargo xtask bench filter --write` -->\n";
const END: &str = "<!-- end -->\n";

/// Flags of `cargo xtask bench filter`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A file of rules to measure as a whole, or builtin
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// A folder: how many blocks of its files the rules let through, and whether they lose any
    #[arg(long, value_name = "DIR", requires = "rules")]
    tree: Option<PathBuf>,
    /// Write the tables into docs/FILTERS.md
    #[arg(long)]
    write: bool,
}

/// Runs the task.
pub(super) fn run(args: &Args) -> Result<()> {
    let mut cost = tools::example("kernscope-sieve", "filter_cost")?;
    cost.args(args.rules.iter().chain(&args.tree));
    let machine = super::machine(None);
    print!("{machine}");
    let text = format!("{machine}\n{}", table(&mut cost)?);
    if args.write { write(&text) } else { Ok(()) }
}

/// What an example prints.
fn table(example: &mut Command) -> Result<String> {
    match tools::watch(example)? {
        (text, true) => Ok(text),
        _ => bail!("measure filters: the example broke off; above is why"),
    }
}

/// Puts the tables where the manual has room for them.
fn write(text: &str) -> Result<()> {
    let path = tools::root().join("docs/FILTERS.md");
    let manual = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let place = manual.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) =
        place.with_context(|| format!("write {}: it has no line `{}`", path.display(), BEGIN.trim_end()))?;
    std::fs::write(&path, format!("{before}{BEGIN}{text}{END}{after}"))
        .with_context(|| format!("write {}", path.display()))
}

//! `cargo xtask bench paths`: what judging paths costs an open, by how many are listed, and how fast a list is replaced.
//!
//! Builds and runs the example `path_cost` of `crates/watch`, which says what it measures.

use anyhow::{Result, bail};

use crate::tools;

/// Runs the task.
pub(super) fn run() -> Result<()> {
    match tools::watch(&mut tools::example("kernscope-watch", "path_cost")?)? {
        (_, true) => Ok(()),
        _ => bail!("measure paths: the example broke off; above is why"),
    }
}

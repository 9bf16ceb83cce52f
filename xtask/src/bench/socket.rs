//! `cargo xtask bench socket`: what a condition in front of a socket saves or costs, nanoseconds a datagram.
//!
//! Builds and runs the example `socket_cost` of `crates/sieve`, which says what it measures.

use anyhow::{Result, bail};

use crate::tools;

/// Runs the task.
pub(super) fn run() -> Result<()> {
    match tools::watch(&mut tools::example("kernscope-sieve", "socket_cost")?)? {
        (_, true) => Ok(()),
        _ => bail!("measure sockets: the example broke off; above is why"),
    }
}

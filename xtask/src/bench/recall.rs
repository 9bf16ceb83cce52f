//! `cargo xtask bench recall DIR`: how many attacks of public corpora the built-in detections find, and how many honest commands
//! raise an alert.
//!
//! The corpora are not shipped. `crates/watch/src/detect/held_out/corpora.rs` says how their files are written, and plays them.

use anyhow::{Result, ensure};
use std::path::PathBuf;

use crate::tools;

const TEST: &str = "detect::held_out::corpora::public_corpora";

/// Flags of `cargo xtask bench recall`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// A folder of files of JSON lines.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Name what was missed, and the honest commands that raised an alert, in this part.
    #[arg(long, value_name = "PART", value_parser = ["dev", "second", "test", "all"])]
    show: Option<String>,
}

/// Runs the task.
pub(super) fn run(args: &Args) -> Result<()> {
    ensure!(args.dir.is_dir(), "read corpora: {} is no folder", args.dir.display());
    let dir = args.dir.canonicalize()?;
    let mut cargo = tools::cargo();
    cargo.args(["test", "--quiet", "--locked", "--package", "kernscope-watch", "--lib", TEST, "--"]);
    cargo.args(["--exact", "--ignored", "--nocapture"]).env("KERNSCOPE_CORPORA", dir);
    cargo.env("KERNSCOPE_SHOW", args.show.as_deref().unwrap_or_default());
    tools::run(&mut cargo)
}

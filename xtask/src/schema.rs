//! `cargo xtask schema`: docs/record.schema.json and docs/SCHEMA.md, from the record types.

use std::fs;

use anyhow::{Context, Result, bail};
use kernscope_report::schema;

use crate::tools;

/// Flags of `cargo xtask schema`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Compare with the committed files, write nothing.
    #[arg(long)]
    check: bool,
}

/// Runs the task.
pub(crate) fn run(args: &Args) -> Result<()> {
    if args.check {
        check()?;
        println!("schema --check: docs/record.schema.json and docs/SCHEMA.md are what the types give");
        return Ok(());
    }
    for (name, text) in files() {
        let path = tools::root().join(name);
        fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
        println!("schema: wrote {name}");
    }
    Ok(())
}

/// Fails when a committed file is not what the types give.
pub(crate) fn check() -> Result<()> {
    for (name, text) in files() {
        let path = tools::root().join(name);
        let committed = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        if committed != text {
            bail!("check {name}: it is not what the record types give; run `cargo xtask schema` and commit");
        }
    }
    Ok(())
}

fn files() -> [(&'static str, String); 2] {
    [("docs/record.schema.json", schema::json()), ("docs/SCHEMA.md", schema::markdown())]
}

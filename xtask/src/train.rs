//! `cargo xtask train lan DIR`: the model of `kernscope lan`, from labelled captures.

use anyhow::{Context, Result};
use kernscope_lan::fingerprint::{labelled, store, train};
use std::path::PathBuf;

use crate::tools;

/// Flags of `cargo xtask train`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Which device is it? DIR holds a folder of captures a class, and devices.csv: device,mac.
    Lan {
        /// The labelled captures.
        #[arg(value_name = "DIR")]
        captures: PathBuf,
        /// Where the model goes; the one that is built in when left out.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let What::Lan { captures, output } = &args.what;
    let labelled = labelled::read(captures)?;
    labelled.notes.iter().for_each(|note| println!("train: {note}"));
    let model = train::train(&labelled.examples);
    let path = output.clone().unwrap_or_else(|| tools::root().join("crates/lan/data/model.tsv"));
    let text = store::to_text(&model);
    std::fs::write(&path, &text).with_context(|| format!("write {}", path.display()))?;
    println!(
        "train: {} classes from {} examples: {} ({} KB)",
        model.classes().len(),
        labelled.examples.len(),
        path.display(),
        text.len() / 1024
    );
    Ok(())
}

//! `cargo xtask train lan DIR` and `train model DIR`: the models of `kernscope lan`, from captures.

use anyhow::{Context, Result};
use kernscope_lan::fingerprint::{labelled, store, train};
use kernscope_lan::model::{Onnx, train as model};
use std::fs::File;
use std::path::{Path, PathBuf};

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
    /// What do devices do within five minutes? An example of what `--model` takes, in ONNX.
    Model {
        /// A folder of captures, or of folders of them.
        #[arg(value_name = "DIR")]
        captures: PathBuf,
        /// Where the model goes; contrib/models/intervals.onnx when left out.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

pub(crate) fn run(args: &Args) -> Result<()> {
    match &args.what {
        What::Lan { captures, output } => lan(captures, output.as_deref()),
        What::Model { captures, output } => intervals(captures, output.as_deref()),
    }
}

fn intervals(captures: &Path, output: Option<&Path>) -> Result<()> {
    let mut files = Vec::new();
    gather(captures, &mut files)?;
    let mut points = Vec::new();
    for file in &files {
        let reader = File::open(file).with_context(|| format!("read {}", file.display()))?;
        points.extend(model::intervals(reader));
    }
    let cloud = model::fit(&points).map_err(anyhow::Error::msg)?;
    let path = output.map_or_else(|| tools::root().join("contrib/models/intervals.onnx"), Path::to_owned);
    let bytes = model::encode(&cloud);
    Onnx::read(&bytes).map_err(anyhow::Error::msg)?;
    std::fs::write(&path, &bytes).with_context(|| format!("write {}", path.display()))?;
    println!(
        "train: {} intervals of {} files: {} ({} bytes)",
        points.len(),
        files.len(),
        path.display(),
        bytes.len()
    );
    Ok(())
}

/// The capture files of a folder and of those in it, by name.
fn gather(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))?;
    let mut paths: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.sort_unstable();
    for path in paths {
        if path.is_dir() {
            gather(&path, files)?;
        } else if path.extension().is_some_and(|end| end == "pcap" || end == "pcapng") {
            files.push(path);
        }
    }
    Ok(())
}

fn lan(captures: &Path, output: Option<&Path>) -> Result<()> {
    let labelled = labelled::read(captures)?;
    labelled.notes.iter().for_each(|note| println!("train: {note}"));
    let model = train::train(&labelled.examples);
    let path = output.map_or_else(|| tools::root().join("crates/lan/data/model.tsv"), Path::to_owned);
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

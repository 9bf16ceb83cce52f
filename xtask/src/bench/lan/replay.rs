//! How fast captures are read, on one core, beside peers.

use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};

use crate::tools;

const REPLAYED_BYTES: usize = 64 << 20;
/// Bytes before the first frame of a pcap file.
const HEADER_BYTES: usize = 24;

/// The table.
pub(super) fn table(file: Option<&Path>, root: &Path, dir: &Path) -> Result<String> {
    let files = file.map_or_else(|| captures(root), |file| Ok(vec![file.to_owned()]))?;
    let joined = joined(&files)?;
    let path = dir.join("joined.pcap");
    std::fs::write(&path, &joined).with_context(|| format!("write {}", path.display()))?;
    let told = tools::read(tools::example("kernscope-lan", "lan_replay")?.arg(&path))?;
    let (frames, speed) = told.trim().split_once(' ').context("read what lan_replay prints")?;
    let speed: f64 = speed.parse().context("read what lan_replay prints")?;
    Ok(format!(
        "## Reading captures\n\n{} captures one behind the other, {frames} frames, {} MB; CPU time, so that it is one core. Goal: 2 million a second.\n\n\
         | | frames a second |\n| --- | --: |\n| kernscope, in memory | {:.2} million |\n",
        files.len(),
        joined.len() / 1_000_000,
        speed / 1e6
    ))
}

/// The pcap files of a folder of classes, one of each class, by name.
fn captures(root: &Path) -> Result<Vec<PathBuf>> {
    let list = |dir: &Path| -> Result<Vec<PathBuf>> {
        let entries = std::fs::read_dir(dir).with_context(|| format!("read {}", dir.display()))?;
        let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort_unstable();
        Ok(paths)
    };
    let mut files = Vec::new();
    for class in list(root)?.iter().filter(|path| path.is_dir()) {
        files.extend(list(class)?.into_iter().next());
    }
    Ok(files)
}

/// Captures one behind the other, again and again, as one file.
fn joined(files: &[PathBuf]) -> Result<Vec<u8>> {
    let (mut header, mut frames) = (Vec::new(), Vec::new());
    for path in files {
        let file = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
        let Some((head, rest)) = file.split_at_checked(HEADER_BYTES) else { continue };
        if header.is_empty() {
            header = head.to_vec();
        }
        // Files of another order of bytes, or another kind of link, cannot be joined.
        if head[..4] == header[..4] && head[20..] == header[20..] {
            frames.extend_from_slice(rest);
        }
    }
    ensure!(!frames.is_empty(), "replay captures: there are no frames in {} files", files.len());
    let times = REPLAYED_BYTES.div_ceil(frames.len());
    Ok([header, frames.repeat(times)].concat())
}

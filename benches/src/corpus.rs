//! The data: files of a tree, one after the other in memory.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// Reads regular files below a directory, in the order of their names, up to so many bytes.
pub(crate) fn read(tree: &Path, most: usize) -> Result<Vec<u8>> {
    let mut data = Vec::new();
    let mut left = vec![tree.to_path_buf()];
    while let Some(path) = left.pop() {
        let kind = path.symlink_metadata().with_context(|| format!("look at {}", path.display()))?;
        if kind.is_dir() {
            left.extend(children(&path)?);
        } else if kind.is_file() && data.len() < most {
            data.extend(std::fs::read(&path).with_context(|| format!("read {}", path.display()))?);
        }
    }
    data.truncate(most);
    ensure!(!data.is_empty(), "read {}: there is no data in it; name a tree of text files", tree.display());
    Ok(data)
}

/// What is in a directory, last name first.
fn children(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(dir).with_context(|| format!("list {}", dir.display()))?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .context("list")?;
    paths.sort_unstable_by(|a, b| b.cmp(a));
    Ok(paths)
}

//! The data: files of a tree, one after the other in memory.

use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// Files in memory.
pub(crate) struct Corpus {
    /// One file behind the other.
    pub(crate) bytes: Vec<u8>,
    /// The path of each of them, below the tree, and where it is.
    pub(crate) files: Vec<(PathBuf, Range<usize>)>,
}

/// Reads regular files below a directory, up to so many bytes, in an order that mixes the directories and is the same each
/// time: by their names alone, the first of a thousand packages would stand for all.
pub(crate) fn read(tree: &Path, most: usize) -> Result<Corpus> {
    let (mut bytes, mut files) = (Vec::new(), Vec::new());
    for path in paths(tree)? {
        let begin = bytes.len();
        bytes.extend(std::fs::read(&path).with_context(|| format!("read {}", path.display()))?);
        bytes.truncate(most);
        files.push((below(tree, &path), begin..bytes.len()));
        if bytes.len() >= most {
            break;
        }
    }
    ensure!(!bytes.is_empty(), "read {}: there is no data in it; name a tree of text files", tree.display());
    Ok(Corpus { bytes, files })
}

/// All regular files, in the order of a hash of their names.
fn paths(tree: &Path) -> Result<Vec<PathBuf>> {
    let (mut paths, mut left) = (Vec::new(), vec![tree.to_path_buf()]);
    while let Some(dir) = left.pop() {
        let entries = std::fs::read_dir(&dir).with_context(|| format!("list {}", dir.display()))?;
        for entry in entries {
            let path = entry.with_context(|| format!("list {}", dir.display()))?.path();
            let kind = path.symlink_metadata().with_context(|| format!("look at {}", path.display()))?;
            if kind.is_dir() {
                left.push(path);
            } else if kind.is_file() {
                paths.push(path);
            }
        }
    }
    paths.sort_by_cached_key(|path| {
        let name = below(tree, path);
        (fnv1a(name.as_os_str().as_encoded_bytes()), name)
    });
    Ok(paths)
}

fn below(tree: &Path, path: &Path) -> PathBuf {
    path.strip_prefix(tree).unwrap_or(path).to_path_buf()
}

/// FNV-1a, of 64 bits.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

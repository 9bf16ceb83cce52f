//! The data: files of a tree, one after the other in memory.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// Reads regular files below a directory, up to so many bytes, in an order that mixes the directories and is the same each
/// time: by their names alone, the first of a thousand packages would stand for all.
pub(crate) fn read(tree: &Path, most: usize) -> Result<Vec<u8>> {
    let mut data = Vec::new();
    for path in files(tree)? {
        if data.len() >= most {
            break;
        }
        data.extend(std::fs::read(&path).with_context(|| format!("read {}", path.display()))?);
    }
    data.truncate(most);
    ensure!(!data.is_empty(), "read {}: there is no data in it; name a tree of text files", tree.display());
    Ok(data)
}

/// All regular files, in the order of a hash of their names.
fn files(tree: &Path) -> Result<Vec<PathBuf>> {
    let (mut files, mut left) = (Vec::new(), vec![tree.to_path_buf()]);
    while let Some(dir) = left.pop() {
        let entries = std::fs::read_dir(&dir).with_context(|| format!("list {}", dir.display()))?;
        for entry in entries {
            let path = entry.with_context(|| format!("list {}", dir.display()))?.path();
            let kind = path.symlink_metadata().with_context(|| format!("look at {}", path.display()))?;
            if kind.is_dir() {
                left.push(path);
            } else if kind.is_file() {
                files.push(path);
            }
        }
    }
    files.sort_by_cached_key(|path| {
        let name = path.strip_prefix(tree).unwrap_or(path).to_path_buf();
        (fnv1a(name.as_os_str().as_encoded_bytes()), name)
    });
    Ok(files)
}

/// FNV-1a, of 64 bits.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

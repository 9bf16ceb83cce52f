//! MANIFEST: what a committed object is and what made it. Lines of `name = "value"`.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::toolchain::Toolchain;
use super::{Object, sha256};
use crate::tools;

/// What a committed object is and what made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// SHA-256 of the object.
    pub(crate) sha256: String,
    /// SHA-256 over the sources that the object is built from.
    pub(crate) sources_sha256: String,
    /// Versions of the tools that made it, by name.
    pub(crate) tools: BTreeMap<String, String>,
}

impl Manifest {
    /// Describes freshly built bytes.
    pub(crate) fn of(object: &Object, toolchain: &Toolchain, bytes: &[u8]) -> Result<Manifest> {
        Ok(Manifest {
            sha256: sha256(bytes),
            sources_sha256: sources_sha256(object)?,
            tools: toolchain.versions.clone(),
        })
    }

    /// Reads the manifest of a committed object.
    pub(crate) fn read(object: &Object) -> Result<Manifest> {
        let path = object.dir().join("MANIFEST");
        let text = fs::read_to_string(&path)
            .with_context(|| format!("read {}; make it with `cargo xtask bpf`", path.display()))?;
        Manifest::parse(&text).with_context(|| format!("read {}", path.display()))
    }

    fn parse(text: &str) -> Result<Manifest> {
        let mut tools = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
            let (name, value) = line.split_once(" = ").with_context(|| format!("no ` = ` in {line:?}"))?;
            tools.insert(name.to_owned(), value.trim_matches('"').to_owned());
        }
        let mut take = |name: &str| tools.remove(name).with_context(|| format!("{name} is missing"));
        take("object")?;
        let (sha256, sources_sha256) = (take("sha256")?, take("sources_sha256")?);
        Ok(Manifest { sha256, sources_sha256, tools })
    }

    /// The text of the file.
    pub(crate) fn text(&self, object: &Object) -> String {
        format!("# Written by `cargo xtask bpf`.\nobject = \"{}\"\n{self}", object.file())
    }
}

impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "sha256 = \"{}\"", self.sha256)?;
        writeln!(f, "sources_sha256 = \"{}\"", self.sources_sha256)?;
        self.tools.iter().try_for_each(|(name, version)| writeln!(f, "{name} = \"{version}\""))
    }
}

/// Hashes the names and bytes of what an object is built from: its package, the abi, the lockfile.
pub(crate) fn sources_sha256(object: &Object) -> Result<String> {
    let root = tools::root();
    let mut files = vec![root.join("kernel/Cargo.toml"), root.join("kernel/Cargo.lock")];
    collect(&root.join("kernel").join(object.bin), &mut files)?;
    collect(&root.join("crates/abi"), &mut files)?;
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        let bytes = fs::read(&file).with_context(|| format!("read {}", file.display()))?;
        let name = file.strip_prefix(&root).unwrap_or(&file).display().to_string();
        hash.update(format!("{name}\0{}\0", bytes.len()));
        hash.update(bytes);
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Adds the Rust and Cargo files below `dir`.
fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(dir).with_context(|| format!("read {}", dir.display()))? {
        let path = entry.with_context(|| format!("read {}", dir.display()))?.path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                collect(&path, files)?;
            }
        } else if path.extension().is_some_and(|ext| ext == "rs" || ext == "toml") {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        let tools = BTreeMap::from([("rustc".to_owned(), "1.96.0 (ac68faa20 2026-05-25)".to_owned())]);
        let manifest = Manifest { sha256: "ab".into(), sources_sha256: "cd".into(), tools };
        let text = manifest.text(&super::super::OBJECTS[0]);
        assert_eq!(Manifest::parse(&text).ok(), Some(manifest));
    }

    #[test]
    fn a_manifest_without_a_hash_is_refused() {
        let error = Manifest::parse("object = \"watch.bpf.o\"\n").map_err(|error| error.to_string());
        assert_eq!(error, Err("sha256 is missing".to_owned()));
    }

    #[test]
    fn committed_objects_match_their_manifests() -> Result<()> {
        for object in super::super::OBJECTS {
            let bytes = fs::read(object.dir().join(object.file()))?;
            assert_eq!(Manifest::read(object)?.sha256, sha256(&bytes));
        }
        Ok(())
    }
}

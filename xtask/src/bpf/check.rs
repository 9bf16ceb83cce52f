//! `cargo xtask bpf --check`: are the committed objects what the sources give?

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::manifest::{Manifest, sources_sha256};
use super::toolchain::Toolchain;
use super::{OBJECTS, Object, build, sha256};
use crate::tools;

/// What a check found.
pub(crate) enum Checked {
    /// Rebuilt, byte for byte the same.
    Same,
    /// Another toolchain than the manifest's: the rebuilt objects are in this folder, to be tested instead.
    Rebuilt(PathBuf),
    /// No toolchain here; the sources are the ones that the manifest names.
    Skipped(String),
    /// The committed objects are not what the sources give.
    Stale(String),
}

/// Rebuilds the objects apart and compares.
pub(crate) fn check() -> Result<Checked> {
    for object in OBJECTS {
        let manifest = Manifest::read(object)?;
        let path = object.dir().join(object.file());
        let committed = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        if sha256(&committed) != manifest.sha256 {
            return Ok(stale(object, "its hash is not the one in MANIFEST"));
        }
    }
    match Toolchain::find() {
        Ok(toolchain) => rebuild(&toolchain),
        Err(missing) => without_toolchain(&format!("{missing:#}")),
    }
}

fn rebuild(toolchain: &Toolchain) -> Result<Checked> {
    let out = tools::target_dir().join("bpf/rebuilt");
    super::fetch(&["--locked"])?;
    let mut differs = None;
    for object in OBJECTS {
        let manifest = Manifest::read(object)?;
        let bytes = build(toolchain, object)?;
        let rebuilt = Manifest::of(object, toolchain, &bytes)?;
        super::write(&out, object, &bytes, &rebuilt)?;
        if rebuilt.tools != manifest.tools {
            differs = Some(format!("{toolchain}"));
        } else if rebuilt.sha256 != manifest.sha256 {
            return Ok(stale(object, "the same toolchain gives other bytes from these sources"));
        } else {
            println!("bpf --check: {}: the same bytes, sha256 {}", object.file(), manifest.sha256);
        }
    }
    let Some(found) = differs else { return Ok(Checked::Same) };
    println!("bpf --check: this toolchain is not the one in MANIFEST: {found}");
    Ok(Checked::Rebuilt(out))
}

/// Without a compiler the sources can still be compared with those that the manifest names.
fn without_toolchain(missing: &str) -> Result<Checked> {
    for object in OBJECTS {
        if sources_sha256(object)? != Manifest::read(object)?.sources_sha256 {
            return Ok(stale(object, "its sources have changed since it was built"));
        }
    }
    Ok(Checked::Skipped(missing.to_owned()))
}

fn stale(object: &Object, why: &str) -> Checked {
    Checked::Stale(format!(
        "check {}/{}: {why}; run `cargo xtask bpf` and commit the result",
        object.home,
        object.file()
    ))
}

//! `cargo xtask bpf`: builds the eBPF objects, and checks that the committed ones are what the sources give.
//!
//! Objects are committed so that a host build needs no eBPF toolchain. Beside each stands a [`Manifest`]: its
//! hash, the versions that made it, and a hash of its sources. Paths are remapped, so that the same toolchain
//! gives the same bytes in any folder.

mod check;
mod manifest;
mod toolchain;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::tools;
pub(crate) use check::{Checked, check};
use manifest::Manifest;
use toolchain::Toolchain;

/// The eBPF programs, and the crate that embeds each.
const OBJECTS: &[Object] =
    &[Object { bin: "watch", package: "kernscope-watch-ebpf", home: "crates/watch/objects" }];

/// One eBPF object.
pub(crate) struct Object {
    /// Binary target in `kernel/`.
    bin: &'static str,
    /// Package in `kernel/`.
    package: &'static str,
    /// Folder of the committed object.
    home: &'static str,
}

impl Object {
    /// The object's file name.
    fn file(&self) -> String {
        format!("{}.bpf.o", self.bin)
    }

    /// The folder of the committed object.
    fn dir(&self) -> PathBuf {
        tools::root().join(self.home)
    }
}

/// Flags of `cargo xtask bpf`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Rebuild apart from the committed objects and compare bytes.
    #[arg(long)]
    check: bool,
}

/// Runs the task.
pub(crate) fn run(args: &Args) -> Result<()> {
    if args.check {
        match check()? {
            Checked::Same => {}
            Checked::Rebuilt(dir) => println!("bpf --check: NOT COMPARED; rebuilt: {}", dir.display()),
            Checked::Skipped(why) => println!("bpf --check: SKIPPED, nothing was rebuilt: {why}"),
            Checked::Stale(why) => anyhow::bail!("{why}"),
        }
        return Ok(());
    }
    let toolchain = Toolchain::find()?;
    println!("bpf: {toolchain}");
    fetch(&[])?;
    for object in OBJECTS {
        let bytes = build(&toolchain, object)?;
        let manifest = Manifest::of(object, &toolchain, &bytes)?;
        write(&object.dir(), object, &bytes, &manifest)?;
        println!("bpf: {}/{}: {} bytes, sha256 {}", object.home, object.file(), bytes.len(), manifest.sha256);
    }
    Ok(())
}

/// Fetches the sources that the lockfile names; without `--locked`, brings the lockfile up to date first.
fn fetch(extra: &[&str]) -> Result<()> {
    tools::run(
        tools::cargo().current_dir(tools::root().join("kernel")).args(["fetch", "--quiet"]).args(extra),
    )
}

/// Builds an object and returns its bytes, debug sections stripped (BTF stays).
fn build(toolchain: &Toolchain, object: &Object) -> Result<Vec<u8>> {
    let target = tools::target_dir().join("bpf");
    tools::run(&mut toolchain.cargo(object.package, object.bin, &target)?)?;
    let built = target.join("bpfel-unknown-none/release").join(object.bin);
    let stripped = target.join(object.file());
    tools::run(toolchain.strip()?.arg("--strip-debug").arg("-o").arg(&stripped).arg(&built))?;
    let bytes = fs::read(&stripped).with_context(|| format!("read {}", stripped.display()))?;
    no_mangled_name(&bytes)?;
    Ok(bytes)
}

/// A mangled name holds a number of its crate that differs between folders, and so would the object.
fn no_mangled_name(object: &[u8]) -> Result<()> {
    let start = b"\0_R";
    if let Some(at) = object.windows(start.len()).position(|bytes| bytes == start) {
        let name: Vec<_> = object[at + 1..].iter().take_while(|byte| **byte != 0).copied().collect();
        bail!(
            "build object: {} was not inlined, and its name depends on the folder; mark it inline(always) or no_mangle",
            String::from_utf8_lossy(&name)
        );
    }
    Ok(())
}

/// Writes an object and its manifest.
fn write(dir: &Path, object: &Object, bytes: &[u8], manifest: &Manifest) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))?;
    let path = dir.join(object.file());
    fs::write(&path, bytes).with_context(|| format!("write {}", path.display()))?;
    let path = dir.join("MANIFEST");
    fs::write(&path, manifest.text(object)).with_context(|| format!("write {}", path.display()))
}

/// SHA-256 as lower-case hexadecimal.
fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

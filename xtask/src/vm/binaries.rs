//! What the guests run, built on this machine: kernscope, the case runner, the C programs of the cases.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::tools;

/// What the guests run.
pub(crate) struct Binaries {
    /// The binary under test.
    pub(crate) kernscope: PathBuf,
    /// Prints what the verifier did.
    pub(crate) verifier: PathBuf,
    /// Holds random filters against plain Rust.
    pub(crate) filters: PathBuf,
    /// The cases.
    pub(crate) cases: Cases,
}

/// The case runner and what it needs.
pub(crate) struct Cases {
    /// The runner.
    pub(crate) runner: PathBuf,
    /// Folder of case files.
    pub(crate) dir: PathBuf,
    /// Folder of compiled C programs.
    pub(crate) bin_dir: PathBuf,
    /// JSON Schema of the records.
    pub(crate) schema: PathBuf,
}

impl Binaries {
    /// Builds them in a Cargo profile, or takes those that are there; copies without symbols go to `cache`.
    pub(crate) fn provide(profile: &str, build: bool, cache: &Path) -> Result<Binaries> {
        if build {
            tools::run(cargo(profile).args(["--package", "kernscope", "--package", "kernscope-cases"]))?;
            tools::run(cargo(profile).args(["--package", "kernscope-watch", "--example", "verifier"]))?;
            tools::run(cargo(profile).args(["--package", "kernscope-kit", "--example", "filters"]))?;
        }
        fs::create_dir_all(cache).with_context(|| format!("create {}", cache.display()))?;
        let built = tools::target_dir().join(if profile == "dev" { "debug" } else { profile });
        let root = tools::root();
        let cases = Cases {
            runner: stripped(&built.join("cases"), cache)?,
            dir: root.join("tests/cases"),
            bin_dir: cache.join("bin"),
            schema: root.join("docs/record.schema.json"),
        };
        tools::run(Command::new(&cases.runner).arg("--precompile").arg(&cases.bin_dir).arg(&cases.dir))?;
        Ok(Binaries {
            kernscope: stripped(&built.join("kernscope"), cache)?,
            verifier: stripped(&built.join("examples/verifier"), cache)?,
            filters: stripped(&built.join("examples/filters"), cache)?,
            cases,
        })
    }
}

fn cargo(profile: &str) -> Command {
    let mut cargo = tools::cargo();
    cargo.args(["build", "--quiet", "--locked", "--profile", profile]);
    cargo
}

/// A copy without symbols: the image is held in the guest's memory.
fn stripped(binary: &Path, cache: &Path) -> Result<PathBuf> {
    let copy = cache.join(binary.file_name().unwrap_or_default());
    tools::run(Command::new("strip").arg("-o").arg(&copy).arg(binary))?;
    Ok(copy)
}

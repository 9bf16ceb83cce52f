//! What the guests run, built on this machine: kernscope, the case runner, the C programs of the cases.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::steps::{KIT_TESTS, LAN_TESTS, WATCH_TESTS};
use crate::tools;

/// What the guests run.
pub(crate) struct Binaries {
    /// The binary under test.
    pub(crate) kernscope: PathBuf,
    /// Prints what the verifier did.
    pub(crate) verifier: PathBuf,
    /// Holds random filters against plain Rust.
    pub(crate) filters: PathBuf,
    /// Tests of the kit, of lan and of watch that ask the kernel.
    pub(crate) tests: Vec<PathBuf>,
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
            let programs =
                ["--bin", "kernscope", "--bin", "cases", "--example", "verifier", "--example", "filters"];
            tools::run(tools::workspace("build", profile).args(programs))?;
        }
        let tests = cache.join("tests");
        fs::create_dir_all(&tests).with_context(|| format!("create {}", tests.display()))?;
        if build || !tests.join(WATCH_TESTS).exists() {
            self::tests(&tests)?;
        }
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
            tests: KIT_TESTS.iter().chain([&LAN_TESTS, &WATCH_TESTS]).map(|name| tests.join(name)).collect(),
            cases,
        })
    }
}

/// Builds tests as `cargo test` does, and puts them into a folder by their names.
fn tests(dir: &Path) -> Result<()> {
    let mut wanted: Vec<&str> = KIT_TESTS.iter().chain([&LAN_TESTS, &WATCH_TESTS]).copied().collect();
    let mut cargo = tools::workspace("test", "test");
    cargo.args(["--no-run", "--message-format=json", "--lib"]);
    KIT_TESTS.iter().chain([&WATCH_TESTS]).for_each(|name| _ = cargo.args(["--test", name]));
    for line in tools::read(&mut cargo)?.lines() {
        let message: Value = serde_json::from_str(line).context("read what cargo says it built")?;
        let (Some(name), Some(path)) = (message["target"]["name"].as_str(), message["executable"].as_str())
        else {
            continue;
        };
        if let Some(at) = wanted.iter().position(|wanted| *wanted == name) {
            wanted.swap_remove(at);
            tools::run(Command::new("strip").arg("-o").arg(dir.join(name)).arg(path))?;
        }
    }
    ensure!(wanted.is_empty(), "build tests for the guests: cargo told of none called {}", wanted.join(", "));
    Ok(())
}

/// A copy without symbols: the image is held in the guest's memory.
fn stripped(binary: &Path, cache: &Path) -> Result<PathBuf> {
    let copy = cache.join(binary.file_name().unwrap_or_default());
    tools::run(Command::new("strip").arg("-o").arg(&copy).arg(binary))?;
    Ok(copy)
}

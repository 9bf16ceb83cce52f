//! The C programs of the cases: compiled when the tests run, statically, so that one file runs anywhere.

use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where compiled programs are.
#[derive(Debug)]
pub struct Programs {
    source_dir: PathBuf,
    bin_dir: PathBuf,
    /// The binaries were made elsewhere (a VM guest has no compiler).
    precompiled: bool,
}

impl Programs {
    /// Compiles on demand from `cases_dir/c` into `bin_dir`.
    pub fn compile_into(cases_dir: &Path, bin_dir: &Path) -> Self {
        Self { source_dir: cases_dir.join("c"), bin_dir: bin_dir.to_owned(), precompiled: false }
    }

    /// Takes what [`Programs::compile_all`] made.
    pub fn precompiled(cases_dir: &Path, bin_dir: &Path) -> Self {
        Self { source_dir: cases_dir.join("c"), bin_dir: bin_dir.to_owned(), precompiled: true }
    }

    /// Where the binaries are.
    pub fn bin_dir(&self) -> &Path {
        &self.bin_dir
    }

    /// The binary for `name` (`fork.c`).
    ///
    /// # Errors
    /// When it does not compile, or was not precompiled.
    pub fn binary(&self, name: &str) -> Result<PathBuf> {
        let stem = Path::new(name).file_stem().with_context(|| format!("C program {name}: no file name"))?;
        let binary = self.bin_dir.join(stem);
        if binary.exists() {
            return Ok(binary);
        }
        if self.precompiled {
            bail!("C program {name}: {} is missing; run `cases --precompile` on the host", binary.display());
        }
        std::fs::create_dir_all(&self.bin_dir)
            .with_context(|| format!("create {}", self.bin_dir.display()))?;
        let source = self.source_dir.join(name);
        let output = Command::new("gcc")
            .args(["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-static", "-pthread", "-o"])
            .args([&binary, &source])
            .output()
            .context(
                "run gcc; the C cases need a C compiler and a static libc (apt-get install gcc libc6-dev)",
            )?;
        if !output.status.success() {
            bail!("compile {}: {}", source.display(), String::from_utf8_lossy(&output.stderr));
        }
        Ok(binary)
    }

    /// Compiles every program of the directory.
    ///
    /// # Errors
    /// When the directory cannot be read or a program does not compile.
    pub fn compile_all(&self) -> Result<usize> {
        let entries = std::fs::read_dir(&self.source_dir)
            .with_context(|| format!("read {}", self.source_dir.display()))?;
        let names: BTreeSet<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.ends_with(".c"))
            .collect();
        for name in &names {
            self.binary(name)?;
        }
        Ok(names.len())
    }
}

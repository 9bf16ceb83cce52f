//! The C programs that do the work: their sources are part of this task, so that it can run anywhere.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::tools;

const SOURCES: [(&str, &str); 5] = [
    ("blocks", include_str!("c/blocks.c")),
    ("openclose", include_str!("c/openclose.c")),
    ("timed", include_str!("c/timed.c")),
    ("produce", include_str!("c/produce.c")),
    ("tree", include_str!("c/tree.c")),
];

/// Where the compiled programs are.
pub(crate) struct Programs(PathBuf);

impl Programs {
    /// Compiles them into `dir`.
    pub(crate) fn compile(dir: &Path) -> Result<Self> {
        for (name, source) in SOURCES {
            let file = dir.join(name).with_extension("c");
            std::fs::write(&file, source).with_context(|| format!("write {}", file.display()))?;
            let mut gcc = Command::new("gcc");
            gcc.args(["-O2", "-static", "-o"]).arg(dir.join(name)).arg(&file);
            tools::run(&mut gcc)
                .context("compile the programs of the benchmark; apt-get install gcc libc6-dev")?;
        }
        Ok(Self(dir.to_owned()))
    }

    /// The path of one, as an argument.
    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_string_lossy().into_owned()
    }
}

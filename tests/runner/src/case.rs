//! The case format: what stands in `tests/cases/*.toml`.
//!
//! ```toml
//! [[case]]
//! name = "open-flags"
//! c = "open_flags.c"
//! needs = ["root"]
//! [[case.must]]
//! kind = "file_open"
//! path = "${DIR}/new"
//! flags = { has = ["O_CREAT"] }
//! [[case.never]]
//! kind = "file_unlink"
//! ```

use crate::leave_out::LeaveOut;
use crate::matcher::Want;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A back end that a case runs under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Backend {
    /// eBPF programs.
    Ebpf,
    /// ptrace with a seccomp filter.
    Ptrace,
}

impl Backend {
    /// As on the command line and in the coverage record.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ebpf => "ebpf",
            Self::Ptrace => "ptrace",
        }
    }
}

/// One file of cases.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    #[serde(default)]
    case: Vec<Case>,
    #[serde(default)]
    leave_out: Vec<LeaveOut>,
}

/// One case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Unique; also the name of its directory.
    pub name: String,
    /// A C program in `c/`, compiled statically.
    pub c: Option<String>,
    /// A shell script, run as `/bin/sh -c`.
    pub sh: Option<String>,
    /// A Python script.
    pub python: Option<String>,
    /// A command as it is.
    pub argv: Option<Vec<String>>,
    /// Arguments after the program.
    #[serde(default)]
    pub args: Vec<String>,
    /// Shell commands run in the case's directory before the watch begins.
    #[serde(default)]
    pub setup: String,
    /// More flags for `kernscope watch`.
    #[serde(default)]
    pub watch_args: Vec<String>,
    /// See [`crate::needs`].
    #[serde(default)]
    pub needs: Vec<String>,
    /// The back ends it runs under; all when left out.
    #[serde(default = "both")]
    pub backends: Vec<Backend>,
    /// Run everything as this user (needs root).
    pub as_user: Option<u32>,
    /// Exit status that `kernscope` must give; 128 + signal for a killed command.
    #[serde(default)]
    pub exit: i32,
    /// Seconds before the case is ended and fails.
    #[serde(default = "default_timeout_s")]
    pub timeout_s: u64,
    /// Compare the back ends on this case; the text says why not.
    pub disagree: Option<String>,
    /// A regular expression that kernscope's standard error must match.
    pub stderr: Option<String>,
    /// Records that must appear.
    #[serde(default)]
    pub must: Vec<Expect>,
    /// Records that must not appear.
    #[serde(default)]
    pub never: Vec<Expect>,
}

fn both() -> Vec<Backend> {
    vec![Backend::Ebpf, Backend::Ptrace]
}

fn default_timeout_s() -> u64 {
    30
}

/// A pattern for records.
#[derive(Clone, Debug, Deserialize)]
pub struct Expect {
    /// The record's kind.
    pub kind: String,
    /// Exactly so many; at least one when left out.
    pub count: Option<usize>,
    /// Only under this back end.
    pub only: Option<Backend>,
    /// The record must come after the one that the previous pattern matched.
    #[serde(default)]
    pub after: bool,
    /// Field (dotted path) to what its value must be.
    #[serde(flatten)]
    pub fields: BTreeMap<String, Want>,
}

/// All cases of a directory.
#[derive(Debug)]
pub struct Cases {
    /// In the order of the file names and of the files.
    pub cases: Vec<Case>,
    /// What the back ends leave out by design.
    pub leave_outs: Vec<LeaveOut>,
    /// Where the files are.
    pub dir: PathBuf,
}

impl Cases {
    /// Reads `*.toml` in `dir`.
    ///
    /// # Errors
    /// A file that cannot be read or understood, a name used twice, a case without exactly one program.
    pub fn load(dir: &Path) -> Result<Self> {
        let mut files: Vec<PathBuf> = std::fs::read_dir(dir)
            .with_context(|| format!("read case directory {}", dir.display()))?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|ext| ext == "toml"))
            .collect();
        files.sort();
        let mut all = Self { cases: Vec::new(), leave_outs: Vec::new(), dir: dir.to_owned() };
        for file in files {
            let text = std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
            let parsed: CaseFile =
                toml::from_str(&text).with_context(|| format!("parse {}", file.display()))?;
            all.cases.extend(parsed.case);
            all.leave_outs.extend(parsed.leave_out);
        }
        all.check()?;
        Ok(all)
    }

    fn check(&self) -> Result<()> {
        let mut names = BTreeSet::new();
        for case in &self.cases {
            if !names.insert(&case.name) {
                bail!("case {}: the name is used twice", case.name);
            }
            let programs = [case.c.is_some(), case.sh.is_some(), case.python.is_some(), case.argv.is_some()];
            if programs.iter().filter(|&&is| is).count() != 1 {
                bail!("case {}: needs exactly one of c, sh, python, argv", case.name);
            }
            if case.must.is_empty() && case.stderr.is_none() {
                bail!("case {}: expects nothing, so it cannot fail", case.name);
            }
        }
        Ok(())
    }
}

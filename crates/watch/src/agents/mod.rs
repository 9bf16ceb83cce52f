//! AI coding agents: how a process is known to be one ([`Signatures`]), and which run on this machine ([`Finder`]).
//!
//! A signature looks at the file that runs and at its arguments, and at nothing that a child inherits: an environment says that
//! something was started by an agent, not that it is one.

mod find;
#[cfg(test)]
mod tests;

pub use find::{Finder, Found};

use kernscope_sieve::toml_error;
use serde::Deserialize;
use std::path::Path;
use std::sync::Arc;

/// Those that come with this crate.
const BUILTIN: &str = include_str!("../../agents/builtin.toml");
/// Programs that run scripts: their own name says nothing.
const INTERPRETERS: [&str; 8] = ["node", "nodejs", "bun", "deno", "python", "electron", "npx", "uv"];
/// Options of interpreters whose value is the next argument.
const WITH_VALUE: [&str; 6] = ["-r", "--require", "--import", "--loader", "-W", "-X"];
/// Most bytes of a file of signatures.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// How agents are known.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signatures {
    #[serde(rename = "agent")]
    all: Vec<Signature>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    name: Arc<str>,
    #[serde(default)]
    exe: Vec<String>,
    #[serde(default)]
    path: Vec<String>,
    #[serde(default)]
    script: Vec<String>,
    #[serde(default)]
    command: Vec<String>,
    #[serde(default)]
    module: Vec<String>,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    has: Vec<String>,
}

/// What an interpreter was told to run.
enum Run<'a> {
    Script(&'a str),
    Module(&'a str),
}

impl Signatures {
    /// Those that come with this crate.
    pub fn builtin() -> Self {
        // What is wrong with it a test finds.
        Self::parse(BUILTIN).unwrap_or_default()
    }

    /// Reads signatures from TOML.
    ///
    /// # Errors
    /// In one line, where it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let signatures: Self = toml::from_str(text).map_err(|error| toml_error::one_line(text, &error))?;
        let says_nothing = |one: &&Signature| {
            [&one.exe, &one.path, &one.script, &one.command, &one.module].into_iter().all(Vec::is_empty)
        };
        match signatures.all.iter().find(says_nothing) {
            Some(empty) => Err(format!(
                "agent {:?}: nothing says which program it is; give it exe, path, script, command or module",
                empty.name
            )),
            None => Ok(signatures),
        }
    }

    /// Reads a file of them.
    ///
    /// # Errors
    /// As [`Signatures::parse`], and when it cannot be read; the file is named.
    pub fn read(file: &Path) -> Result<Self, String> {
        let named =
            |cause: &dyn std::fmt::Display| format!("read agent signatures {}: {cause}", file.display());
        let about = std::fs::metadata(file).map_err(|cause| named(&cause))?;
        if !about.is_file() || about.len() > MAX_FILE_BYTES {
            return Err(named(&format_args!("must be a file of at most {MAX_FILE_BYTES} bytes")));
        }
        let text = kernscope_sieve::text_file::read(file).map_err(|cause| named(&cause))?;
        Self::parse(&text).map_err(|cause| named(&cause))
    }

    /// Adds others, which are asked first.
    #[must_use]
    pub fn with(mut self, others: Self) -> Self {
        self.all.splice(0..0, others.all);
        self
    }

    /// Which agent a program is that runs the file `exe` with these arguments.
    pub fn agent(&self, exe: &str, argv: &[impl AsRef<str>]) -> Option<&Arc<str>> {
        let run = run_by(exe, argv);
        let is = |one: &&Signature| one.is(exe, run.as_ref()) && one.fits(argv);
        self.all.iter().find(is).map(|one| &one.name)
    }
}

impl Signature {
    fn is(&self, exe: &str, run: Option<&Run<'_>>) -> bool {
        let on = |list: &[String], name: &str| list.iter().any(|one| one == name);
        let within = |list: &[String], path: &str| list.iter().any(|part| path.contains(part.as_str()));
        on(&self.exe, base(exe))
            || within(&self.path, exe)
            || match run {
                Some(Run::Script(script)) => within(&self.script, script) || on(&self.command, base(script)),
                Some(Run::Module(module)) => on(&self.module, module),
                None => false,
            }
    }

    fn fits(&self, argv: &[impl AsRef<str>]) -> bool {
        let first = argv.get(1).map_or("", AsRef::as_ref);
        let has = |wanted: &String| argv.iter().any(|arg| arg.as_ref() == wanted);
        (self.args.is_empty() || self.args.iter().any(|arg| arg == first)) && self.has.iter().all(has)
    }
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The script or module, where the program is an interpreter.
fn run_by<'a>(exe: &str, argv: &'a [impl AsRef<str>]) -> Option<Run<'a>> {
    let plain = base(exe).trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    if !INTERPRETERS.contains(&plain) {
        return None;
    }
    let mut args = argv.iter().skip(1).map(AsRef::as_ref);
    while let Some(arg) = args.next() {
        match arg {
            "-m" => return args.next().map(Run::Module),
            // A text on the command line is no script.
            "-c" | "-e" | "-p" | "--eval" | "--print" => return None,
            _ if WITH_VALUE.contains(&arg) => drop(args.next()),
            _ if arg.starts_with('-') => {}
            "run" if matches!(plain, "bun" | "deno" | "uv") => {}
            script => return Some(Run::Script(script)),
        }
    }
    None
}

//! Findings that are accepted: the file of `--baseline`, and that of `--write-baseline`.

use crate::failure::Failure;
use kernscope_scan::baseline::{Baseline, Writer};
use std::path::{Path, PathBuf};

/// What is accepted, and what is to be.
#[derive(Default)]
pub(super) struct Accepted {
    known: Baseline,
    writer: Option<(PathBuf, Writer)>,
}

impl Accepted {
    /// Reads `known`, and makes sure that `new` could be written.
    pub(super) fn open(known: Option<&Path>, new: Option<&Path>) -> Result<Self, Failure> {
        let known = known.map(read).transpose()?.unwrap_or_default();
        let writer =
            new.map(|path| writable(path).map(|()| (path.to_owned(), Writer::default()))).transpose()?;
        Ok(Self { known, writer })
    }

    /// Whether a finding is accepted. It is noted for the file to be written.
    pub(super) fn has(&mut self, fingerprint: &str, rule: &str, path: &str) -> bool {
        if let Some((_, writer)) = &mut self.writer {
            writer.note(fingerprint, rule, path);
        }
        self.known.has(fingerprint)
    }

    /// Whether there is a new file to be written at the end.
    pub(super) fn is_to_be_written(&self) -> bool {
        self.writer.is_some()
    }

    /// Writes the new file, whole or not at all.
    pub(super) fn write(&self) -> Result<(), Failure> {
        let Some((path, writer)) = &self.writer else { return Ok(()) };
        let part = part_of(path);
        std::fs::write(&part, writer.text(&self.known)).and_then(|()| std::fs::rename(&part, path)).map_err(
            |cause| {
                // What was there before is still there; the part is of no use.
                let _ = std::fs::remove_file(&part);
                Failure::usage(format_args!("write {}: {cause}; check its directory", path.display()))
            },
        )
    }
}

fn read(path: &Path) -> Result<Baseline, Failure> {
    let text = std::fs::read_to_string(path).map_err(|cause| {
        Failure::usage(format_args!("read {}: {cause}; --write-baseline makes such a file", path.display()))
    })?;
    Baseline::parse(&text).map_err(|why| Failure::usage(format_args!("read {}: {why}", path.display())))
}

/// Fails before a long scan and not behind it.
fn writable(path: &Path) -> Result<(), Failure> {
    let part = part_of(path);
    std::fs::write(&part, "").and_then(|()| std::fs::remove_file(&part)).map_err(|cause| {
        Failure::usage(format_args!("write {}: {cause}; make its directory, or name another", path.display()))
    })
}

/// Where it is written before it is whole.
fn part_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    name.into()
}

//! Where a part of a shell's text comes from: an argument of an ancestor that stands in it word for word, and has done more there
//! than be an argument.

use super::script::Script;
use crate::core::Process;

/// Ancestors that are asked.
const MAX_ANCESTORS: usize = 8;
/// Arguments of each.
const MAX_ARGS: usize = 256;
/// Shortest argument that is no chance.
const SHORTEST_BYTES: usize = 3;

/// Programs whose arguments are commands by design.
const RUNNERS: [&str; 37] = [
    "env",
    "sudo",
    "su",
    "doas",
    "make",
    "gmake",
    "ninja",
    "xargs",
    "find",
    "npm",
    "npx",
    "yarn",
    "pnpm",
    "ssh",
    "time",
    "timeout",
    "nice",
    "nohup",
    "watch",
    "script",
    "parallel",
    "docker",
    "podman",
    "flock",
    "strace",
    "setsid",
    "stdbuf",
    "unshare",
    "chroot",
    "nsenter",
    "runuser",
    "entr",
    "git",
    "cargo",
    "gdb",
    "kernscope",
    "systemd-run",
];
const SHELLS: [&str; 7] = ["sh", "bash", "dash", "zsh", "ksh", "ash", "busybox"];

/// An argument that became a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// What was seen, in a sentence.
    pub(super) because: String,
    /// The exec of the ancestor, where it was seen.
    pub(super) seq: Option<u64>,
}

/// Looks for an ancestor's argument that breaks out of its place in `text`.
pub(super) fn argument<'a>(
    text: &str,
    script: &Script,
    lineage: impl Iterator<Item = &'a Process>,
) -> Option<Origin> {
    for process in lineage.take(MAX_ANCESTORS) {
        let Some(command) = process.command() else { continue };
        let argv: &[String] = &command.argv;
        let name = argv.first().map_or("", |first| first.rsplit('/').next().unwrap_or(first));
        if RUNNERS.contains(&name) {
            continue;
        }
        // Of `sh -c TEXT DATA` only the data.
        let skip = match SHELLS.contains(&name) {
            true => super::text_index(argv).map_or(1, |at| at + 1),
            false => 1,
        };
        for (number, arg) in argv.iter().enumerate().skip(skip).take(MAX_ARGS) {
            if breaks_out(text, script, arg) {
                let because = format!(
                    "argument {number} of {name} ({}) stands in the text and is heeded as shell: {arg:?}",
                    process.id.pid
                );
                return Some(Origin { because, seq: command.seq });
            }
        }
    }
    None
}

/// Whether `data` stands in `text` behind its first word, and there is an operator in it that the shell heeds.
pub(super) fn breaks_out(text: &str, script: &Script, data: &str) -> bool {
    let data = data.trim();
    if data.len() < SHORTEST_BYTES || data.len() >= text.len() {
        return false;
    }
    memchr::memmem::find_iter(text.as_bytes(), data.as_bytes()).any(|start| {
        let range = start..start + data.len();
        let has_command_before = text[..start].trim_start_matches(['"', '\'']).contains(' ');
        has_command_before && script.operators.iter().any(|at| range.contains(at))
    })
}

//! What a process runs: its arguments, for those who ask about ancestors.

use super::table::{Process, Table};
use super::{Interner, ProcId};
use kernscope_abi as abi;
use std::sync::Arc;

/// Bytes of arguments that are kept of a process; what is beyond is left out.
const MAX_BYTES: usize = 8 * 1024;
/// Arguments that are kept.
const MAX_ARGS: usize = 256;

/// The command that a process runs. A child has its parent's until it executes another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// The arguments, the first of which is the name that it was called by. Long ones are cut, and missing at the end.
    pub argv: Vec<String>,
    /// The record of its exec, or of finding it.
    pub seq: Option<u64>,
    /// What of the arguments is secret.
    pub(crate) secrets: Vec<String>,
}

impl Command {
    pub(super) fn new(argv: &[String], seq: u64, secrets: Vec<String>) -> Arc<Self> {
        let mut room = MAX_BYTES;
        let mut kept = Vec::with_capacity(argv.len().min(MAX_ARGS));
        for arg in argv.iter().take(MAX_ARGS) {
            if room == 0 {
                break;
            }
            let end = arg.floor_char_boundary(room);
            kept.push(arg[..end].to_owned());
            room = room.saturating_sub(arg.len().max(1));
        }
        Arc::new(Self { argv: kept, seq: Some(seq), secrets })
    }
}

/// A process by hand, for rules that are tried on examples.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sketch {
    pub(crate) pid: u32,
    pub(crate) ppid: u32,
    pub(crate) uid: u32,
    pub(crate) comm: String,
    pub(crate) exe: Option<String>,
    pub(crate) argv: Option<Vec<String>>,
}

impl Sketch {
    /// When it started, nanoseconds since boot.
    pub(crate) fn start_ns(&self) -> u64 {
        u64::from(self.pid) * 1_000_000_000
    }
}

impl Table {
    /// Enters a process, or changes what it runs.
    pub(crate) fn sketch(&mut self, sketch: &Sketch) {
        let mut header = abi::Header {
            pid: sketch.pid,
            tid: sketch.pid,
            ppid: sketch.ppid,
            uid: sketch.uid,
            start_ns: sketch.start_ns(),
            ..abi::Header::default()
        };
        let len = sketch.comm.len().min(header.comm.len() - 1);
        header.comm[..len].copy_from_slice(&sketch.comm.as_bytes()[..len]);
        let mut names = Interner::default();
        let inherited = self.current(sketch.ppid).and_then(|parent| parent.command.clone());
        let is_new = self.get(ProcId::of(&header)).is_none();
        let Some(process) = self.enter(&header, &mut names) else { return };
        if let Some(exe) = &sketch.exe {
            process.exe = Some(names.text(exe, false));
        }
        if let Some(argv) = &sketch.argv {
            process.command = Some(Command::new(argv, 0, Vec::new()));
        } else if is_new {
            process.command = inherited;
        }
    }
}

impl Process {
    /// What it runs; `None` when that was not seen.
    pub fn command(&self) -> Option<&Command> {
        self.command.as_deref()
    }
}

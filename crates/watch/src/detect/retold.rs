//! Commands that an alert was told of: what such a command becomes or starts is the same thing, and is not told again.
//!
//! `sh -c 'ls | cat /etc/passwd'` is told by its text; the `cat` that it then starts adds nothing. A wrapper that becomes
//! the program it was given (`env`, `nice`, the shims of a version manager) is the same process with the same last argument.
//!
//! Bounded: the last [`MAX_KEPT`] lines of at most [`MAX_LINE_BYTES`]; a longer one is not kept, and what it starts is told.

use super::scene::Scene;
use crate::core::ProcId;
use kernscope_report::Body;
use std::collections::{HashMap, VecDeque};

/// Lines that are known again.
const MAX_KEPT: usize = 1024;
/// Longest line that is kept.
const MAX_LINE_BYTES: usize = 16 * 1024;
/// How far down a command's descendants are taken for its own.
const MAX_DOWN: usize = 8;

/// A rule and a process.
type Key = (usize, ProcId);

/// The command lines that alerts were told of, by rule and process.
#[derive(Debug, Default)]
pub(super) struct Lines {
    known: HashMap<Key, String>,
    order: VecDeque<Key>,
}

impl Lines {
    /// Whether a command was told of by this rule as a part of another: of the process itself before it became this one, or
    /// of an ancestor that was told to run it.
    pub(super) fn has(&self, at: usize, scene: &Scene<'_>) -> bool {
        let (Body::ProcessExec { argv, .. }, Some(id)) = (&scene.entry.body, scene.id()) else {
            return false;
        };
        let told = |id: ProcId| self.known.get(&(at, id));
        let became = told(id).zip(argv.last()).is_some_and(|(line, last)| line.ends_with(last.as_str()));
        let runs = |line: &String| argv.iter().skip(1).all(|argument| line.contains(argument.as_str()));
        let line_of_descent = scene.lineage().take(MAX_DOWN).map(|process| process.id);
        became || std::iter::once(id).chain(line_of_descent).filter_map(told).any(runs)
    }

    /// Keeps the command that an alert is told of.
    pub(super) fn keep(&mut self, at: usize, scene: &Scene<'_>) {
        let (Body::ProcessExec { argv, .. }, Some(id)) = (&scene.entry.body, scene.id()) else { return };
        let line = argv.join(" ");
        if line.len() > MAX_LINE_BYTES {
            return;
        }
        if self.known.insert((at, id), line).is_some() {
            return;
        }
        self.order.push_back((at, id));
        if self.order.len() > MAX_KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

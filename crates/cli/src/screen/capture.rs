//! What is written to the standard streams while a screen is shown: caught, and its last lines kept.
//!
//! The command inherits the streams as they are here: output and errors go into a pipe, input is empty. A program that opens
//! `/dev/tty` itself still writes across the screen; `Ctrl-L` draws it anew.

use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout, pipe2};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write, stderr, stdin, stdout};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex};

/// Lines that are kept.
const LINES: usize = 2000;
/// Longest line that is kept; the rest of it is the next one.
const LINE_BYTES: u64 = 4096;

/// The last lines that were written.
pub(crate) type Lines = Arc<Mutex<VecDeque<String>>>;

/// The standard streams, until this is dropped.
pub(crate) struct Capture {
    streams: [OwnedFd; 3],
    lines: Lines,
}

impl Capture {
    /// Catches from here on.
    pub(crate) fn start() -> io::Result<Self> {
        let streams = [
            stdin().as_fd().try_clone_to_owned()?,
            stdout().as_fd().try_clone_to_owned()?,
            stderr().as_fd().try_clone_to_owned()?,
        ];
        let (from, to) = pipe2(nix::fcntl::OFlag::O_CLOEXEC)?;
        let capture = Self { streams, lines: Lines::default() };
        dup2_stdin(File::open("/dev/null")?)?;
        dup2_stdout(&to)?;
        dup2_stderr(&to)?;
        let lines = Arc::clone(&capture.lines);
        // It ends with the last program that holds the pipe, which may be later than this one.
        std::thread::Builder::new()
            .name("kernscope-output".to_owned())
            .spawn(move || read(File::from(from), &lines))?;
        Ok(capture)
    }

    /// What was written.
    pub(crate) fn lines(&self) -> Lines {
        Arc::clone(&self.lines)
    }
}

/// Tells what kernscope itself said behind the screen, once that is gone.
pub(crate) fn tell_notes(lines: &Lines) {
    let Ok(lines) = lines.lock() else { return };
    for note in lines.iter().filter(|line| line.starts_with("kernscope: ")) {
        // With standard error gone there is nobody left to tell.
        let _ = writeln!(stderr(), "{}", kernscope_report::pretty::clean::text(note));
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let [input, output, errors] = &self.streams;
        // Each was open before; there is nobody to tell when one cannot be put back.
        let _ = dup2_stdin(input);
        let _ = dup2_stdout(output);
        let _ = dup2_stderr(errors);
    }
}

fn read(from: File, lines: &Lines) {
    let _ = nix::sys::signal::SigSet::all().thread_block();
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while matches!(from.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line), Ok(1..)) {
        let text = String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned();
        line.clear();
        let Ok(mut lines) = lines.lock() else { return };
        if lines.len() == LINES {
            lines.pop_front();
        }
        lines.push_back(text);
    }
}

//! How far a scan is: one line on a terminal, gone when it ends.

use crate::args::colors_allowed;
use kernscope_scan::Progress;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{Thread, park_timeout, scope};
use std::time::{Duration, Instant};

/// A scan that is over sooner shows nothing.
const DELAY: Duration = Duration::from_millis(300);
const TICK: Duration = Duration::from_millis(200);
/// To the start of the line, and nothing behind.
const CLEAR: &str = "\r\x1b[K";

/// The line, on standard error.
pub(super) struct Bar {
    is_terminal: bool,
    /// The line is on the terminal now.
    is_shown: Mutex<bool>,
}

impl Bar {
    /// Hidden where standard error is no terminal that can take a line back.
    pub(super) fn new() -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some();
        let is_terminal = std::io::stderr().is_terminal() && (colors_allowed() || no_color);
        Self { is_terminal, is_shown: Mutex::new(false) }
    }

    /// Does the work, and says meanwhile how far it is.
    pub(super) fn shown<T>(&self, progress: &Progress, work: impl FnOnce() -> T) -> T {
        if !self.is_terminal {
            return work();
        }
        let (is_over, begun) = (AtomicBool::new(false), Instant::now());
        scope(|scope| {
            let ticker = scope.spawn(|| {
                park_timeout(DELAY);
                while !is_over.load(Ordering::Acquire) {
                    self.draw(&line(progress, begun.elapsed()));
                    park_timeout(TICK);
                }
                self.without(|| {});
            });
            let _end = End(&is_over, ticker.thread().clone());
            work()
        })
    }

    /// Does something that writes to the terminal, the line being away.
    pub(super) fn without<T>(&self, work: impl FnOnce() -> T) -> T {
        let mut is_shown = self.is_shown.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::take(&mut *is_shown) {
            tell(CLEAR);
        }
        work()
    }

    fn draw(&self, line: &str) {
        let mut is_shown = self.is_shown.lock().unwrap_or_else(PoisonError::into_inner);
        *is_shown = true;
        tell(&format!("{CLEAR}{line}"));
    }
}

/// With standard error gone there is nobody left to tell.
fn tell(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Ends the line, also when the work ends by a panic.
struct End<'a>(&'a AtomicBool, Thread);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
        self.1.unpark();
    }
}

fn line(progress: &Progress, elapsed: Duration) -> String {
    let files = progress.files.load(Ordering::Relaxed);
    let mib = progress.bytes.load(Ordering::Relaxed) >> 20;
    let found = progress.found.load(Ordering::Relaxed);
    format!("scan: {files} files, {mib} MiB, {found} findings, {} s", elapsed.as_secs())
}

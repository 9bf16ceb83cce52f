//! `watch --tui`: the run as a screen to move about in, while it goes on.
//!
//! A thread of its own draws; the run's thread hands entries on and never waits. What the command writes is caught and shown in a
//! pane (`screen::capture`), since it would be written across the screen; the command's standard input is empty.

mod draw;
mod keys;
mod processes;
mod state;
#[cfg(test)]
mod tests;

use crate::failure::Failure;
use crate::screen::{Capture, Lines, Screen, capture, input, told_to_quit};
use kernscope_report::{Coverage, End, Entry, Ledger, Output, Pretty, Sink, Style, Summary};
use std::io::{IsTerminal, stdin, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

/// Entries that are handed on together.
const BATCH: usize = 256;
/// Batches that may wait; what finds no room is counted, and not shown.
const BATCHES_WAITING: usize = 256;

/// What the drawing thread is told.
enum News {
    Entries(Vec<Entry>),
    /// The run has ended: its last line.
    Ended(String),
}

/// A run on the screen.
pub(crate) struct Tui {
    to: SyncSender<News>,
    batch: Vec<Entry>,
    /// Entries that found no room.
    unshown: u64,
    thread: Option<JoinHandle<()>>,
    capture: Option<Capture>,
    /// What was written behind the screen.
    lines: Lines,
    style: Style,
}

impl Tui {
    /// Takes the screen.
    pub(crate) fn start(title: String, style: Style) -> Result<Self, Failure> {
        if !stdout().is_terminal() || !stdin().is_terminal() {
            return Err(Failure::usage(
                "watch --tui: standard input and output must be a terminal; leave out --tui, or run it in one",
            ));
        }
        let failed =
            |cause: std::io::Error| Failure::usage(format_args!("watch --tui: take the terminal: {cause}"));
        let screen = Screen::take(false).map_err(failed)?;
        let capture = Capture::start().map_err(failed)?;
        let quit = told_to_quit().map_err(failed)?;
        let (to, from) = sync_channel(BATCHES_WAITING);
        let lines = capture.lines();
        let kept = Arc::clone(&lines);
        let thread = std::thread::Builder::new()
            .name("kernscope-tui".to_owned())
            .spawn(move || run(screen, &from, state::State::new(title, lines), &quit))
            .map_err(failed)?;
        Ok(Self {
            to,
            batch: Vec::new(),
            unshown: 0,
            thread: Some(thread),
            capture: Some(capture),
            lines: kept,
            style,
        })
    }

    /// Ends the screen when the user wants, and gives everything back.
    fn close(&mut self, last: Option<String>) {
        if let Some(last) = last {
            // It waits for room: the run is over, and nobody is held up.
            let _ = self.to.send(News::Ended(last));
        }
        let (closed, _) = sync_channel(0);
        self.to = closed;
        if let Some(thread) = self.thread.take() {
            // A panic there was told by the hook.
            let _ = thread.join();
        }
        self.capture.take();
    }
}

impl Sink for Tui {
    fn entry(&mut self, entry: &Entry) {
        self.batch.push(entry.clone());
        if self.batch.len() >= BATCH {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let batch = std::mem::take(&mut self.batch);
        if let Err(TrySendError::Full(News::Entries(batch))) = self.to.try_send(News::Entries(batch)) {
            self.unshown += batch.len() as u64;
        }
    }

    fn fault(&mut self) -> Option<String> {
        None
    }

    /// Waits until the user leaves the screen, then tells the end as lines.
    fn finish(&mut self, end: &End<'_>) -> Ledger {
        self.flush();
        self.close(Some(last_line(end.summary, end.coverage, end.ledger, self.unshown)));
        capture::tell_notes(&self.lines);
        match Output::stdout() {
            Ok(output) => Pretty::new(output, self.style).finish(end),
            Err(_) => end.ledger.clone(),
        }
    }
}

impl Drop for Tui {
    fn drop(&mut self) {
        self.close(None);
    }
}

fn last_line(summary: &Summary, coverage: &Coverage, ledger: &Ledger, unshown: u64) -> String {
    let unshown =
        if unshown > 0 { format!("; {unshown} records came too fast to be shown") } else { String::new() };
    format!("{}{unshown}", kernscope_report::pretty::short(summary, coverage, ledger))
}

/// Draws until the user leaves after the end, or the run is gone.
fn run(mut screen: Screen, from: &Receiver<News>, mut state: state::State, quit: &AtomicBool) {
    // Signals are the main thread's business; a refusal to mask them costs promptness only.
    let _ = nix::sys::signal::SigSet::all().thread_block();
    let mut gone = false;
    while !(state.is_left() || gone && !state.has_ended()) {
        gone = take(from, &mut state);
        if quit.load(Ordering::Relaxed) {
            state.leave();
        }
        let cleared = if std::mem::take(&mut state.is_stale) { screen.clear() } else { Ok(()) };
        let drawn = cleared.and_then(|()| screen.draw(|frame| draw::all(frame, &mut state)));
        if drawn.and_then(|()| input::wait(|event| keys::take(&mut state, event))).is_err() {
            // The terminal is gone: the run goes on without it.
            return;
        }
    }
}

/// Takes what has come; whether nothing more will.
fn take(from: &Receiver<News>, state: &mut state::State) -> bool {
    for _ in 0..BATCHES_WAITING {
        match from.try_recv() {
            Ok(News::Entries(entries)) => entries.into_iter().for_each(|entry| state.take(entry)),
            Ok(News::Ended(last)) => state.end(last),
            Err(cause) => return cause == std::sync::mpsc::TryRecvError::Disconnected,
        }
    }
    false
}

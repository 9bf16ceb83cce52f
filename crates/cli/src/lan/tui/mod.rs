//! `lan run` on a terminal: devices, flows and alerts to move about in, while the run goes on.
//!
//! A thread of its own draws; the run's thread hands on what is new once a second ([`Pulse`]) and never waits. What the user asks
//! for ([`Wish`]) is done by the run. `state` is where the user is, `model` what is known, `keys` changes the one, `draw` is a
//! function of both; so tests press keys and look at the picture.

mod alerts;
mod detail;
mod devices;
mod draw;
mod flows;
mod keys;
mod model;
mod pulse;
mod rate;
mod state;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod wrap;

pub(super) use pulse::{Pulse, Wish};

use super::tell::now_ns;
use crate::failure::Failure;
use crate::screen::{Capture, Lines, Screen, capture, input, told_to_quit};
use kernscope_lan::store::Store;
use nix::unistd::{getpgrp, tcgetpgrp};
use state::State;
use std::io::{IsTerminal, stdin, stdout};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::thread::JoinHandle;

/// A run on the screen.
pub(super) struct Tui {
    to: SyncSender<Box<Pulse>>,
    wishes: Receiver<Wish>,
    /// What found no room yet.
    waiting: Option<Box<Pulse>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    capture: Option<Capture>,
    /// What was written behind the screen.
    lines: Lines,
}

/// Whether there is a terminal to show a screen on: input and output, in the foreground, and one that can.
pub(super) fn can_show() -> bool {
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb" || term.is_empty());
    let is_terminal = stdin().is_terminal() && stdout().is_terminal();
    is_terminal && !is_dumb && tcgetpgrp(stdin()).is_ok_and(|group| group == getpgrp())
}

impl Tui {
    /// Takes the screen. `title` is what is looked at, `database` what is remembered.
    pub(super) fn start(title: String, database: Option<&Path>) -> Result<Self, Failure> {
        let failed = |cause: std::io::Error| {
            Failure::usage(format_args!("take the terminal: {cause}; --format pretty tells lines"))
        };
        let store = database.map(Store::open).transpose().map_err(Failure::usage)?;
        let screen = Screen::take(true).map_err(failed)?;
        let capture = Capture::start().map_err(failed)?;
        let quit = told_to_quit().map_err(failed)?;
        let (to, from) = sync_channel(1);
        let (ask, wishes) = channel();
        let lines = capture.lines();
        let over = Arc::<AtomicBool>::default();
        let mut state = State::new(title, Arc::clone(&lines), store);
        let ends = [Arc::clone(&over), quit];
        let thread = std::thread::Builder::new()
            .name("kernscope-tui".to_owned())
            .spawn(move || {
                state.remember(now_ns());
                run(screen, &from, state, &ask, &ends);
            })
            .map_err(failed)?;
        Ok(Self { to, wishes, waiting: None, over, thread: Some(thread), capture: Some(capture), lines })
    }

    /// Hands on what is new.
    pub(super) fn pulse(&mut self, news: Pulse) {
        let mut all = self.waiting.take().unwrap_or_default();
        all.add(news);
        // Without a reader the screen is gone, and nothing needs to be kept for it.
        if let Err(TrySendError::Full(all)) = self.to.try_send(all) {
            self.waiting = Some(all);
        }
    }

    /// What the user asks for, one at a time.
    pub(super) fn wish(&mut self) -> Option<Wish> {
        self.wishes.try_recv().ok()
    }

    /// Gives everything back, and tells what was said behind the screen.
    pub(super) fn close(mut self) {
        self.end();
        capture::tell_notes(&self.lines);
    }

    fn end(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic there was told by the hook.
            let _ = thread.join();
        }
        self.capture.take();
    }
}

impl Drop for Tui {
    fn drop(&mut self) {
        self.end();
    }
}

/// Draws until the user leaves or the run is over.
fn run(
    mut screen: Screen,
    from: &Receiver<Box<Pulse>>,
    mut state: State,
    ask: &Sender<Wish>,
    ends: &[Arc<AtomicBool>; 2],
) {
    // Signals are the main thread's business; a refusal to mask them costs promptness only.
    let _ = nix::sys::signal::SigSet::all().thread_block();
    while !state.is_left && !ends.iter().any(|end| end.load(Ordering::Relaxed)) {
        if !state.is_held {
            from.try_iter().for_each(|pulse| state.model.take(*pulse));
            state.hear();
        }
        let cleared = if std::mem::take(&mut state.is_stale) { screen.clear() } else { Ok(()) };
        let drawn = cleared.and_then(|()| screen.draw(|frame| draw::all(frame, &mut state)));
        // Without a run there is nobody to ask.
        let mut ask = |wish| drop(ask.send(wish));
        if drawn.and_then(|()| input::wait(|event| keys::take(&mut state, event, &mut ask))).is_err() {
            // The terminal is gone: the run goes on without it.
            return;
        }
    }
}

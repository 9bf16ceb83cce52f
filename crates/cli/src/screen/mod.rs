//! What screens have in common (`watch --tui`, `lan run` on a terminal): the terminal, what is written behind them, lists, keys.

pub(crate) mod capture;
pub(crate) mod input;
pub(crate) mod look;
pub(crate) mod terminal;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod view;

pub(crate) use capture::{Capture, Lines};
pub(crate) use terminal::Screen;
pub(crate) use view::View;

use signal_hook::consts::{SIGHUP, SIGTERM};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Set by a signal that asks for the end: then nobody waits for a key. What else it means is the run's business.
///
/// # Errors
/// When the kernel refuses a handler.
pub(crate) fn told_to_quit() -> std::io::Result<Arc<AtomicBool>> {
    let quit = Arc::<AtomicBool>::default();
    for signal in [SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&quit))?;
    }
    Ok(quit)
}

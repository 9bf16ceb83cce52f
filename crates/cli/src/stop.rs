//! Ctrl-C: the first ends the work with what it has, the second ends it at once.

use crate::failure::Failure;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What signals have asked for.
pub(crate) struct Stop {
    pub(crate) wanted: Arc<AtomicBool>,
    by: Arc<AtomicUsize>,
}

impl Stop {
    /// From here on signals are heard.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let stop = Self { wanted: Arc::default(), by: Arc::default() };
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            // The order matters: a signal that comes when the scan is to stop already ends the process.
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&stop.wanted))
                .and_then(|_| flag::register_usize(signal, Arc::clone(&stop.by), signal as usize))
                .and_then(|_| flag::register(signal, Arc::clone(&stop.wanted)))
                .map_err(|cause| Failure::usage(format_args!("listen to signal {signal}: {cause}")))?;
        }
        Ok(stop)
    }

    /// The status of work that a signal stopped, as shells have it.
    pub(crate) fn status(&self) -> Option<u8> {
        let by = u8::try_from(self.by.load(Ordering::Relaxed)).unwrap_or(0);
        (by > 0 && self.wanted.load(Ordering::Relaxed)).then_some(128 + by)
    }
}

//! What signals mean to a run.
//!
//! A terminal sends Ctrl-C to the command and to kernscope alike, so the first one changes nothing: the command
//! decides. SIGTERM and SIGHUP are sent to one process, so they are passed on; with a policy SIGHUP has its files read again instead. The second signal of any sort ends
//! the watch at once. Without a command, the first one does.
//!
//! Handlers set flags and nothing else; [`Signals::poll`] reads them between events.

use nix::sys::signal::Signal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXFSZ};
use signal_hook::flag;
use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const WATCHED: [i32; 4] = [SIGINT, SIGQUIT, SIGTERM, SIGHUP];

/// What to do about a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// The command has got it as well; go on.
    Wait,
    /// Send it to the command; go on.
    Forward(i32),
    /// Detach, sum up, end.
    Stop,
}

/// The signals of this process.
#[derive(Debug)]
pub(crate) struct Signals {
    flags: [Arc<AtomicBool>; WATCHED.len()],
    ending: Arc<AtomicBool>,
    stopped_by: Cell<Option<i32>>,
    told: Cell<bool>,
    /// SIGHUP is for the policy; and whether it came.
    rereads: Cell<bool>,
    reread: Cell<bool>,
}

impl Signals {
    /// Installs the handlers.
    ///
    /// # Errors
    /// When the kernel refuses a handler.
    pub(crate) fn install() -> io::Result<Self> {
        let ending = Arc::<AtomicBool>::default();
        let flags = std::array::from_fn(|_| Arc::<AtomicBool>::default());
        for (signal, flag) in WATCHED.iter().zip(&flags) {
            // Once the run is over and only the output is waited for, a signal ends the process.
            flag::register_conditional_default(*signal, Arc::clone(&ending))?;
            flag::register(*signal, Arc::clone(flag))?;
        }
        // A file size limit is an error of a write, not the end of the process.
        flag::register(SIGXFSZ, Arc::default())?;
        Ok(Self {
            flags,
            ending,
            stopped_by: Cell::new(None),
            told: Cell::new(false),
            rereads: Cell::new(false),
            reread: Cell::new(false),
        })
    }

    /// What came since the last time, each signal at most once.
    pub(crate) fn poll(&self, has_command: bool, mut act: impl FnMut(Action, i32)) {
        for (signal, flag) in WATCHED.iter().zip(&self.flags) {
            if flag.swap(false, Ordering::Relaxed) {
                if *signal == SIGHUP && self.rereads.get() {
                    self.reread.set(true);
                    continue;
                }
                let action = decide(*signal, has_command, self.told.replace(true));
                if action == Action::Stop && self.stopped_by.get().is_none() {
                    self.stopped_by.set(Some(*signal));
                }
                act(action, *signal);
            }
        }
    }

    /// From now on SIGHUP says that the policy's files are to be read again; it is not passed on.
    pub(crate) fn reread_on_hangup(&self) {
        self.rereads.set(true);
    }

    /// Whether they are to be read, once.
    pub(crate) fn take_reread(&self) -> bool {
        self.reread.take()
    }

    /// The signal that ended the watch.
    pub(crate) fn stopped_by(&self) -> Option<i32> {
        self.stopped_by.get()
    }

    /// From here on a signal ends the process: only the output is still waited for.
    pub(crate) fn release(&self) {
        self.ending.store(true, Ordering::Relaxed);
    }
}

fn decide(signal: i32, has_command: bool, again: bool) -> Action {
    match signal {
        _ if again || !has_command => Action::Stop,
        SIGTERM | SIGHUP => Action::Forward(signal),
        _ => Action::Wait,
    }
}

/// `SIGINT` for 2.
pub(crate) fn name(signal: i32) -> &'static str {
    Signal::try_from(signal).map_or("a signal", Signal::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_gets_a_chance_to_end_and_the_second_signal_stops() {
        assert_eq!(decide(SIGINT, true, false), Action::Wait);
        assert_eq!(decide(SIGQUIT, true, false), Action::Wait);
        assert_eq!(decide(SIGTERM, true, false), Action::Forward(SIGTERM));
        assert_eq!(decide(SIGHUP, true, false), Action::Forward(SIGHUP));
        for signal in WATCHED {
            assert_eq!(decide(signal, true, true), Action::Stop);
            assert_eq!(decide(signal, false, false), Action::Stop);
        }
    }
}

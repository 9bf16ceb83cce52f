//! A signal that ends waiting.

use nix::errno::Errno;
use std::mem::zeroed;
use std::ptr;
use std::time::Duration;

/// Bounds a blocking [`wait`](super::wait): while it is set, a signal interrupts the calling thread again and again.
///
/// `SIGURG` with an empty handler: ignored by default, so that nothing happens should it come late.
#[derive(Debug)]
pub struct Alarm {
    timer: libc::timer_t,
}

extern "C" fn ring(_signal: libc::c_int) {}

impl Alarm {
    /// An alarm for the calling thread, not set.
    ///
    /// # Errors
    /// When the kernel has no timer left.
    pub fn new() -> Result<Self, Errno> {
        // SAFETY: all-zero structs are valid; the handler does nothing, which is async-signal-safe; the timer id is
        // written to live memory.
        unsafe {
            let mut action: libc::sigaction = zeroed();
            action.sa_sigaction = ring as extern "C" fn(libc::c_int) as usize;
            // No SA_RESTART: waitpid has to return.
            if libc::sigaction(libc::SIGURG, &raw const action, ptr::null_mut()) != 0 {
                return Err(Errno::last());
            }
            let mut set: libc::sigset_t = zeroed();
            libc::sigemptyset(&raw mut set);
            libc::sigaddset(&raw mut set, libc::SIGURG);
            libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, ptr::null_mut());
            let mut event: libc::sigevent = zeroed();
            event.sigev_notify = libc::SIGEV_THREAD_ID;
            event.sigev_signo = libc::SIGURG;
            event.sigev_notify_thread_id = libc::gettid();
            let mut timer: libc::timer_t = ptr::null_mut();
            match libc::timer_create(libc::CLOCK_MONOTONIC, &raw mut event, &raw mut timer) {
                0 => Ok(Self { timer }),
                _ => Err(Errno::last()),
            }
        }
    }

    /// Rings every `period` from now on; never with `None`.
    ///
    /// Every period, and not once: a ring just before the wait begins would be missed.
    pub fn set(&self, period: Option<Duration>) {
        let at_least = |period: Duration| period.max(Duration::from_micros(100));
        let period = period.map_or(Duration::ZERO, at_least);
        let time = libc::timespec {
            tv_sec: i64::try_from(period.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(period.subsec_nanos()),
        };
        let spec = libc::itimerspec { it_interval: time, it_value: time };
        // SAFETY: a live timer of ours and a live, valid specification.
        unsafe { libc::timer_settime(self.timer, 0, &raw const spec, ptr::null_mut()) };
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        // SAFETY: the timer is ours and not used after this.
        unsafe { libc::timer_delete(self.timer) };
    }
}

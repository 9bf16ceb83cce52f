//! The reader of a BPF ring buffer.
//!
//! One consumer, any number of producing CPUs; records come in the order in which their space was reserved. The
//! reader never blocks a producer: a full ring makes the kernel side fail its reserve and count the loss.
//!
//! # Minimum kernel
//! 5.8.

use aya::maps::{MapData, RingBuf};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

/// A ring buffer mapped into this process.
#[expect(missing_debug_implementations, reason = "the map type of the library has none")]
pub struct Ring(RingBuf<MapData>);

impl Ring {
    pub(crate) fn new(inner: RingBuf<MapData>) -> Self {
        Self(inner)
    }

    /// Hands at most `limit` waiting records to `each`; returns how many there were.
    ///
    /// A record's space is free again when `each` returns.
    pub fn drain(&mut self, limit: usize, each: &mut dyn FnMut(&[u8])) -> usize {
        let mut n = 0;
        while n < limit {
            let Some(record) = self.0.next() else { break };
            each(&record);
            n += 1;
        }
        n
    }

    /// Waits until the kernel side wakes the reader or `timeout` has passed. Waking is up to the programs: they
    /// may leave records in the ring without it, so look after a time-out as well.
    ///
    /// # Cancel safety
    /// A signal ends the wait early.
    pub fn wait(&self, timeout: Duration) {
        // SAFETY: the descriptor lives as long as `self`, which the borrow keeps.
        let fd = unsafe { BorrowedFd::borrow_raw(self.0.as_raw_fd()) };
        let timeout = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
        // An error is a signal or a broken descriptor; either way the caller looks at the ring next.
        let _ = poll(&mut [PollFd::new(fd, PollFlags::POLLIN)], timeout);
    }
}

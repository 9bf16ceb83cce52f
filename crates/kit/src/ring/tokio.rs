//! A ring buffer as a source of a tokio runtime.

use super::{Ring, Tally};
use std::io;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A ring buffer that is read by a task. Must be made and used within a tokio runtime with I/O enabled.
#[derive(Debug)]
pub struct AsyncRing {
    inner: AsyncFd<Ring>,
}

impl AsyncRing {
    /// Registers the ring with the runtime.
    ///
    /// # Panics
    /// Outside of a runtime.
    ///
    /// # Errors
    /// When the runtime's `epoll` refuses the descriptor.
    pub fn new(ring: Ring) -> io::Result<Self> {
        // SAFETY: a ring owns its descriptor and keeps the same one as long as it lives; the ring itself is reached
        // only by `drain_now`, `tally` and, taken out of this, `into_inner`.
        let inner = unsafe { AsyncFd::register_with_interest(ring, Interest::READABLE)? };
        Ok(Self { inner })
    }

    /// Waits until there are records, then hands at most `limit` of them to `each`; returns how many there were, at
    /// least one unless `limit` is zero.
    ///
    /// Records that a program writes without waking the reader are not waited for: put a time-out around this, and
    /// look by [`AsyncRing::drain_now`] after it.
    ///
    /// # Cancel safety
    /// Dropped while it waits, it has read nothing.
    ///
    /// # Errors
    /// When the runtime is shut down.
    pub async fn drain(&mut self, limit: usize, each: &mut (dyn FnMut(&[u8]) + Send)) -> io::Result<usize> {
        loop {
            let read = self.drain_now(limit, each);
            if read > 0 || limit == 0 {
                return Ok(read);
            }
            let mut ready = self.inner.readable_mut().await?;
            let read = ready.get_inner_mut().drain(limit, each);
            if read > 0 {
                return Ok(read);
            }
            // Nothing is there, or it is being written: the kernel tells when that changes, also if it has by now.
            ready.clear_ready();
        }
    }

    /// As [`Ring::drain`]: never waits.
    pub fn drain_now(&mut self, limit: usize, each: &mut (dyn FnMut(&[u8]) + Send)) -> usize {
        self.inner.get_mut().drain(limit, each)
    }

    /// As [`Ring::tally`].
    pub fn tally(&self) -> Tally {
        self.inner.get_ref().tally()
    }

    /// The ring, out of the runtime.
    pub fn into_inner(self) -> Ring {
        self.inner.into_inner()
    }
}

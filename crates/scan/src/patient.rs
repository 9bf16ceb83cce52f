//! A pipe that someone may or may not write to: waited for, but not beyond the end of the scan.

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};

/// How often it is asked whether to go on waiting.
const WAIT_MS: u16 = 100;

/// Reads what comes; fails when `stop` is set.
pub(crate) struct Patient<'a, R> {
    pub(crate) reader: R,
    pub(crate) stop: &'a AtomicBool,
}

impl<R: Read + AsFd> Read for Patient<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(io::Error::other("the scan was stopped"));
            }
            let mut wanted = [PollFd::new(self.reader.as_fd(), PollFlags::POLLIN)];
            match poll(&mut wanted, PollTimeout::from(WAIT_MS)) {
                Ok(0) | Err(Errno::EINTR) => continue,
                Err(error) => return Err(error.into()),
                Ok(_) => {}
            }
            match self.reader.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
        }
    }
}

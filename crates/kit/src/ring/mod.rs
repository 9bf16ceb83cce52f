//! The reader of a BPF ring buffer.
//!
//! One consumer, any number of producing CPUs; records come in the order in which their space was reserved. The
//! reader never blocks a producer: a full ring makes the kernel side fail its reserve and count the loss, which it
//! alone can do. Here is counted what came ([`Ring::tally`]) and how full the ring is ([`Ring::waiting_bytes`]).
//!
//! The ring is mapped once; a record is read where the kernel wrote it, also across the end of the ring, because its
//! pages are mapped twice in a row. Space is given back a batch at a time: each time costs the producers a cache miss.
//!
//! # Memory ordering
//! The protocol is that of the kernel's `Documentation/bpf/ringbuf.rst` and `kernel/bpf/ringbuf.c`:
//!
//! - The kernel publishes the producer's position, with release, when the space of a record is reserved; the busy bit
//!   is set in its header by then. It clears the bit when the record is submitted, with a full barrier (`xchg`).
//!   Position and header are read here with acquire, so that a record without the bit is seen whole.
//! - The consumer's position is published with release, after the last read of what lies before it; the kernel reads it
//!   with acquire before it reuses the space.
//! - The kernel wakes the reader only for a record that lies exactly where it reads the consumer's position. So after
//!   publishing that, the reader looks at the next header *again*, behind a full fence: either it sees the record, or
//!   the kernel sees the position. Without the fence both could miss, and the reader would sleep on a record.
//!
//! ```no_run
//! use kernscope_kit::ring::Ring;
//! use std::time::Duration;
//!
//! let mut ring = Ring::create("events", 1 << 20)?;
//! // Load programs that write to `ring`, then:
//! loop {
//!     while ring.drain(1024, &mut |record| println!("{} bytes", record.len())) > 0 {}
//!     ring.wait(Duration::from_secs(1));
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Minimum kernel
//! 5.8.

mod pages;
mod reader;
#[cfg(feature = "tokio")]
mod tokio;

#[cfg(feature = "tokio")]
pub use self::tokio::AsyncRing;
pub use reader::Tally;

use crate::load::{LoadError, Map};
use crate::program::{MapSpec, MapType};
use crate::sys;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use pages::Pages;
use reader::Reader;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

/// How long a record that is being written is left alone.
const PAUSE: Duration = Duration::from_micros(50);

/// A ring buffer mapped into this process. There must be no other reader of it.
#[derive(Debug)]
pub struct Ring {
    fd: OwnedFd,
    reader: Reader<Pages>,
}

impl Ring {
    /// Makes a ring buffer of so many bytes: a power of two, at least a page.
    ///
    /// # Privileges
    /// `CAP_BPF`.
    ///
    /// # Errors
    /// When the size is no such number, or the kernel refuses the map.
    pub fn create(name: &str, bytes: u32) -> Result<Self, LoadError> {
        let map = Map::create(&Self::spec(name, bytes))?;
        Self::of(&map).map_err(|err| LoadError::new("map ring", name, err))
    }

    /// A ring buffer as one of a program's maps.
    pub fn spec(name: &str, bytes: u32) -> MapSpec {
        MapSpec {
            name: name.to_owned(),
            map_type: MapType::RingBuf,
            key_size: 0,
            value_size: 0,
            max_entries: bytes,
            flags: 0,
            entries: Vec::new(),
        }
    }

    /// Maps the ring buffer behind a descriptor, which is duplicated.
    ///
    /// # Errors
    /// `EINVAL` when it is no ring buffer, else the errno of `mmap`.
    pub fn of(map: &impl AsFd) -> io::Result<Self> {
        let fd = map.as_fd().try_clone_to_owned()?;
        let info = sys::map_info(fd.as_fd())?;
        if info.map_type != MapType::RingBuf as u32 {
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        }
        let pages = Pages::map(fd.as_fd(), info.max_entries)?;
        Ok(Self { fd, reader: Reader::new(pages) })
    }

    /// Hands at most `limit` waiting records to `each`; returns how many there were. Fewer than `limit`: there was
    /// nothing more to read. Never waits.
    ///
    /// The space of a record is free again some time between the return of `each` and the return of this.
    pub fn drain(&mut self, limit: usize, each: &mut dyn FnMut(&[u8])) -> usize {
        self.reader.drain(limit, each)
    }

    /// Waits until the kernel side wakes the reader or `timeout` has passed. Waking is up to the programs: they
    /// may leave records in the ring without it, so look after a time-out as well.
    ///
    /// # Cancel safety
    /// A signal ends the wait early.
    pub fn wait(&self, timeout: Duration) {
        let start = Instant::now();
        // A record that is reserved makes the descriptor readable, though there is nothing to read before its program
        // has finished it; that takes a moment only.
        while self.reader.head_is_busy() {
            if start.elapsed() >= timeout {
                return;
            }
            std::thread::sleep(PAUSE);
        }
        let left = TimeSpec::from_duration(timeout.saturating_sub(start.elapsed()));
        // An error is a signal or a broken descriptor; either way the caller looks at the ring next.
        let _ = ppoll(&mut [PollFd::new(self.as_fd(), PollFlags::POLLIN)], Some(left), None);
    }

    /// What was read so far.
    pub fn tally(&self) -> Tally {
        self.reader.tally()
    }

    /// Bytes of the ring that are taken: records to be read, being written, and discarded, with their headers.
    pub fn waiting_bytes(&self) -> u64 {
        self.reader.waiting_bytes()
    }

    /// Bytes of the ring.
    pub fn size_bytes(&self) -> u64 {
        self.reader.size_bytes()
    }
}

/// The map, for programs to write to and for `epoll`.
impl AsFd for Ring {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Ring {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

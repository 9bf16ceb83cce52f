//! Frames of an interface as a packet socket gives them (`AF_PACKET`, `TPACKET_V3`): both directions, in order.
//!
//! The kernel writes frames into blocks of memory that is shared with this process, and hands a block over when it is full or
//! [`RETIRE_MS`] old. There is no copy and no system call for a frame. A frame for which no block is free is dropped, and
//! counted by the kernel ([`Tap::tally`]).
//!
//! ```no_run
//! use kernscope_kit::attach::Interface;
//! use kernscope_kit::packet::Tap;
//! use std::time::Duration;
//!
//! let mut tap = Tap::open(&Interface::find("eth0")?, 64, false)?;
//! tap.wait(Duration::from_secs(1));
//! while tap.drain(&mut |frame| println!("{} bytes", frame.bytes.len())) > 0 {}
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Minimum kernel
//! 3.2.
//!
//! # Privileges
//! `CAP_NET_RAW` to open it, none afterwards.

mod block;
mod pages;
mod socket;

use crate::attach::{AttachError, Interface};
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use pages::Pages;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

pub use block::Frame;

/// Bytes of a block: many frames, and room for the longest that offloading makes (64 KiB).
pub const BLOCK_BYTES: usize = 1 << 18;
/// A block is handed over when it is so old, full or not.
pub const RETIRE_MS: u32 = 20;

/// Frames by what became of them, since the tap was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Frames that came, dropped ones among them; the kernel counts them.
    pub came: u64,
    /// Frames for which there was no room.
    pub dropped: u64,
    /// Frames that were handed to the reader.
    pub read: u64,
    /// Frames in blocks that were not as they should be; none, unless the kernel changes.
    pub unreadable: u64,
}

/// An open packet socket with its blocks.
#[derive(Debug)]
pub struct Tap {
    fd: OwnedFd,
    pages: Pages,
    next: usize,
    tally: Tally,
    hardware: u16,
}

impl Tap {
    /// Opens a tap on an interface with so many blocks. `promiscuous`: frames for other machines too, as long as it is open.
    ///
    /// # Errors
    /// `EPERM` without `CAP_NET_RAW`, `ENOMEM` where so many blocks are too many.
    pub fn open(interface: &Interface, blocks: u32, promiscuous: bool) -> Result<Self, AttachError> {
        let failed = |err: io::Error| {
            let error = AttachError::new("open packet socket on", interface, err);
            let denied = error.code() == libc::EPERM;
            if denied { error.fix("needs CAP_NET_RAW: run as root, or grant it") } else { error }
        };
        let fd = socket::open().map_err(failed)?;
        socket::make_blocks(fd.as_fd(), BLOCK_BYTES as u32, blocks, RETIRE_MS).map_err(failed)?;
        let pages = Pages::map(fd.as_fd(), BLOCK_BYTES, blocks as usize).map_err(failed)?;
        if promiscuous {
            socket::be_promiscuous(fd.as_fd(), interface.index()).map_err(failed)?;
        }
        let hardware = socket::bind(fd.as_fd(), interface.index()).map_err(failed)?;
        Ok(Self { fd, pages, next: 0, tally: Tally::default(), hardware })
    }

    /// What sort of hardware the interface is (`ARPHRD_*`): 1 for Ethernet.
    pub fn hardware(&self) -> u16 {
        self.hardware
    }

    /// Waits for a block, or so long.
    ///
    /// # Cancel safety
    /// A signal ends the wait early.
    pub fn wait(&self, timeout: Duration) {
        let timeout = TimeSpec::from_duration(timeout);
        // An error is a signal, or that the interface went down; either way the blocks are looked at next.
        let _ = ppoll(&mut [PollFd::new(self.fd.as_fd(), PollFlags::POLLIN)], Some(timeout), None);
        // An error of the interface is told once, and would make every wait return at once until it is taken.
        let _taken = socket::take_error(self.fd.as_fd());
    }

    /// Hands the frames of one block to `each`, if one is there; how many there were.
    pub fn drain(&mut self, each: &mut dyn FnMut(Frame<'_>)) -> usize {
        let Some(block) = self.pages.block(self.next) else { return 0 };
        let (read, told) = block::frames(block, each);
        self.pages.give_back(self.next);
        self.next = (self.next + 1) % self.pages.blocks();
        self.tally.read += read;
        self.tally.unreadable += told - read;
        told.max(1) as usize
    }

    /// Frames by what became of them, up to now. Those that the kernel holds in a block are in `came` and not yet in `read`.
    ///
    /// # Errors
    /// The errno of `PACKET_STATISTICS`.
    pub fn tally(&mut self) -> io::Result<Tally> {
        // The kernel counts anew from each reading on.
        let (came, dropped) = socket::statistics(self.fd.as_fd())?;
        self.tally.came += u64::from(came);
        self.tally.dropped += u64::from(dropped);
        Ok(self.tally)
    }

    /// Lets no further frame in. What came is still to be drained.
    ///
    /// # Errors
    /// The errno of the filter that does it.
    pub fn stop(&self) -> io::Result<()> {
        socket::let_nothing_in(self.fd.as_fd())
    }
}

impl AsFd for Tap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Frames for other machines come in by an interface as long as this is held.
#[derive(Debug)]
pub struct Promiscuous {
    _fd: OwnedFd,
}

impl Promiscuous {
    /// Asks the interface for all frames.
    ///
    /// # Errors
    /// `EPERM` without `CAP_NET_RAW`.
    pub fn hold(interface: &Interface) -> Result<Self, AttachError> {
        let asked = socket::open().and_then(|fd| {
            socket::be_promiscuous(fd.as_fd(), interface.index())?;
            Ok(Self { _fd: fd })
        });
        asked.map_err(|err| AttachError::new("ask for all frames of", interface, err))
    }
}

/// What sort of hardware an interface is (`ARPHRD_*`): 1 for Ethernet.
///
/// # Errors
/// `EPERM` without `CAP_NET_RAW`.
pub fn hardware(interface: &Interface) -> Result<u16, AttachError> {
    let asked = socket::open().and_then(|fd| {
        socket::let_nothing_in(fd.as_fd())?;
        socket::bind(fd.as_fd(), interface.index())
    });
    asked.map_err(|err| AttachError::new("ask for the hardware of", interface, err))
}

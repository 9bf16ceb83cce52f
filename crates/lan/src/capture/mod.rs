//! Frames from capture files: pcap and pcapng, either byte order, any clock resolution.
//!
//! A [`Capture`] reads from any [`Read`] in one pass and holds one frame at a time. A file that breaks gives what came
//! before the break, then one [`Fault`] that says where and why. No length in a file makes more memory than
//! [`FRAME_BYTES_MAX`].

mod pcap;
mod pcapng;
mod source;

use source::Source;
use std::io::Read;

/// Longest frame or block that is believed.
pub const FRAME_BYTES_MAX: usize = 16 << 20;

/// How the first bytes of a frame are to be read (the registry of link types, tcpdump.org).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LinkType {
    /// Ethernet.
    Ethernet,
    /// Linux "cooked" capture, version 1.
    LinuxSll,
    /// Linux "cooked" capture, version 2.
    LinuxSll2,
    /// An IPv4 or IPv6 packet and nothing before it.
    RawIp,
    /// Anything else, by number: counted, not read.
    Other(u16),
}

impl LinkType {
    fn new(number: u16) -> Self {
        match number {
            1 => Self::Ethernet,
            113 => Self::LinuxSll,
            276 => Self::LinuxSll2,
            12 | 14 | 101 | 228 | 229 => Self::RawIp,
            other => Self::Other(other),
        }
    }
}

/// One captured frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Nanoseconds since 1970; 0 where the file does not say.
    pub ts_ns: u64,
    /// How to read it.
    pub link: LinkType,
    /// As many bytes as were captured.
    pub bytes: &'a [u8],
    /// Bytes that it had on the wire.
    pub wire_bytes: u32,
}

/// A frame of an interface begins with Ethernet's header, and its time is the kernel's.
impl<'a> From<kernscope_kit::packet::Frame<'a>> for Frame<'a> {
    fn from(frame: kernscope_kit::packet::Frame<'a>) -> Self {
        Self {
            ts_ns: frame.ts_ns,
            link: LinkType::Ethernet,
            bytes: frame.bytes,
            wire_bytes: frame.wire_bytes,
        }
    }
}

/// Why a file gives no more frames.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// It cannot be read.
    #[error("read: {0}")]
    Io(#[from] std::io::Error),
    /// It is empty.
    #[error("the file is empty")]
    Empty,
    /// It is something else.
    #[error("not a capture (starts with {0:02x?}); give a pcap or pcapng file")]
    NotCapture([u8; 4]),
    /// It ends within a frame or block.
    #[error("cut off at byte {0}, within a frame; what came before is used")]
    Cut(u64),
    /// A length or a field in it cannot be.
    #[error("broken at byte {at}: {why}; what came before is used")]
    Broken {
        /// Where the frame or block begins.
        at: u64,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// Gives the frames of one file in their order.
///
/// ```
/// use kernscope_lan::capture::{Capture, Fault};
/// assert!(matches!(Capture::open(&b""[..]).err(), Some(Fault::Empty)));
/// ```
#[derive(Debug)]
pub struct Capture<R> {
    source: Source<R>,
    format: Format,
}

#[derive(Debug)]
enum Format {
    Pcap(pcap::Pcap),
    Pcapng(pcapng::Pcapng),
}

impl<R: Read> Capture<R> {
    /// Reads the beginning of a file.
    ///
    /// # Errors
    /// [`Fault`] for what is no capture.
    pub fn open(reader: R) -> Result<Self, Fault> {
        let mut source = Source::new(reader);
        let magic: [u8; 4] = match source.fill(4)? {
            4 => source.array()?,
            0 => return Err(Fault::Empty),
            _ => return Err(Fault::Cut(0)),
        };
        let format = if magic == pcapng::SECTION_HEADER {
            Format::Pcapng(pcapng::Pcapng::open(&mut source)?)
        } else if let Some(pcap) = pcap::Pcap::open(magic, &mut source)? {
            Format::Pcap(pcap)
        } else {
            return Err(Fault::NotCapture(magic));
        };
        Ok(Self { source, format })
    }

    /// The next frame; `None` at the end.
    ///
    /// # Errors
    /// [`Fault`] where the file breaks. Nothing is to be had from it afterwards.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, Fault> {
        match &mut self.format {
            Format::Pcap(pcap) => pcap.next(&mut self.source),
            Format::Pcapng(pcapng) => pcapng.next(&mut self.source),
        }
    }
}

#[cfg(test)]
mod tests;

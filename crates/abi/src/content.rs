//! Body of events that carry data of a call.

use crate::Endpoint;
use crate::FileId;
use crate::pod::plain;

/// [`Content::source`]: bytes that a call read or received.
pub const CONTENT_IN: u32 = 0;
/// [`Content::source`]: bytes that a call wrote or sent.
pub const CONTENT_OUT: u32 = 1;

/// [`Content::offset`] where the place in a file is not known.
pub const NO_OFFSET: u64 = u64::MAX;

/// Body of [`crate::KIND_CONTENT`]. Section: `DATA`, which the host adds for the two ends of a copy that the kernel made. A
/// [`crate::KIND_PATH_HINT`] of the same thread comes before it, unless the file is a socket.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// The file, pipe or socket.
    pub file: FileId,
    /// The socket's other end; zero where there is none.
    pub remote: Endpoint,
    /// Where in the file the call's first byte lies; in what was moved so far by this process, if it is no regular file.
    pub offset: u64,
    /// Bytes that the call moved.
    pub call_bytes: u64,
    /// Where in the call the data begins; before it, as a negative number, where it begins with the end of the call before.
    pub at: u64,
    /// Bytes at the start of the data that were judged before, with the piece or the call before.
    pub overlap: u32,
    /// `CONTENT_*`.
    pub source: u32,
    /// The descriptor.
    pub fd: i32,
    /// Bytes at the end of the data that are judged again, and told then, with what follows; 0 at the end of what is judged of the call.
    pub again: u32,
}

plain! {
    Content = 88 { file @ 0, remote @ 24, offset @ 48, call_bytes @ 56, at @ 64, overlap @ 72, source @ 76, fd @ 80, again @ 84 }
}

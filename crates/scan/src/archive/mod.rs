//! What is in archives, read front to back in bounded memory.
//!
//! Formats are told by content, not by name. Readers of zip, tar and bzip2 are here; they trust nothing: lengths are checked, names
//! are bounded, and no member is held in memory unless another archive must be read backwards in it. Decoders of gzip,
//! zstd, xz and deflate are other people's, in Rust. [`Dig`] holds all that comes out of one file to its limits.

mod bzip2;
mod kind;
mod limits;
mod squeezed;
mod tar;
mod zip;

pub(crate) use kind::{HEAD_BYTES, Kind, Squeezed};
pub use limits::Limits;
pub(crate) use limits::{Dig, Limit, Metered};
pub(crate) use squeezed::decoder;
pub(crate) use tar::Tar;
pub(crate) use zip::{Entry, Zip};

use std::io::{self, Read};

/// An archive that is not as its format says.
fn broken(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Fills `buffer` as far as `reader` goes.
pub(crate) fn fill(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    match fill_some(reader, buffer) {
        (bytes, None) => Ok(bytes),
        (_, Some(error)) => Err(error),
    }
}

/// The same: so many bytes came, and what ended it if not the end.
pub(crate) fn fill_some(reader: &mut dyn Read, buffer: &mut [u8]) -> (usize, Option<io::Error>) {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(bytes) => filled += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (filled, Some(error)),
        }
    }
    (filled, None)
}

/// What is behind the first bytes: the rest of a reader, or why there is none.
pub(crate) enum Rest<R> {
    Of(R),
    None(Option<io::Error>),
}

impl<R> Rest<R> {
    pub(crate) fn new(reader: R, error: Option<io::Error>) -> Self {
        if error.is_some() { Self::None(error) } else { Self::Of(reader) }
    }
}

impl<R: Read> Read for Rest<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Of(reader) => reader.read(buffer),
            Self::None(error) => error.take().map_or(Ok(0), Err),
        }
    }
}

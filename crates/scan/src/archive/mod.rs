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
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(bytes) => filled += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

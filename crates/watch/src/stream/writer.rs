//! Writes a recording.

use super::{BYTE_ORDER, Header, MAGIC, StreamError, TRAILER, Trailer, TrailerJson};
use kernscope_abi as abi;
use serde::Serialize;
use std::io::Write;

/// Writes the header, then events, then the trailer. Give it a buffered writer.
pub struct Writer<'a> {
    out: Box<dyn Write + 'a>,
}

impl std::fmt::Debug for Writer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl<'a> Writer<'a> {
    /// Starts a recording.
    ///
    /// # Errors
    /// When the header cannot be written.
    pub fn new(out: impl Write + 'a, header: &Header) -> Result<Self, StreamError> {
        let mut writer = Self { out: Box::new(out) };
        let json = to_json(header)?;
        writer.put(&MAGIC)?;
        writer.put(&BYTE_ORDER.to_ne_bytes())?;
        writer.put(&abi::ABI_VERSION.to_ne_bytes())?;
        writer.put_json(&json)?;
        Ok(writer)
    }

    /// Adds an event, as the back end delivered it.
    ///
    /// # Errors
    /// When it cannot be written, or is none: one whose first field is not its size would make the rest unreadable.
    pub fn event(&mut self, event: &[u8]) -> Result<(), StreamError> {
        let size = event.get(..4).and_then(|size| size.try_into().ok()).map(u32::from_ne_bytes);
        let fits = event.len() >= size_of::<abi::Header>() && event.len() <= abi::MAX_EVENT;
        if !fits || size.is_none_or(|size| size as usize != event.len()) {
            let source = std::io::Error::other("an event does not have the size that it names");
            return Err(StreamError::Io { act: "write", source });
        }
        self.put(event)
    }

    /// Ends the recording.
    ///
    /// # Errors
    /// When the trailer cannot be written.
    pub fn finish(mut self, trailer: &Trailer) -> Result<(), StreamError> {
        let json = to_json(&TrailerJson::of(trailer))?;
        self.put(&TRAILER.to_ne_bytes())?;
        self.put_json(&json)?;
        self.out.flush().map_err(|source| StreamError::Io { act: "write", source })
    }

    fn put_json(&mut self, json: &[u8]) -> Result<(), StreamError> {
        self.put(&u32::try_from(json.len()).unwrap_or(u32::MAX).to_ne_bytes())?;
        self.put(json)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        self.out.write_all(bytes).map_err(|source| StreamError::Io { act: "write", source })
    }
}

fn to_json(value: &impl Serialize) -> Result<Vec<u8>, StreamError> {
    serde_json::to_vec(value).map_err(|error| StreamError::Io { act: "write", source: error.into() })
}

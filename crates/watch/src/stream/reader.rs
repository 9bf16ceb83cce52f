//! Reads a recording.

use super::{BYTE_ORDER, Header, MAGIC, MAX_JSON, StreamError, TRAILER, Trailer, TrailerJson};
use kernscope_abi as abi;
use serde::de::DeserializeOwned;
use std::io::{ErrorKind, Read};

/// What stands next in a recording.
#[derive(Debug)]
pub enum Item<'a> {
    /// A raw event.
    Event(&'a [u8]),
    /// The regular end.
    End(Box<Trailer>),
    /// The file stops here, without a trailer.
    Cut,
}

/// Reads the header, then events. Give it a buffered reader.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    header: Header,
    at: u64,
    event: Vec<u8>,
}

impl<R: Read> Reader<R> {
    /// Opens a recording.
    ///
    /// # Errors
    /// When it is none, or one of another machine or version.
    pub fn new(mut input: R) -> Result<Self, StreamError> {
        let mut at = 0;
        let mut magic = [0; MAGIC.len()];
        let start = fill(&mut input, &mut magic, &mut at)?;
        if !start || magic != MAGIC {
            return Err(StreamError::NotARecording);
        }
        match u32_at(&mut input, &mut at)? {
            Some(BYTE_ORDER) => {}
            Some(order) if order == BYTE_ORDER.swap_bytes() => return Err(StreamError::ByteOrder),
            _ => return Err(StreamError::NotARecording),
        }
        match u32_at(&mut input, &mut at)? {
            Some(abi::ABI_VERSION) => {}
            Some(found) => return Err(StreamError::Version { found }),
            None => return Err(StreamError::NotARecording),
        }
        let header = json(&mut input, &mut at)?.ok_or(StreamError::NotARecording)?;
        Ok(Self { input, header, at, event: Vec::new() })
    }

    /// What it says about its run.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The next item. After [`Item::End`] or [`Item::Cut`] comes [`Item::Cut`].
    ///
    /// # Errors
    /// When the file cannot be read or is damaged; what follows then cannot be found.
    pub fn next_item(&mut self) -> Result<Item<'_>, StreamError> {
        let at = self.at;
        let Some(size) = u32_at(&mut self.input, &mut self.at)? else { return Ok(Item::Cut) };
        if size == TRAILER {
            let trailer: Option<TrailerJson> = json(&mut self.input, &mut self.at)?;
            return Ok(trailer.map_or(Item::Cut, |json| Item::End(Box::new(json.into_trailer()))));
        }
        let size = size as usize;
        if !(size_of::<abi::Header>()..=abi::MAX_EVENT).contains(&size) {
            return Err(StreamError::Damaged { at, what: "no event has this size" });
        }
        self.event.resize(size, 0);
        let (head, rest) = self.event.split_at_mut(4);
        head.copy_from_slice(&u32::try_from(size).unwrap_or(u32::MAX).to_ne_bytes());
        Ok(if fill(&mut self.input, rest, &mut self.at)? { Item::Event(&self.event) } else { Item::Cut })
    }
}

/// Fills the buffer; `false` when the file ends before.
fn fill(input: &mut impl Read, buffer: &mut [u8], at: &mut u64) -> Result<bool, StreamError> {
    match input.read_exact(buffer) {
        Ok(()) => {
            *at += buffer.len() as u64;
            Ok(true)
        }
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(source) => Err(StreamError::Io { act: "read", source }),
    }
}

fn u32_at(input: &mut impl Read, at: &mut u64) -> Result<Option<u32>, StreamError> {
    let mut bytes = [0; 4];
    Ok(fill(input, &mut bytes, at)?.then(|| u32::from_ne_bytes(bytes)))
}

/// A length and that much JSON; `None` when the file ends before.
fn json<T: DeserializeOwned>(input: &mut impl Read, at: &mut u64) -> Result<Option<T>, StreamError> {
    let start = *at;
    let Some(len) = u32_at(input, at)? else { return Ok(None) };
    if len as usize > MAX_JSON {
        return Err(StreamError::Damaged { at: start, what: "header or trailer too long" });
    }
    let mut bytes = vec![0; len as usize];
    if !fill(input, &mut bytes, at)? {
        return Ok(None);
    }
    let damaged = |_| StreamError::Damaged { at: start, what: "header or trailer is not what it should be" };
    serde_json::from_slice(&bytes).map(Some).map_err(damaged)
}

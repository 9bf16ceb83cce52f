//! The bytes of messages and of their attributes.

use std::io;

/// `NLM_F_REQUEST | NLM_F_ACK`, which every request of ours has.
const REQUEST_ACK: u16 = 5;
/// Bytes of `struct nlmsghdr` and `struct nlattr`.
const HEADER: usize = 16;
const ATTR_HEADER: usize = 4;
/// Where the sequence number is.
const SEQ_AT: usize = 8;
/// `NLA_TYPE_MASK`: without the bits for nested and network byte order.
const TYPE_MASK: u16 = 0x3fff;

/// Everything starts at a multiple of four.
fn aligned(len: usize) -> usize {
    len.next_multiple_of(4)
}

/// A request, built from its header on.
#[derive(Clone, Debug)]
pub struct Request {
    bytes: Vec<u8>,
}

impl Request {
    /// `NLM_F_DUMP`: tell of all.
    pub const DUMP: u16 = 0x300;
    /// `NLM_F_CREATE | NLM_F_EXCL`: make it, and fail if it is there.
    pub const CREATE: u16 = 0x600;
    /// `NLM_F_ECHO`: tell what was made.
    pub const ECHO: u16 = 8;

    /// A request of this kind (`RTM_*`) with the fixed header of that kind.
    pub fn new(kind: u16, flags: u16, header: &[u8]) -> Self {
        let mut bytes = vec![0; HEADER];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[6..8].copy_from_slice(&(flags | REQUEST_ACK).to_ne_bytes());
        bytes.extend_from_slice(header);
        bytes.resize(aligned(bytes.len()), 0);
        let mut request = Self { bytes };
        request.set_length();
        request
    }

    /// Adds an attribute.
    #[must_use]
    pub fn attr(mut self, kind: u16, value: &[u8]) -> Self {
        let len = (ATTR_HEADER + value.len()) as u16;
        self.bytes.extend(len.to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend_from_slice(value);
        self.bytes.resize(aligned(self.bytes.len()), 0);
        self.set_length();
        self
    }

    /// Adds an attribute with attributes in it.
    #[must_use]
    pub fn nest(mut self, kind: u16, fill: impl FnOnce(Self) -> Self) -> Self {
        let at = self.bytes.len();
        self = fill(self.attr(kind, &[]));
        let len = (self.bytes.len() - at) as u16;
        self.bytes[at..at + 2].copy_from_slice(&len.to_ne_bytes());
        self
    }

    /// Adds bytes as they are: a fixed header inside a nest.
    #[must_use]
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend_from_slice(bytes);
        self.bytes.resize(aligned(self.bytes.len()), 0);
        self.set_length();
        self
    }

    /// The message with this sequence number.
    pub fn numbered(&self, seq: u32) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        bytes[SEQ_AT..SEQ_AT + 4].copy_from_slice(&seq.to_ne_bytes());
        bytes
    }

    fn set_length(&mut self) {
        let len = self.bytes.len() as u32;
        self.bytes[..4].copy_from_slice(&len.to_ne_bytes());
    }
}

/// A message from the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// `RTM_*`.
    pub kind: u16,
    /// What follows the common header.
    pub bytes: Vec<u8>,
}

impl Reply {
    /// The attributes behind a fixed header of this length.
    pub fn attributes(&self, header: usize) -> Attributes<'_> {
        Attributes(self.bytes.get(aligned(header)..).unwrap_or_default())
    }
}

/// Attributes, one after the other; ends at the first that is cut short.
#[derive(Clone, Copy, Debug)]
pub struct Attributes<'a>(&'a [u8]);

impl<'a> Attributes<'a> {
    /// The value of the first attribute of this kind.
    pub fn find(mut self, kind: u16) -> Option<&'a [u8]> {
        self.find_map(|(found, value)| (found == kind).then_some(value))
    }

    /// The attributes in an attribute.
    pub fn nested(value: &'a [u8]) -> Self {
        Self(value)
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let len = usize::from(u16::from_ne_bytes(*self.0.first_chunk()?));
        let kind = u16::from_ne_bytes(*self.0.get(2..)?.first_chunk()?);
        let value = self.0.get(ATTR_HEADER..len)?;
        self.0 = self.0.get(aligned(len)..).unwrap_or_default();
        Some((kind & TYPE_MASK, value))
    }
}

/// The messages in a datagram: sequence number and content.
pub(super) fn split(mut bytes: &[u8]) -> impl Iterator<Item = io::Result<(u32, Reply)>> + '_ {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let Some((seq, reply, len)) = first(bytes) else {
            bytes = &[];
            return Some(Err(io::ErrorKind::InvalidData.into()));
        };
        bytes = bytes.get(aligned(len)..).unwrap_or_default();
        Some(Ok((seq, reply)))
    })
}

fn first(bytes: &[u8]) -> Option<(u32, Reply, usize)> {
    let len = u32::from_ne_bytes(*bytes.first_chunk()?) as usize;
    let kind = u16::from_ne_bytes(*bytes.get(4..)?.first_chunk()?);
    let seq = u32::from_ne_bytes(*bytes.get(SEQ_AT..)?.first_chunk()?);
    let body = bytes.get(HEADER..len)?.to_vec();
    Some((seq, Reply { kind, bytes: body }, len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_is_read_back() {
        let request = Request::new(44, Request::CREATE, &[9; 5])
            .attr(1, b"bpf\0")
            .nest(2, |inner| inner.attr(6, &7u32.to_ne_bytes()).attr(8, &[1]))
            .attr(0x8003, &[]);
        let bytes = request.numbered(77);
        assert_eq!(bytes.len() % 4, 0);
        let messages: Vec<_> = split(&bytes).collect::<Result<_, _>>().expect("whole");
        let [(77, reply)] = &messages[..] else { panic!("{messages:?}") };
        let found: Vec<_> = reply.attributes(5).collect();
        assert_eq!(reply.kind, 44);
        assert_eq!(found.len(), 3);
        assert_eq!((found[0], found[2]), ((1, &b"bpf\0"[..]), (3, &[][..])));
        let inner: Vec<_> = Attributes::nested(found[1].1).collect();
        assert_eq!(inner, [(6, &7u32.to_ne_bytes()[..]), (8, &[1][..])]);
    }

    #[test]
    fn whatever_is_cut_short_ends_it() {
        let whole = Request::new(1, 0, &[1; 4]).attr(1, &[2; 8]).numbered(1);
        for len in 1..whole.len() {
            assert!(split(&whole[..len]).any(|message| message.is_err()), "{len}");
        }
        // Lengths that lie: shorter than a header, beyond the end, zero.
        for lie in [0u16, 3, 200] {
            let mut bytes = Reply { kind: 1, bytes: vec![0; 8] };
            bytes.bytes[..2].copy_from_slice(&lie.to_ne_bytes());
            assert_eq!(bytes.attributes(0).count(), 0, "{lie}");
        }
    }
}

//! Raw events: what a back end delivers, decoded and checked.
//!
//! The kernel writes the structs of [`kernscope_abi`] into the ring; the ptrace back end and the `/proc` scan
//! build the same; a recorded stream holds the same bytes. [`Event::decode`] takes bytes that anybody may have
//! written and never panics; [`Builder`] makes them.

use kernscope_abi as abi;
use kernscope_abi::pod::{self, Pod};
use std::mem::size_of;

/// A raw event, borrowed from the bytes it was decoded from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event<'a> {
    /// What all events have.
    pub header: abi::Header,
    /// What this kind of event has.
    pub body: Body,
    /// Strings and paths.
    pub sections: Sections<'a>,
}

/// The fixed part of an event, by kind.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "each variant holds the abi struct of the same name, documented there")]
pub enum Body {
    Fork(abi::Fork),
    Exec(abi::Exec),
    Strings(abi::Strings),
    ExecFail(abi::ExecFail),
    Exit(abi::Exit),
    Open(abi::Open),
    Close(abi::Close),
    PathOp(abi::PathOp),
    PathHint(abi::PathHint),
    Mmap(abi::Mmap),
    Net(abi::Net),
    UringSubmit(abi::UringSubmit),
    Snapshot(abi::Snapshot),
    Content(abi::Content),
    Tls(abi::Tls),
    TlsTarget(abi::TlsTarget),
    Dns(abi::Dns),
    Deny(abi::Deny),
    Stdio(abi::Content),
}

impl Body {
    /// The `KIND_*` number.
    pub fn kind(&self) -> u16 {
        match self {
            Self::Fork(_) => abi::KIND_FORK,
            Self::Exec(_) => abi::KIND_EXEC,
            Self::Strings(_) => abi::KIND_STRINGS,
            Self::ExecFail(_) => abi::KIND_EXEC_FAIL,
            Self::Exit(_) => abi::KIND_EXIT,
            Self::Open(_) => abi::KIND_OPEN,
            Self::Close(_) => abi::KIND_CLOSE,
            Self::PathOp(_) => abi::KIND_PATH_OP,
            Self::PathHint(_) => abi::KIND_PATH_HINT,
            Self::Mmap(_) => abi::KIND_MMAP,
            Self::Net(_) => abi::KIND_NET,
            Self::UringSubmit(_) => abi::KIND_URING_SUBMIT,
            Self::Snapshot(_) => abi::KIND_SNAPSHOT,
            Self::Content(_) => abi::KIND_CONTENT,
            Self::Tls(_) => abi::KIND_TLS,
            Self::TlsTarget(_) => abi::KIND_TLS_TARGET,
            Self::Dns(_) => abi::KIND_DNS,
            Self::Deny(_) => abi::KIND_DENY,
            Self::Stdio(_) => abi::KIND_STDIO,
        }
    }

    fn decode(kind: u16, bytes: &[u8]) -> Result<(Self, usize), DecodeError> {
        fn take<T: Pod>(bytes: &[u8], wrap: impl Fn(T) -> Body) -> Result<(Body, usize), DecodeError> {
            pod::read(bytes).map(|body| (wrap(body), size_of::<T>())).ok_or(DecodeError::Short)
        }
        match kind {
            abi::KIND_FORK => take(bytes, Self::Fork),
            abi::KIND_EXEC => take(bytes, Self::Exec),
            abi::KIND_STRINGS => take(bytes, Self::Strings),
            abi::KIND_EXEC_FAIL => take(bytes, Self::ExecFail),
            abi::KIND_EXIT => take(bytes, Self::Exit),
            abi::KIND_OPEN => take(bytes, Self::Open),
            abi::KIND_CLOSE => take(bytes, Self::Close),
            abi::KIND_PATH_OP => take(bytes, Self::PathOp),
            abi::KIND_PATH_HINT => take(bytes, Self::PathHint),
            abi::KIND_MMAP => take(bytes, Self::Mmap),
            abi::KIND_NET => take(bytes, Self::Net),
            abi::KIND_URING_SUBMIT => take(bytes, Self::UringSubmit),
            abi::KIND_SNAPSHOT => take(bytes, Self::Snapshot),
            abi::KIND_CONTENT => take(bytes, Self::Content),
            abi::KIND_TLS => take(bytes, Self::Tls),
            abi::KIND_TLS_TARGET => take(bytes, Self::TlsTarget),
            abi::KIND_DNS => take(bytes, Self::Dns),
            abi::KIND_DENY => take(bytes, Self::Deny),
            abi::KIND_STDIO => take(bytes, Self::Stdio),
            other => Err(DecodeError::Kind(other)),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Fork(body) => pod::bytes_of(body),
            Self::Exec(body) => pod::bytes_of(body),
            Self::Strings(body) => pod::bytes_of(body),
            Self::ExecFail(body) => pod::bytes_of(body),
            Self::Exit(body) => pod::bytes_of(body),
            Self::Open(body) => pod::bytes_of(body),
            Self::Close(body) => pod::bytes_of(body),
            Self::PathOp(body) => pod::bytes_of(body),
            Self::PathHint(body) => pod::bytes_of(body),
            Self::Mmap(body) => pod::bytes_of(body),
            Self::Net(body) => pod::bytes_of(body),
            Self::UringSubmit(body) => pod::bytes_of(body),
            Self::Snapshot(body) => pod::bytes_of(body),
            Self::Content(body) => pod::bytes_of(body),
            Self::Tls(body) => pod::bytes_of(body),
            Self::TlsTarget(body) => pod::bytes_of(body),
            Self::Dns(body) => pod::bytes_of(body),
            Self::Deny(body) => pod::bytes_of(body),
            Self::Stdio(body) => pod::bytes_of(body),
        }
    }
}

/// Why bytes are no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Fewer bytes than the header, its `size` or the body needs.
    #[error("event is shorter than its header says or its kind needs")]
    Short,
    /// A kind this version does not know.
    #[error("unknown event kind {0}")]
    Kind(u16),
    /// A section that reaches past the end.
    #[error("section reaches past the end of its event")]
    Section,
}

impl<'a> Event<'a> {
    /// Decodes one event from the start of `bytes`; what follows `header.size` is ignored.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that is not a whole, known event.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let header: abi::Header = pod::read(bytes).ok_or(DecodeError::Short)?;
        let whole = bytes.get(..header.size as usize).ok_or(DecodeError::Short)?;
        let rest = whole.get(size_of::<abi::Header>()..).ok_or(DecodeError::Short)?;
        let (body, used) = Body::decode(header.kind, rest)?;
        let sections = Sections::checked(&rest[used..])?;
        Ok(Self { header, body, sections })
    }

    /// The thread's name without its padding.
    pub fn comm(&self) -> &[u8] {
        let comm = self.header.comm.as_slice();
        // A copy of the array lives in `self`; find the length only.
        let len = comm.iter().position(|&b| b == 0).unwrap_or(comm.len());
        &comm[..len]
    }
}

/// The checked tail of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sections<'a>(&'a [u8]);

/// One section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sec<'a> {
    /// `SEC_*`.
    pub tag: u8,
    /// `SECF_*`.
    pub flags: u8,
    /// The bytes.
    pub bytes: &'a [u8],
}

impl Sec<'_> {
    /// Whether all of `flags` are set.
    pub fn has(&self, flags: u8) -> bool {
        self.flags & flags == flags
    }
}

/// Bytes behind the header of a section.
fn len(head: &abi::Section) -> usize {
    let more = if head.flags & abi::SECF_LONG == 0 { 0 } else { 1 << 16 };
    usize::from(head.len) + more
}

impl<'a> Sections<'a> {
    fn checked(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let head: abi::Section = pod::read(rest).ok_or(DecodeError::Section)?;
            rest = rest.get(size_of::<abi::Section>() + len(&head)..).ok_or(DecodeError::Section)?;
        }
        Ok(Self(bytes))
    }

    /// The sections in order.
    pub fn iter(&self) -> impl Iterator<Item = Sec<'a>> + use<'a> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let head: abi::Section = pod::read(rest)?;
            let bytes = rest.get(size_of::<abi::Section>()..)?.get(..len(&head))?;
            rest = &rest[size_of::<abi::Section>() + bytes.len()..];
            Some(Sec { tag: head.tag, flags: head.flags, bytes })
        })
    }

    /// The first section with this tag.
    pub fn get(&self, tag: u8) -> Option<Sec<'a>> {
        self.iter().find(|sec| sec.tag == tag)
    }
}

/// Makes the bytes of one event.
///
/// ```
/// use kernscope_abi as abi;
/// use kernscope_watch::raw::{Body, Builder, Event};
/// let header = abi::Header { pid: 1, tid: 1, ..Default::default() };
/// let body = Body::ExecFail(abi::ExecFail { ret: -2, dirfd: -100 });
/// let bytes = Builder::new(header, body).section(abi::SEC_RAW, 0, b"./nothing").finish();
/// let event = Event::decode(&bytes).unwrap();
/// assert_eq!(event.body, body);
/// assert_eq!(event.sections.get(abi::SEC_RAW).unwrap().bytes, b"./nothing");
/// ```
#[derive(Debug)]
pub struct Builder(Vec<u8>);

impl Builder {
    /// Starts an event; `header.kind` and `header.size` are set here.
    pub fn new(mut header: abi::Header, body: Body) -> Self {
        header.kind = body.kind();
        let mut bytes = pod::bytes_of(&header).to_vec();
        bytes.extend_from_slice(body.bytes());
        Self(bytes)
    }

    /// Starts from an event that was delivered, to add sections to it.
    pub fn extend(event: &[u8]) -> Self {
        Self(event.to_vec())
    }

    /// Adds a section; bytes beyond [`abi::MAX_EVENT`] are cut and the section is marked.
    #[must_use]
    pub fn section(mut self, tag: u8, mut flags: u8, bytes: &[u8]) -> Self {
        let room = abi::MAX_EVENT.saturating_sub(self.0.len() + size_of::<abi::Section>());
        let len = bytes.len().min(room);
        if len < bytes.len() {
            flags |= abi::SECF_TRUNCATED;
        }
        if len > usize::from(u16::MAX) {
            flags |= abi::SECF_LONG;
        }
        let head = abi::Section { tag, flags, len: len as u16 };
        self.0.extend_from_slice(pod::bytes_of(&head));
        self.0.extend_from_slice(&bytes[..len]);
        self
    }

    /// The bytes, with their size in the header.
    pub fn finish(mut self) -> Vec<u8> {
        let size = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        self.0[..4].copy_from_slice(&size.to_ne_bytes());
        self.0
    }
}

/// Turns an absolute path into the form of a dentry walk: names from leaf to root, each followed by NUL.
pub fn walk_from_path(path: &[u8]) -> Vec<u8> {
    let mut walk = Vec::with_capacity(path.len() + 1);
    for name in path.split(|&b| b == b'/').rev().filter(|name| !name.is_empty()) {
        walk.extend_from_slice(name);
        walk.push(0);
    }
    walk
}

/// Turns a dentry walk into an absolute path; `/` for an empty one.
pub fn path_from_walk(walk: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(walk.len() + 1);
    let names = walk.strip_suffix(&[0]).unwrap_or(walk);
    if names.is_empty() {
        return b"/".to_vec();
    }
    for name in names.rsplit(|&b| b == 0) {
        path.push(b'/');
        path.extend_from_slice(name);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_and_paths_are_inverse() {
        for path in [&b"/"[..], b"/etc/hostname", b"/a/\xff/c d"] {
            assert_eq!(path_from_walk(&walk_from_path(path)), path);
        }
        assert_eq!(path_from_walk(b"hostname\0etc\0"), b"/etc/hostname");
    }

    #[test]
    fn every_cut_of_an_event_is_refused() {
        let body = Body::Open(abi::Open { ret: 3, ..Default::default() });
        let bytes = Builder::new(abi::Header::default(), body).section(abi::SEC_RAW, 0, b"x").finish();
        assert!(Event::decode(&bytes).is_ok());
        for len in 0..bytes.len() {
            assert_eq!(Event::decode(&bytes[..len]), Err(DecodeError::Short), "{len}");
        }
    }

    #[test]
    fn a_section_may_be_longer_than_its_length_says_and_is_cut_where_an_event_ends() {
        for bytes in [65_535, 65_536, 66_560, 2 * abi::MAX_EVENT] {
            let data: Vec<u8> = (0..bytes).map(|number| number as u8).collect();
            let body = Body::Exit(abi::Exit::default());
            let event = Builder::new(abi::Header::default(), body).section(abi::SEC_DATA, 0, &data);
            let event = event.section(abi::SEC_RAW, 0, b"x").finish();
            let sections = Event::decode(&event).expect("an event").sections;
            let section = sections.get(abi::SEC_DATA).expect("the data");
            let is_whole = bytes < abi::MAX_EVENT;
            assert_eq!(section.bytes, &data[..section.bytes.len()]);
            assert_eq!(
                (section.bytes.len() == bytes, section.has(abi::SECF_TRUNCATED)),
                (is_whole, !is_whole)
            );
            assert_eq!(sections.get(abi::SEC_RAW).is_some_and(|raw| raw.bytes == b"x"), is_whole);
            assert_eq!(Event::decode(&event[..event.len() - 1]), Err(DecodeError::Short));
        }
    }

    #[test]
    fn a_lying_section_is_refused() {
        let body = Body::Exit(abi::Exit::default());
        let mut bytes = Builder::new(abi::Header::default(), body).section(abi::SEC_RAW, 0, b"x").finish();
        let len_at = bytes.len() - 3;
        bytes[len_at] = 9;
        assert_eq!(Event::decode(&bytes), Err(DecodeError::Section));
    }

    #[test]
    fn an_unknown_kind_is_refused() {
        let mut bytes = Builder::new(abi::Header::default(), Body::Exit(abi::Exit::default())).finish();
        bytes[4] = 200;
        assert_eq!(Event::decode(&bytes), Err(DecodeError::Kind(200)));
    }
}

//! Formats, told by the first bytes.

use super::tar;

/// Bytes that tell the format: a block of tar.
pub(crate) const HEAD_BYTES: usize = 512;

/// What data is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A stream made smaller.
    Squeezed(Squeezed),
    Tar,
    Zip,
    /// An archive that is not opened: its name.
    Closed,
    /// No archive.
    Plain,
}

/// How a stream was made smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Squeezed {
    Gzip,
    Zstd,
    Xz,
    Bzip2,
    /// Within a zip alone.
    Deflate,
    /// Within a zip alone: as it is.
    Stored,
}

/// First bytes, and what has them.
const MAGICS: [(&[u8], Kind); 15] = [
    (b"\x1f\x8b\x08", Kind::Squeezed(Squeezed::Gzip)),
    (b"\x28\xb5\x2f\xfd", Kind::Squeezed(Squeezed::Zstd)),
    (b"\xfd7zXZ\0", Kind::Squeezed(Squeezed::Xz)),
    (b"PK\x03\x04", Kind::Zip),
    (b"PK\x05\x06", Kind::Zip),
    (b"BZh", Kind::Squeezed(Squeezed::Bzip2)),
    (b"7z\xbc\xaf\x27\x1c", Kind::Closed),
    (b"Rar!\x1a\x07", Kind::Closed),
    (b"!<arch>\n", Kind::Closed),
    (b"\x04\x22\x4d\x18", Kind::Closed),
    (b"\x1f\x9d", Kind::Closed),
    (b"\xed\xab\xee\xdb", Kind::Closed),
    (b"MSCF\0\0\0\0", Kind::Closed),
    (b"hsqs", Kind::Closed),
    (b"07070", Kind::Closed),
];

/// What a stream of bzip2 has behind its first four bytes: a block, or its end.
const BZIP2: [&[u8]; 2] = [b"1AY&SY", b"\x17rE8P\x90"];

impl Kind {
    /// Of data that begins so.
    pub(crate) fn of(head: &[u8]) -> Self {
        let known = MAGICS.iter().find(|(magic, _)| head.starts_with(magic));
        match known {
            // Text may begin with these letters.
            Some((b"BZh", _)) if !BZIP2.contains(&head.get(4..10).unwrap_or_default()) => Self::Plain,
            Some((b"07070", _)) if !matches!(head.get(5), Some(b'1' | b'2' | b'7')) => Self::Plain,
            Some((_, kind)) => *kind,
            None if tar::is_header(head) => Self::Tar,
            None => Self::Plain,
        }
    }
}

//! zip: by its central directory, entry by entry, zip64 included.
//!
//! Source: PKWARE's APPNOTE.TXT 6.3.10, 4.3 to 4.5. Of the directory one entry is in memory at a time.

use super::{Squeezed, broken, fill};
use flate2::Crc;
use std::io::{self, Read, Seek, SeekFrom};

const END: [u8; 4] = *b"PK\x05\x06";
const END64: [u8; 4] = *b"PK\x06\x06";
const LOCATOR64: [u8; 4] = *b"PK\x06\x07";
const ENTRY: [u8; 4] = *b"PK\x01\x02";
const LOCAL: [u8; 4] = *b"PK\x03\x04";
const END_BYTES: usize = 22;
/// The end, with the longest comment behind it.
const TAIL_BYTES: u64 = END_BYTES as u64 + 0xffff;

/// An archive; entries come in the order of its directory.
pub(crate) struct Zip<R> {
    reader: R,
    /// Bytes in front of the archive, which its offsets do not count.
    shift: u64,
    /// Where the next entry is described, and how many are left.
    at: u64,
    left: u64,
}

/// One entry.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: Vec<u8>,
    pub(crate) is_encrypted: bool,
    /// How it was made smaller; `None`: by something that is not known here.
    pub(crate) how: Option<Squeezed>,
    packed: u64,
    size: u64,
    sum: u32,
    local: u64,
}

impl<R: Read + Seek> Zip<R> {
    /// Finds the directory.
    pub(crate) fn open(mut reader: R) -> io::Result<Self> {
        let len = reader.seek(SeekFrom::End(0))?;
        let from = len.saturating_sub(TAIL_BYTES);
        reader.seek(SeekFrom::Start(from))?;
        let mut tail = Vec::new();
        (&mut reader).take(TAIL_BYTES).read_to_end(&mut tail)?;
        let place = end_place(&tail).ok_or_else(|| broken("the zip has no end"))?;
        let end = &tail[place..];
        let (mut left, mut bytes, mut at) = (u64::from(u16_at(end, 10)), u32_at(end, 12), u32_at(end, 16));
        let mut end_at = from + place as u64;
        if place >= 20 && tail[place - 20..].starts_with(&LOCATOR64) {
            end_at = u64_at(&tail[place - 20..], 8);
            let mut end = [0; 56];
            read_at(&mut reader, end_at, &mut end)?;
            if !end.starts_with(&END64) {
                return Err(broken("the zip's end says that there is another where there is none"));
            }
            (left, bytes, at) = (u64_at(&end, 32), u64_at(&end, 40), u64_at(&end, 48));
        }
        let shift = end_at.checked_sub(bytes).and_then(|begin| begin.checked_sub(at));
        let shift = shift.ok_or_else(|| broken("the zip's directory is longer than the zip"))?;
        Ok(Self { reader, shift, at: at + shift, left })
    }

    /// The next entry that is no directory.
    pub(crate) fn next(&mut self) -> io::Result<Option<Entry>> {
        while self.left > 0 {
            self.left -= 1;
            let entry = self.entry()?;
            if !(entry.name.ends_with(b"/") && entry.size == 0) {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    fn entry(&mut self) -> io::Result<Entry> {
        let mut head = [0; 46];
        read_at(&mut self.reader, self.at, &mut head)?;
        if !head.starts_with(&ENTRY) {
            return Err(broken("the zip's directory ends before its last entry"));
        }
        let lens = [28, 30, 32].map(|at| usize::from(u16_at(&head, at)));
        let mut text = vec![0; lens[0] + lens[1]];
        self.reader.read_exact(&mut text)?;
        let extra = text.split_off(lens[0]);
        self.at += 46 + lens.iter().sum::<usize>() as u64;
        let mut entry = Entry {
            name: text,
            is_encrypted: u16_at(&head, 8) & 1 != 0,
            how: how(u16_at(&head, 10)),
            packed: u32_at(&head, 20),
            size: u32_at(&head, 24),
            sum: u32_at(&head, 16) as u32,
            local: u32_at(&head, 42),
        };
        entry.widen(&extra);
        Ok(entry)
    }

    /// The bytes of an entry, as they are in the archive.
    pub(crate) fn data(&mut self, entry: &Entry) -> io::Result<io::Take<&mut R>> {
        let mut head = [0; 30];
        let place = self.shift.checked_add(entry.local).ok_or_else(|| broken("an entry beyond all bytes"))?;
        read_at(&mut self.reader, place, &mut head)?;
        if !head.starts_with(&LOCAL) {
            return Err(broken("there is no entry where the zip's directory says"));
        }
        let behind = i64::from(u16_at(&head, 26)) + i64::from(u16_at(&head, 28));
        self.reader.seek(SeekFrom::Current(behind))?;
        Ok((&mut self.reader).take(entry.packed))
    }
}

impl Entry {
    /// Takes numbers that have no room in an entry from the field for them (4.5.3).
    fn widen(&mut self, mut extra: &[u8]) {
        while let Some((head, rest)) = extra.split_at_checked(4) {
            let (id, len) = (u16_at(head, 0), usize::from(u16_at(head, 2)));
            let Some((field, rest)) = rest.split_at_checked(len) else { return };
            if id == 1 {
                let mut numbers = field.chunks_exact(8).map(|bytes| u64_at(bytes, 0));
                for own in [&mut self.size, &mut self.packed, &mut self.local] {
                    if *own == u64::from(u32::MAX) {
                        *own = numbers.next().unwrap_or(*own);
                    }
                }
            }
            extra = rest;
        }
    }

    /// Holds what `reader` gives against the size and the sum that the directory says.
    pub(crate) fn checked<R: Read>(&self, reader: R) -> impl Read + use<R> {
        Checked { reader, sum: Crc::new(), wanted: (self.sum, self.size), bytes: 0 }
    }
}

struct Checked<R> {
    reader: R,
    sum: Crc,
    wanted: (u32, u64),
    bytes: u64,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.reader.read(buffer)?;
        self.sum.update(&buffer[..bytes]);
        self.bytes += bytes as u64;
        if bytes == 0 && !buffer.is_empty() && (self.sum.sum(), self.bytes) != self.wanted {
            return Err(broken("an entry of the zip has a wrong sum or size"));
        }
        Ok(bytes)
    }
}

fn how(method: u16) -> Option<Squeezed> {
    match method {
        0 => Some(Squeezed::Stored),
        8 => Some(Squeezed::Deflate),
        12 => Some(Squeezed::Bzip2),
        93 => Some(Squeezed::Zstd),
        95 => Some(Squeezed::Xz),
        _ => None,
    }
}

/// Where the end begins: its comment goes just as far as the file, or else some bytes are behind it that do not belong to it.
fn end_place(tail: &[u8]) -> Option<usize> {
    let ends = || (0..=tail.len().saturating_sub(END_BYTES)).rev().filter(|at| tail[*at..].starts_with(&END));
    let room = |at: usize| tail.len().checked_sub(at + END_BYTES).zip(tail.get(at + 20..at + 22));
    let fits = |at: &usize| room(*at).is_some_and(|(room, len)| usize::from(u16_at(len, 0)) == room);
    let is_within = |at: &usize| room(*at).is_some_and(|(room, len)| usize::from(u16_at(len, 0)) < room);
    ends().find(fits).or_else(|| ends().find(is_within))
}

fn read_at<R: Read + Seek>(reader: &mut R, at: u64, buffer: &mut [u8]) -> io::Result<()> {
    reader.seek(SeekFrom::Start(at))?;
    match fill(reader, buffer)? == buffer.len() {
        true => Ok(()),
        false => Err(broken("the zip ends before what its directory says")),
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u16_at(bytes, at)) | u64::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u32_at(bytes, at) | u32_at(bytes, at + 4) << 32
}

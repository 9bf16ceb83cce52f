//! Archives, written by the book for these tests.

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use lzma_rust2::{XzOptions, XzWriter};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use std::io::Write;

pub(crate) fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(data).and_then(|()| encoder.finish()).expect("in memory")
}

pub(crate) fn zstd(data: &[u8]) -> Vec<u8> {
    compress_to_vec(data, CompressionLevel::Fastest)
}

pub(crate) fn xz(data: &[u8]) -> Vec<u8> {
    let mut encoder = XzWriter::new(Vec::new(), XzOptions::with_preset(1)).expect("options");
    encoder.write_all(data).expect("in memory");
    encoder.finish().expect("in memory")
}

fn deflate(data: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(data).and_then(|()| encoder.finish()).expect("in memory")
}

/// A header of tar, with its sum.
fn header(name: &[u8], size: usize, kind: u8) -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..name.len().min(100)].copy_from_slice(&name[..name.len().min(100)]);
    block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[148..156].fill(b' ');
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// A member of tar, with what fills its last block.
pub(crate) fn member(name: &[u8], kind: u8, data: &[u8]) -> Vec<u8> {
    let mut all = header(name, data.len(), kind);
    all.extend(data);
    all.resize(all.len().next_multiple_of(512), 0);
    all
}

/// A tar of files.
pub(crate) fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut all: Vec<u8> =
        members.iter().flat_map(|(name, data)| member(name.as_bytes(), b'0', data)).collect();
    all.resize(all.len() + 1024, 0);
    all
}

/// What a test asks of an entry of a zip.
pub(crate) struct Packed {
    pub(crate) name: String,
    pub(crate) method: u16,
    pub(crate) encrypted: bool,
    pub(crate) data: Vec<u8>,
}

impl Packed {
    pub(crate) fn new(name: &str, method: u16, data: &[u8]) -> Self {
        Self { name: name.to_owned(), method, encrypted: false, data: data.to_vec() }
    }
}

/// A zip; `wide`: with all numbers in the fields of zip64.
pub(crate) fn zip(entries: &[Packed], wide: bool) -> Vec<u8> {
    let (mut all, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let at = all.len() as u64;
        let packed = match entry.method {
            8 => deflate(&entry.data),
            93 => zstd(&entry.data),
            95 => xz(&entry.data),
            _ => entry.data.clone(),
        };
        let mut sum = flate2::Crc::new();
        sum.update(&entry.data);
        let (small, size) = (packed.len() as u64, entry.data.len() as u64);
        let shown = |number: u64| if wide { u32::MAX } else { u32::try_from(number).expect("small") };
        let mut common = Vec::new();
        common.extend(u16::from(entry.encrypted).to_le_bytes());
        common.extend(entry.method.to_le_bytes());
        common.extend([0; 4]);
        common.extend(sum.sum().to_le_bytes());
        common.extend(shown(small).to_le_bytes());
        common.extend(shown(size).to_le_bytes());
        common.extend((entry.name.len() as u16).to_le_bytes());
        let extra: Vec<u8> = match wide {
            true => {
                [&[1, 0, 24, 0][..], &size.to_le_bytes(), &small.to_le_bytes(), &at.to_le_bytes()].concat()
            }
            false => Vec::new(),
        };
        all.extend(b"PK\x03\x04\x14\0");
        all.extend(&common);
        all.extend([0; 2]);
        all.extend(entry.name.as_bytes());
        all.extend(packed);
        directory.extend(b"PK\x01\x02\x14\0\x14\0");
        directory.extend(&common);
        directory.extend((extra.len() as u16).to_le_bytes());
        directory.extend([0; 10]);
        directory.extend(shown(at).to_le_bytes());
        directory.extend(entry.name.as_bytes());
        directory.extend(extra);
    }
    let (at, count) = (all.len() as u64, entries.len() as u64);
    all.extend(&directory);
    let bytes = directory.len() as u64;
    if wide {
        let end = all.len() as u64;
        all.extend(b"PK\x06\x06");
        all.extend(44u64.to_le_bytes());
        all.extend([0; 12]);
        [count, count, bytes, at].iter().for_each(|number| all.extend(number.to_le_bytes()));
        all.extend(b"PK\x06\x07\0\0\0\0");
        all.extend(end.to_le_bytes());
        all.extend(1u32.to_le_bytes());
    }
    let shown = |number: u64| if wide { u32::MAX } else { number as u32 };
    all.extend(b"PK\x05\x06\0\0\0\0");
    [shown(count) as u16; 2].iter().for_each(|number| all.extend(number.to_le_bytes()));
    [shown(bytes), shown(at)].iter().for_each(|number| all.extend(number.to_le_bytes()));
    all.extend([3, 0, b'P', b'K', 5]);
    all
}

//! Bodies that are packed with gzip or deflate (RFC 9110, 8.4.1), unpacked as they come.
//!
//! Bounded: of one body [`UNPACKED_BYTES`] are unpacked, and no more than is asked for. What is not packed as its head says is left
//! alone from there on.

use flate2::write::{GzDecoder, ZlibDecoder};
use std::io::{self, Write};

/// Most bytes that are unpacked of one body: a few packed ones can be very many.
const UNPACKED_BYTES: usize = 16 << 20;
/// Packed bytes that are unpacked at once.
const STEP_BYTES: usize = 512;

/// Unpacks one body.
#[derive(Debug)]
pub(super) enum Unpack {
    Gzip(GzDecoder<Plain>),
    Zlib(ZlibDecoder<Plain>),
    /// Nothing more is unpacked.
    Over,
}

/// What was unpacked and not taken yet; refuses more than there may be.
#[derive(Debug, Default)]
pub(super) struct Plain {
    bytes: Vec<u8>,
    total: usize,
}

impl Write for Plain {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.total = self.total.saturating_add(bytes.len());
        if self.total > UNPACKED_BYTES {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Unpack {
    /// For a `Content-Encoding`; `None` for one that is not understood, or several.
    pub(super) fn of(encoding: &str) -> Option<Self> {
        match encoding.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Some(Self::Gzip(GzDecoder::new(Plain::default()))),
            "deflate" => Some(Self::Zlib(ZlibDecoder::new(Plain::default()))),
            _ => None,
        }
    }

    /// Unpacks bytes and hands on what comes of them, until `take` wants no more; `false` when something is left out.
    pub(super) fn push(&mut self, data: &[u8], take: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        let mut wanted = true;
        for step in data.chunks(STEP_BYTES) {
            let unpacked = match self {
                Self::Gzip(decoder) => {
                    decoder.write_all(step).and_then(|()| decoder.flush()).map(|()| decoder.get_mut())
                }
                Self::Zlib(decoder) => {
                    decoder.write_all(step).and_then(|()| decoder.flush()).map(|()| decoder.get_mut())
                }
                Self::Over => return false,
            };
            match unpacked {
                Ok(plain) => {
                    wanted = plain.bytes.is_empty() || take(&plain.bytes);
                    plain.bytes.clear();
                }
                Err(_) => wanted = false,
            }
            if !wanted {
                *self = Self::Over;
                return false;
            }
        }
        wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(data).and_then(|()| encoder.finish()).expect("in memory")
    }

    fn unpacked(encoding: &str, parts: &[&[u8]]) -> (Vec<u8>, bool) {
        let mut unpack = Unpack::of(encoding).expect("known");
        let (mut plain, mut is_whole) = (Vec::new(), true);
        for part in parts {
            is_whole &= unpack.push(part, &mut |bytes| {
                plain.extend_from_slice(bytes);
                true
            });
        }
        (plain, is_whole)
    }

    #[test]
    fn what_is_packed_comes_out_wherever_it_is_cut() {
        let text: Vec<u8> = (0..5000_u32).flat_map(|number| number.to_string().into_bytes()).collect();
        let packed = gzip(&text);
        for cut in [0, 1, 5, 10, 11, packed.len() / 2, packed.len() - 1, packed.len()] {
            assert_eq!(unpacked("gzip", &[&packed[..cut], &packed[cut..]]), (text.clone(), true), "{cut}");
        }
        let each: Vec<&[u8]> = packed.chunks(1).collect();
        assert_eq!(unpacked("X-GZIP", &each), (text.clone(), true));
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        let zlib = zlib.write_all(&text).and_then(|()| zlib.finish()).expect("in memory");
        assert_eq!(unpacked("deflate", &[&zlib]), (text, true));
        assert!(Unpack::of("br").is_none() && Unpack::of("gzip, br").is_none());
    }

    #[test]
    fn lies_and_bombs_end() {
        assert_eq!(unpacked("gzip", &[b"no such thing at all", b"more"]), (Vec::new(), false));
        let bomb = gzip(&vec![0; UNPACKED_BYTES + (1 << 20)]);
        let (plain, is_whole) = unpacked("gzip", &[&bomb]);
        assert!(!is_whole && plain.len() <= UNPACKED_BYTES, "{}", plain.len());
        let mut unpack = Unpack::of("gzip").expect("known");
        let mut taken = 0;
        let is_whole = unpack.push(&bomb, &mut |bytes| {
            taken += bytes.len();
            taken < 1000
        });
        assert!(!is_whole && taken < STEP_BYTES * 1100, "stops where no more is wanted: {taken}");
    }
}

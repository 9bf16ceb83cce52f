//! Streams made smaller, and what they were.

use super::Squeezed;
use super::bzip2::Bzip2;
use flate2::bufread::{DeflateDecoder, MultiGzDecoder};
use lzma_rust2::XzReader;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::io::{self, BufReader, Read};

/// What a stream was. `window`: the most bytes that a decoder may look back on, and so holds.
pub(crate) fn decoder<'a>(how: Squeezed, window: u64, reader: &'a mut dyn Read) -> Box<dyn Read + 'a> {
    match how {
        Squeezed::Gzip => Box::new(MultiGzDecoder::new(BufReader::new(reader))),
        Squeezed::Deflate => Box::new(DeflateDecoder::new(BufReader::new(reader))),
        Squeezed::Xz => {
            Box::new(XzReader::new_mem_limit(BufReader::new(reader), true, (window >> 10) as u32))
        }
        Squeezed::Zstd => Box::new(Zstd::new(BufReader::new(reader), window)),
        Squeezed::Bzip2 => Box::new(Bzip2::new(BufReader::new(reader))),
        Squeezed::Stored => Box::new(reader),
    }
}

/// Frames of zstd, one behind the other; skippable ones are skipped.
struct Zstd<R> {
    source: R,
    decoder: FrameDecoder,
    /// A frame has begun.
    is_within: bool,
}

impl<R: Read> Zstd<R> {
    fn new(source: R, window: u64) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(window);
        Self { source, decoder, is_within: false }
    }

    /// Begins the next frame; `false` where there is none.
    fn begin(&mut self) -> io::Result<bool> {
        loop {
            let mut first = [0];
            if super::fill(&mut self.source, &mut first)? == 0 {
                return Ok(false);
            }
            match self.decoder.init((&first[..]).chain(&mut self.source)) {
                Ok(()) => {
                    self.is_within = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    io::copy(&mut (&mut self.source).take(u64::from(length)), &mut io::sink())?;
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
    }
}

impl<R: Read> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.is_within && !self.begin()? {
                return Ok(0);
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.source, one).map_err(io::Error::other)?;
            }
            match self.decoder.read(buffer)? {
                0 if !buffer.is_empty() => self.is_within = false,
                bytes => return Ok(bytes),
            }
        }
    }
}

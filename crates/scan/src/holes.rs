//! A file with holes. What was never written reads as zeros; to read them takes memory and longer than to search them, so
//! they are put in place here, and only what was written is read.

use nix::errno::Errno;
use nix::unistd::{Whence, lseek64};
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt};

/// Bytes of a block of [`MetadataExt::blocks`].
const BLOCK_BYTES: u64 = 512;

/// Of a smaller file it does not matter, and is not asked.
const SMALL_BYTES: u64 = 1 << 20;

/// Reads a file, holes included.
pub(crate) struct Holes {
    file: File,
    at: u64,
    /// The stretch that begins at or before `at`: where it ends, and whether it is a hole.
    until: u64,
    is_hole: bool,
}

impl Holes {
    /// Of a file of about `size` bytes that has fewer blocks than bytes; of any other, one stretch of data.
    pub(crate) fn of(file: File, size: u64) -> Self {
        let has_fewer = |found: Metadata| found.blocks() * BLOCK_BYTES < found.len();
        let is_sparse = size > SMALL_BYTES && file.metadata().is_ok_and(has_fewer);
        let until = if is_sparse { 0 } else { u64::MAX };
        Self { file, at: 0, until, is_hole: false }
    }

    /// Asks what is at `at`. A file system that does not know calls all of it data.
    fn ask(&mut self) -> io::Result<()> {
        let at = i64::try_from(self.at).map_err(io::Error::other)?;
        match lseek64(&self.file, at, Whence::SeekData) {
            Ok(data) if data > at => (self.until, self.is_hole) = (data as u64, true),
            Ok(_) => {
                let end = lseek64(&self.file, at, Whence::SeekHole).map_or(u64::MAX, |hole| hole as u64);
                (self.until, self.is_hole) = (end, false);
            }
            // No data up to the end.
            Err(Errno::ENXIO) => (self.until, self.is_hole) = (self.file.metadata()?.len(), true),
            Err(_) => (self.until, self.is_hole) = (u64::MAX, false),
        }
        Ok(())
    }
}

impl Read for Holes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.until {
            self.ask()?;
        }
        let most =
            buffer.len().min(usize::try_from(self.until.saturating_sub(self.at)).unwrap_or(usize::MAX));
        let bytes = match self.is_hole {
            true => {
                buffer[..most].fill(0);
                most
            }
            false => self.file.read_at(&mut buffer[..most], self.at)?,
        };
        self.at += bytes as u64;
        Ok(bytes)
    }
}

impl Seek for Holes {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (from, by) = match to {
            SeekFrom::Start(at) => (at, 0),
            SeekFrom::Current(by) => (self.at, by),
            SeekFrom::End(by) => (self.file.metadata()?.len(), by),
        };
        let at = from.checked_add_signed(by).ok_or(io::ErrorKind::InvalidInput)?;
        if self.until != u64::MAX {
            self.until = 0;
        }
        self.at = at;
        Ok(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::memfd::{MFdFlags, memfd_create};

    #[test]
    fn what_is_read_is_what_the_file_holds() {
        let file = memfd_create("holes", MFdFlags::empty()).map(File::from).expect("makes a file");
        file.write_all_at(b"first", 3 << 20).expect("writes");
        file.write_all_at(b"second", (5 << 20) + 7).expect("writes");
        file.set_len(6 << 20).expect("grows");
        let mut plain = vec![0; 6 << 20];
        file.read_exact_at(&mut plain, 0).expect("reads");
        let mut holes = Holes::of(file, 6 << 20);
        let mut read = Vec::new();
        holes.read_to_end(&mut read).expect("reads");
        assert!(read == plain, "the bytes differ");
        assert_eq!(holes.seek(SeekFrom::End(-((1 << 20) - 7))).expect("seeks"), (5 << 20) + 7);
        let mut word = [0; 6];
        holes.read_exact(&mut word).expect("reads");
        assert_eq!(&word, b"second");
        assert!(holes.seek(SeekFrom::Start(0)).is_ok() && holes.seek(SeekFrom::Current(-1)).is_err());
    }
}

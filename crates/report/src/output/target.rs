//! What a descriptor takes: whole lines, and an end that finds room.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;

/// Most bytes of lines that are given up to make room for the end.
const GIVE_UP_MAX_BYTES: u64 = 1024 * 1024;

/// A descriptor and what was written to it.
#[derive(Debug)]
pub(super) struct Target {
    file: File,
    /// A regular file that this run emptied, so that it may cut it.
    owned: bool,
    /// Bytes of whole lines.
    bytes: u64,
    lines: u64,
}

impl Target {
    /// A pipe, a terminal, a device, or a file that is not ours alone.
    pub(super) fn stream(file: File) -> Self {
        Self { file, owned: false, bytes: 0, lines: 0 }
    }

    /// A regular file, empty, opened for reading and appending.
    pub(super) fn owned(file: File) -> Self {
        Self { file, owned: true, bytes: 0, lines: 0 }
    }

    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    /// A regular file, whoever it belongs to: no reader holds it up.
    pub(super) fn is_file(&self) -> bool {
        self.owned || self.file.metadata().is_ok_and(|meta| meta.is_file())
    }

    pub(super) fn is_owned(&self) -> bool {
        self.owned
    }

    /// Writes a batch of `lines` whole lines. After a failure the lines that are whole are counted, and a file
    /// of ours ends with the last of them.
    pub(super) fn write_lines(&mut self, batch: &[u8], lines: u64) -> io::Result<()> {
        let Err((done, fault)) = self.write_all(batch) else {
            self.bytes += batch.len() as u64;
            self.lines += lines;
            return Ok(());
        };
        let whole = batch[..done].iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        self.bytes += whole as u64;
        self.lines += count_lines(&batch[..whole]);
        self.cut_to_lines()?;
        Err(fault)
    }

    /// Writes the end of the stream, as `tail` makes it for the number of lines that are written.
    ///
    /// A stream that has failed before is left alone: part of a line may stand at its end.
    pub(super) fn close_with(
        &mut self,
        failed: bool,
        tail: &mut dyn FnMut(u64) -> Vec<u8>,
    ) -> io::Result<()> {
        if failed && !self.owned {
            return Ok(());
        }
        let mut give_up_bytes = 0;
        loop {
            let bytes = tail(self.lines);
            let Err((_, fault)) = self.write_all(&bytes) else { return Ok(()) };
            if !self.owned || self.bytes == 0 || give_up_bytes >= GIVE_UP_MAX_BYTES {
                self.cut_to_lines()?;
                return Err(fault);
            }
            give_up_bytes = (give_up_bytes * 2).max(bytes.len() as u64 + 256);
            self.give_up(give_up_bytes)?;
        }
    }

    /// Everything, or how much of it and why not more.
    fn write_all(&mut self, bytes: &[u8]) -> Result<(), (usize, io::Error)> {
        let mut done = 0;
        while done < bytes.len() {
            match self.file.write(&bytes[done..]) {
                Ok(0) => return Err((done, io::ErrorKind::WriteZero.into())),
                Ok(n) => done += n,
                Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
                Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => {
                    let mut fds = [PollFd::new(self.file.as_fd(), PollFlags::POLLOUT)];
                    if let Err(errno) = poll(&mut fds, PollTimeout::NONE)
                        && errno != nix::Error::EINTR
                    {
                        return Err((done, errno.into()));
                    }
                }
                Err(fault) => return Err((done, fault)),
            }
        }
        Ok(())
    }

    fn cut_to_lines(&mut self) -> io::Result<()> {
        if self.owned { self.file.set_len(self.bytes) } else { Ok(()) }
    }

    /// Removes whole lines from the end, at least `need` bytes of them or all there are.
    pub(super) fn give_up(&mut self, need: u64) -> io::Result<()> {
        self.cut_to_lines()?;
        let keep_at_most = self.bytes.saturating_sub(need);
        // The line that the cut falls into starts after the newline before it; lines are found by reading.
        let mut tail = Vec::new();
        let from = keep_at_most.saturating_sub(GIVE_UP_MAX_BYTES);
        self.file.seek(SeekFrom::Start(from))?;
        self.file.read_to_end(&mut tail)?;
        let limit = usize::try_from(keep_at_most - from).unwrap_or(0).min(tail.len());
        match tail[..limit].iter().rposition(|&b| b == b'\n') {
            Some(at) => {
                self.lines -= self.lines.min(count_lines(&tail[at + 1..]));
                self.bytes = from + at as u64 + 1;
            }
            // One line fills all that was read; give up everything rather than leave half of it.
            None => (self.bytes, self.lines) = (0, 0),
        }
        self.cut_to_lines()
    }
}

fn count_lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|&&b| b == b'\n').count() as u64
}

//! Limits for what comes out of one file: an archive may be made to have no end.

use crate::desk::End;
use std::cell::Cell;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};

/// How much may come out of one file, and how much memory it may take meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Archives in one another, and streams made smaller, at most.
    pub depth: usize,
    /// Bytes that come out, all levels together.
    pub expanded_bytes: u64,
    /// Bytes that come out for one that goes in; not asked before `free_bytes`.
    pub ratio: u64,
    /// So many bytes may come out whatever the ratio.
    pub free_bytes: u64,
    /// Members, all levels together.
    pub members: u64,
    /// Bytes of archives within archives that are held in memory: zips, which are read from their end.
    pub held_bytes: u64,
    /// The window of the outermost decoder; each below it has half.
    pub window_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 8,
            expanded_bytes: 16 << 30,
            ratio: 200,
            free_bytes: 64 << 20,
            members: 1_000_000,
            held_bytes: 64 << 20,
            window_bytes: 128 << 20,
        }
    }
}

/// A limit that was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    Depth,
    Expanded,
    Ratio,
    Members,
    Held,
}

impl Limit {
    /// As it is counted.
    pub(crate) fn cause(self) -> &'static str {
        match self {
            Self::Depth => "archive_depth",
            Self::Expanded => "archive_size",
            Self::Ratio => "archive_ratio",
            Self::Members => "archive_members",
            Self::Held => "archive_memory",
        }
    }

    /// As it is said.
    pub(crate) fn reason(self, limits: &Limits) -> String {
        match self {
            Self::Depth => format!("more than {} archives in one another", limits.depth),
            Self::Expanded => format!("more than {} bytes come out of one file", limits.expanded_bytes),
            Self::Ratio => format!("more than {} bytes come out for each that goes in", limits.ratio),
            Self::Members => format!("more than {} members", limits.members),
            Self::Held => format!("a zip of more than {} bytes within an archive", limits.held_bytes),
        }
    }
}

/// What has come out of one file so far.
#[derive(Debug)]
pub(crate) struct Dig<'a> {
    pub(crate) limits: &'a Limits,
    stop: &'a AtomicBool,
    pub(crate) depth: Cell<usize>,
    /// Decoders with a window that are open.
    pub(crate) windows: Cell<u32>,
    /// Bytes held in memory.
    pub(crate) held: Cell<u64>,
    taken: Cell<u64>,
    expanded: Cell<u64>,
    members: Cell<u64>,
    tripped: Cell<Option<Limit>>,
}

impl<'a> Dig<'a> {
    /// Of a file that nothing has come out of. It ends when `stop` is set.
    pub(crate) fn new(limits: &'a Limits, stop: &'a AtomicBool) -> Self {
        Self {
            limits,
            stop,
            depth: Cell::default(),
            windows: Cell::default(),
            held: Cell::default(),
            taken: Cell::default(),
            expanded: Cell::default(),
            members: Cell::default(),
            tripped: Cell::default(),
        }
    }

    /// How looking into it ended, with this error.
    pub(crate) fn end(&self, error: io::Error) -> End {
        match self.tripped.get() {
            _ if self.stop.load(Ordering::Relaxed) => End::Stopped,
            Some(limit) => End::Limited(limit),
            None => End::Broken(error),
        }
    }

    /// Whether nothing has come out, and there was no member.
    pub(crate) fn is_untouched(&self) -> bool {
        self.expanded.get() == 0 && self.members.get() == 0
    }

    /// The limit that ended it.
    pub(crate) fn tripped(&self) -> Option<Limit> {
        self.tripped.get()
    }

    /// Ends it.
    pub(crate) fn trip(&self, limit: Limit) -> io::Error {
        self.tripped.set(Some(limit));
        io::Error::other(limit.reason(self.limits))
    }

    /// What the next decoder may look back on.
    pub(crate) fn window_bytes(&self) -> u64 {
        self.limits.window_bytes >> self.windows.get().min(63)
    }

    /// Counts a member.
    pub(crate) fn member(&self) -> io::Result<()> {
        self.members.set(self.members.get() + 1);
        if self.members.get() > self.limits.members { Err(self.trip(Limit::Members)) } else { Ok(()) }
    }

    fn expand(&self, bytes: usize) -> io::Result<usize> {
        let expanded = self.expanded.get() + bytes as u64;
        self.expanded.set(expanded);
        if expanded > self.limits.expanded_bytes {
            return Err(self.trip(Limit::Expanded));
        }
        if expanded > self.limits.free_bytes && expanded / self.limits.ratio > self.taken.get() {
            return Err(self.trip(Limit::Ratio));
        }
        Ok(bytes)
    }
}

/// Counts what a reader gives.
pub(crate) struct Metered<'a, R> {
    inner: R,
    dig: &'a Dig<'a>,
    /// It is the file; else it is what comes out.
    is_file: bool,
}

impl<'a, R> Metered<'a, R> {
    /// A file's own bytes.
    pub(crate) fn file(inner: R, dig: &'a Dig<'a>) -> Self {
        Self { inner, dig, is_file: true }
    }

    /// What comes out of it.
    pub(crate) fn expanded(inner: R, dig: &'a Dig<'a>) -> Self {
        Self { inner, dig, is_file: false }
    }
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(limit) = self.dig.tripped() {
            return Err(io::Error::other(limit.reason(self.dig.limits)));
        }
        if self.dig.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("the scan was stopped"));
        }
        let bytes = self.inner.read(buffer)?;
        if self.is_file {
            self.dig.taken.set(self.dig.taken.get() + bytes as u64);
            return Ok(bytes);
        }
        self.dig.expand(bytes)
    }
}

impl<R: io::Seek> io::Seek for Metered<'_, R> {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

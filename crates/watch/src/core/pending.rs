//! What a thread has announced and not yet done: argument strings and close-on-exec descriptors of an exec, the
//! hint for a path call.
//!
//! Bounds: [`MAX_THREADS`] threads, [`MAX_STRING_BYTES`] of strings, [`MAX_HELD`] held closes over all. A thread beyond
//! the first goes without hints, an exec beyond the second shows its arguments as truncated, a close beyond
//! the third is told at once, before it is known whether its exec succeeds.

use super::carry::Counters;
use kernscope_abi as abi;
use kernscope_report::Entry;
use std::collections::HashMap;

/// Threads with something pending.
pub(super) const MAX_THREADS: usize = 8192;
/// Argument and environment strings waiting for their execs, bytes.
pub(super) const MAX_STRING_BYTES: usize = 8 << 20;
/// Close-on-exec closes waiting for their execs.
pub(super) const MAX_HELD: usize = 16_384;

/// Strings of one sort, put together from chunks.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    pub(super) bytes: Vec<u8>,
    /// A chunk is missing, cut, or had no room: nothing more is added.
    pub(super) broken: bool,
}

impl Assembly {
    /// Adds a chunk; those of one exec come in order, and an offset of zero starts anew. Returns by how much the
    /// bytes held have grown.
    fn add(&mut self, offset: usize, chunk: &[u8], whole: bool, room: usize) {
        if offset == 0 {
            self.bytes.clear();
            self.broken = false;
        }
        let fits = self.bytes.len() == offset && chunk.len() <= room;
        if self.broken || !fits {
            self.broken = true;
            return;
        }
        self.bytes.extend_from_slice(chunk);
        self.broken = !whole;
    }
}

/// A close that is void if the exec fails.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) pid: u32,
    pub(super) fd: i32,
    pub(super) file: u64,
    pub(super) counters: Counters,
    pub(super) entry: Entry,
}

/// What one thread has announced.
#[derive(Debug, Default)]
pub(super) struct Announced {
    pub(super) tid: u32,
    pid: u32,
    pub(super) argv: Assembly,
    pub(super) env: Assembly,
    pub(super) held: Vec<Held>,
    /// Bytes of a `KIND_PATH_HINT` event.
    hint: Option<Vec<u8>>,
}

impl Announced {
    fn string_bytes(&self) -> usize {
        self.argv.bytes.len() + self.env.bytes.len()
    }

    fn is_empty(&self) -> bool {
        self.hint.is_none()
            && self.held.is_empty()
            && self.string_bytes() == 0
            && !self.argv.broken
            && !self.env.broken
    }
}

/// Announcements by thread id.
#[derive(Debug, Default)]
pub(super) struct Pending {
    threads: HashMap<u32, Announced>,
    string_bytes: usize,
    held: usize,
    /// Buffers of hints that were used, for those to come.
    spare: Vec<Vec<u8>>,
}

impl Pending {
    fn thread(&mut self, header: &abi::Header) -> Option<&mut Announced> {
        if self.threads.len() >= MAX_THREADS && !self.threads.contains_key(&header.tid) {
            return None;
        }
        let announced = self.threads.entry(header.tid).or_default();
        announced.pid = header.pid;
        announced.tid = header.tid;
        Some(announced)
    }

    /// Keeps a chunk of strings.
    pub(super) fn strings(
        &mut self,
        header: &abi::Header,
        strings: &abi::Strings,
        chunk: &[u8],
        whole: bool,
    ) {
        let room = MAX_STRING_BYTES - self.string_bytes;
        let Some(thread) = self.thread(header) else { return };
        let before = thread.string_bytes();
        let assembly = if strings.what == abi::STRINGS_ENV { &mut thread.env } else { &mut thread.argv };
        assembly.add(strings.offset as usize, chunk, whole, room);
        let after = thread.string_bytes();
        self.string_bytes = self.string_bytes - before + after;
    }

    /// Keeps a hint for the path call in progress; the latest counts.
    pub(super) fn hint(&mut self, header: &abi::Header, event: &[u8]) {
        let mut buffer = self.spare.pop().unwrap_or_default();
        buffer.clear();
        buffer.extend_from_slice(event);
        if let Some(thread) = self.thread(header)
            && let Some(old) = thread.hint.replace(buffer)
        {
            self.recycle(old);
        }
    }

    /// Takes the hint of a thread; it is worth something to its next event only.
    pub(super) fn take_hint(&mut self, tid: u32) -> Option<Vec<u8>> {
        if self.threads.is_empty() {
            return None;
        }
        let thread = self.threads.get_mut(&tid)?;
        let hint = thread.hint.take()?;
        if thread.is_empty() {
            self.threads.remove(&tid);
        }
        Some(hint)
    }

    /// Gives a hint's buffer back.
    pub(super) fn recycle(&mut self, hint: Vec<u8>) {
        const MAX_SPARE: usize = 16;
        if self.spare.len() < MAX_SPARE {
            self.spare.push(hint);
        }
    }

    /// Holds a close until its exec is decided; gives it back when there is no room.
    pub(super) fn hold(&mut self, header: &abi::Header, held: Held) -> Option<Held> {
        if self.held >= MAX_HELD {
            return Some(held);
        }
        let Some(thread) = self.thread(header) else { return Some(held) };
        thread.held.push(held);
        self.held += 1;
        None
    }

    /// Takes the held closes of descriptor `fd` of process `pid`: it is seen again, so that they were void.
    pub(super) fn void(&mut self, pid: u32, fd: i32, file: u64) -> Option<Held> {
        if self.held == 0 {
            return None;
        }
        let is_it = |held: &Held| held.fd == fd && held.file == file;
        for thread in self.threads.values_mut().filter(|thread| thread.pid == pid) {
            if let Some(at) = thread.held.iter().position(is_it) {
                self.held -= 1;
                return Some(thread.held.remove(at));
            }
        }
        None
    }

    /// Takes what the same thread has held for this descriptor: an earlier exec whose failure was not told.
    pub(super) fn stale(&mut self, tid: u32, fd: i32, file: u64) -> Option<Held> {
        let thread = self.threads.get_mut(&tid)?;
        let at = thread.held.iter().position(|held| held.fd == fd && held.file == file)?;
        self.held -= 1;
        Some(thread.held.remove(at))
    }

    /// Takes all that a thread has announced.
    pub(super) fn take(&mut self, tid: u32) -> Option<Announced> {
        let thread = self.threads.remove(&tid)?;
        self.string_bytes -= thread.string_bytes();
        self.held -= thread.held.len();
        Some(thread)
    }

    /// Takes all that the threads of a process have announced, in the order of their ids.
    pub(super) fn take_process(&mut self, pid: u32) -> Vec<Announced> {
        if self.threads.is_empty() {
            return Vec::new();
        }
        let of = |(tid, thread): (&u32, &Announced)| (thread.pid == pid).then_some(*tid);
        let mut tids: Vec<u32> = self.threads.iter().filter_map(of).collect();
        tids.sort_unstable();
        tids.into_iter().filter_map(|tid| self.take(tid)).collect()
    }

    /// Takes everything, in the order of thread ids.
    pub(super) fn take_all(&mut self) -> Vec<Announced> {
        let mut tids: Vec<u32> = self.threads.keys().copied().collect();
        tids.sort_unstable();
        tids.into_iter().filter_map(|tid| self.take(tid)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(tid: u32) -> abi::Header {
        abi::Header { pid: 1, tid, ..Default::default() }
    }

    fn argv(offset: u32) -> abi::Strings {
        abi::Strings { what: abi::STRINGS_ARGV, offset }
    }

    #[test]
    fn chunks_are_put_together_until_one_is_missing() {
        let mut pending = Pending::default();
        pending.strings(&head(5), &argv(0), b"ab", true);
        pending.strings(&head(5), &argv(2), b"c\0", true);
        pending.strings(&head(5), &argv(9), b"z\0", true);
        pending.strings(&head(5), &argv(4), b"y\0", true);
        let thread = pending.take(5).unwrap();
        assert_eq!(thread.argv.bytes, b"abc\0");
        assert!(thread.argv.broken);
        assert_eq!(pending.string_bytes, 0);
    }

    #[test]
    fn a_second_attempt_starts_anew() {
        let mut pending = Pending::default();
        pending.strings(&head(5), &argv(0), b"first\0", false);
        pending.strings(&head(5), &argv(0), b"x\0", true);
        let thread = pending.take(5).unwrap();
        assert_eq!((thread.argv.bytes.as_slice(), thread.argv.broken), (&b"x\0"[..], false));
    }

    #[test]
    fn strings_are_bounded() {
        let mut pending = Pending::default();
        let chunk = [1_u8; abi::MAX_CHUNK];
        for n in 0..(MAX_STRING_BYTES / abi::MAX_CHUNK) as u32 + 10 {
            pending.strings(&head(n), &argv(0), &chunk, true);
        }
        assert_eq!(pending.string_bytes, MAX_STRING_BYTES);
        assert!(pending.take(MAX_STRING_BYTES as u32 / abi::MAX_CHUNK as u32 + 1).unwrap().argv.broken);
    }

    #[test]
    fn threads_are_bounded() {
        let mut pending = Pending::default();
        for tid in 0..2 * MAX_THREADS as u32 {
            pending.hint(&head(tid), b"hint");
        }
        assert_eq!(pending.threads.len(), MAX_THREADS);
        assert!(pending.take_hint(0).is_some());
        assert_eq!(pending.threads.len(), MAX_THREADS - 1);
    }

    #[test]
    fn a_hint_is_taken_once_and_the_latest_counts() {
        let mut pending = Pending::default();
        pending.hint(&head(5), b"old");
        pending.hint(&head(5), b"new");
        assert_eq!(pending.take_hint(5).as_deref(), Some(&b"new"[..]));
        assert_eq!(pending.take_hint(5), None);
        assert!(pending.threads.is_empty());
    }
}

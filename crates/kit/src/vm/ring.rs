//! Records that are reserved in ring buffers and not yet submitted.
//!
//! They live in one region of a run, each in a place of its own; submitting one moves its bytes to the map.

/// One reserved record.
#[derive(Debug)]
struct Record {
    map: u32,
    start: usize,
    len: usize,
}

/// Records of one run.
#[derive(Debug, Default)]
pub(super) struct Ring {
    bytes: Vec<u8>,
    open: Vec<Record>,
}

/// Bytes between records, so that one cannot be reached from another.
const GAP: usize = 8;

impl Ring {
    /// Forgets what an earlier run left.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.open.clear();
    }

    /// Records neither submitted nor discarded.
    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// A place for a record; its offset in the region.
    pub(super) fn reserve(&mut self, map: u32, len: usize, fill: u8) -> usize {
        let start = self.bytes.len();
        self.bytes.resize(start + len + GAP, fill);
        self.open.push(Record { map, start, len });
        start
    }

    /// The map and the bytes of a record that starts here, which is closed.
    pub(super) fn close(&mut self, start: usize) -> Option<(u32, Vec<u8>)> {
        let at = self.open.iter().position(|record| record.start == start)?;
        let record = self.open.swap_remove(at);
        Some((record.map, self.bytes[record.start..record.start + record.len].to_vec()))
    }

    /// Bytes within one open record.
    pub(super) fn bytes(&self, offset: usize, len: usize) -> Option<&[u8]> {
        self.holds(offset, len).then(|| &self.bytes[offset..offset + len])
    }

    /// The same, to be changed.
    pub(super) fn bytes_mut(&mut self, offset: usize, len: usize) -> Option<&mut [u8]> {
        self.holds(offset, len).then(|| &mut self.bytes[offset..offset + len])
    }

    fn holds(&self, offset: usize, len: usize) -> bool {
        self.open.iter().any(|record| offset >= record.start && offset + len <= record.start + record.len)
    }
}

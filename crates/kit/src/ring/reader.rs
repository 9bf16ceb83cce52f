//! The consumer's side of the protocol, over any memory laid out as the kernel's.

/// Set in a header while its record is being written (`BPF_RINGBUF_BUSY_BIT`, `include/uapi/linux/bpf.h`).
pub(super) const BUSY: u32 = 1 << 31;
/// Set in a header whose record was given up (`BPF_RINGBUF_DISCARD_BIT`).
pub(super) const DISCARD: u32 = 1 << 30;
/// Bytes of a header: length with the two bits, and a page offset that only the kernel needs.
pub(super) const HEADER_BYTES: u64 = 8;
/// Space is given back when so much of the ring has been read, though a batch be longer.
const SHARE: u64 = 8;

/// The memory of a ring. Positions count bytes from the ring's first record on and never wrap.
pub(super) trait Memory {
    /// Bytes of the ring, a power of two.
    fn size_bytes(&self) -> u64;
    /// Where the consumer was when the memory was mapped.
    fn consumed(&self) -> u64;
    /// Up to where space is reserved. Acquire.
    fn produced(&self) -> u64;
    /// The first word of the header at a position before [`Memory::produced`]. Acquire.
    fn header(&self, position: u64) -> u32;
    /// Bytes of a record that was submitted and not yet given back, at most [`Memory::size_bytes`] of them.
    fn bytes(&self, position: u64, len: u32) -> &[u8];
    /// Gives back everything before a position. Release, and a full fence after.
    fn publish(&self, position: u64);
}

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records handed on.
    pub records: u64,
    /// Their bytes, without headers.
    pub bytes: u64,
    /// Records that programs reserved and gave up.
    pub discarded: u64,
    /// Times that space was given back.
    pub batches: u64,
}

/// What is at the consumer's position.
enum Head {
    /// Nothing that can be read now.
    Nothing,
    /// A record of so many bytes.
    Record(u32),
    /// A record of so many bytes that was given up.
    Discarded(u32),
}

/// A consumer.
#[derive(Debug)]
pub(super) struct Reader<M: Memory> {
    memory: M,
    /// Where the next record is.
    position: u64,
    /// Up to where space was given back.
    published: u64,
    /// Up to where there were records when that was last asked.
    produced: u64,
    tally: Tally,
}

impl<M: Memory> Reader<M> {
    pub(super) fn new(memory: M) -> Self {
        let position = memory.consumed();
        Self { memory, position, published: position, produced: position, tally: Tally::default() }
    }

    /// As [`super::Ring::drain`].
    pub(super) fn drain(&mut self, limit: usize, each: &mut dyn FnMut(&[u8])) -> usize {
        let batch = Batch(self);
        let mut read = 0;
        while read < limit {
            match batch.0.head() {
                Head::Record(len) => {
                    each(batch.0.memory.bytes(batch.0.position + HEADER_BYTES, len));
                    batch.0.step(len);
                    batch.0.tally.records += 1;
                    batch.0.tally.bytes += u64::from(len);
                    read += 1;
                }
                Head::Discarded(len) => {
                    batch.0.step(len);
                    batch.0.tally.discarded += 1;
                }
                // What was written since is seen only after the position has been published.
                Head::Nothing if batch.0.publish() => {}
                Head::Nothing => break,
            }
        }
        read
    }

    /// Whether the next record is being written.
    pub(super) fn head_is_busy(&self) -> bool {
        self.position < self.memory.produced() && self.memory.header(self.position) & BUSY != 0
    }

    pub(super) fn tally(&self) -> Tally {
        self.tally
    }

    pub(super) fn waiting_bytes(&self) -> u64 {
        self.memory.produced().saturating_sub(self.position)
    }

    pub(super) fn size_bytes(&self) -> u64 {
        self.memory.size_bytes()
    }

    fn head(&mut self) -> Head {
        if self.position >= self.produced {
            self.produced = self.memory.produced();
            if self.position >= self.produced {
                return Head::Nothing;
            }
        }
        let header = self.memory.header(self.position);
        let len = header & !(BUSY | DISCARD);
        // A record beyond what is reserved is none: no length is believed that leads out of the ring.
        if header & BUSY != 0 || self.position + space(len) > self.produced {
            Head::Nothing
        } else if header & DISCARD != 0 {
            Head::Discarded(len)
        } else {
            Head::Record(len)
        }
    }

    fn step(&mut self, len: u32) {
        self.position += space(len);
        if self.position - self.published >= self.memory.size_bytes() / SHARE {
            self.publish();
        }
    }

    /// Gives back what was read; whether there was something.
    fn publish(&mut self) -> bool {
        if self.published == self.position {
            return false;
        }
        self.memory.publish(self.position);
        self.published = self.position;
        self.tally.batches += 1;
        true
    }
}

/// Gives space back at the end of a batch, also when a reader of records panics.
struct Batch<'a, M: Memory>(&'a mut Reader<M>);

impl<M: Memory> Drop for Batch<'_, M> {
    fn drop(&mut self) {
        self.0.publish();
    }
}

/// Bytes that a record takes in the ring.
fn space(len: u32) -> u64 {
    (HEADER_BYTES + u64::from(len)).next_multiple_of(8)
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;

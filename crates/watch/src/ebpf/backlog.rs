//! Events taken out of the ring before they are looked at.
//!
//! What a batch of events is made into takes longer than they take to come, and the ring has its space back only when a batch is
//! done. So when there is much in it, all of it is copied here at once, at the speed of memory, and looked at in small parts, between
//! which the ring is emptied again. Bounded: beyond [`MAX_BYTES`] what comes stays in the ring, and what finds no room there is
//! counted by the kernel side.

use kernscope_kit::ring::Ring;
use std::collections::VecDeque;

/// Most bytes that wait here.
pub(super) const MAX_BYTES: usize = 256 << 20;
/// Share of the ring below which events are looked at where they are.
const LITTLE: u64 = 16;
/// Records that are copied before their space is given back.
const BATCH: usize = 64;
/// Bytes of one block of memory, and so of one part.
const BLOCK_BYTES: usize = 1 << 20;

/// Has a first look at an event, and hands on what is to be kept of it.
pub(super) type Look<'a> = dyn FnMut(&[u8], &mut dyn FnMut(&[u8])) + 'a;

/// Events in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    blocks: VecDeque<Block>,
    bytes: usize,
}

/// Events one behind the other.
#[derive(Debug, Default)]
struct Block {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Backlog {
    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Whether there is so much in the ring that it should be copied, or must be, behind what waits.
    pub(super) fn is_wanted(&self, ring: &Ring) -> bool {
        !self.is_empty() || ring.waiting_bytes() > ring.size_bytes() / LITTLE
    }

    /// Copies what is in the ring, as far as there is room; `look` has a first look at each event, and hands on what is to be kept.
    pub(super) fn fill(&mut self, ring: &mut Ring, look: &mut Look<'_>) {
        while self.bytes < MAX_BYTES {
            let mut copy = |event: &[u8]| look(event, &mut |event| self.push(event));
            if ring.drain(BATCH, &mut copy) < BATCH {
                return;
            }
        }
    }

    fn push(&mut self, event: &[u8]) {
        let has_room = |block: &mut Block| block.bytes.len() + event.len() <= BLOCK_BYTES;
        if !self.blocks.back_mut().is_some_and(has_room) {
            self.blocks.push_back(Block { bytes: Vec::with_capacity(BLOCK_BYTES), ends: Vec::new() });
        }
        if let Some(block) = self.blocks.back_mut() {
            block.bytes.extend_from_slice(event);
            block.ends.push(block.bytes.len());
            self.bytes += event.len();
        }
    }

    /// Hands on the first events that wait, some; how many there were.
    pub(super) fn take(&mut self, each: &mut dyn FnMut(&[u8])) -> usize {
        let Some(block) = self.blocks.pop_front() else { return 0 };
        let mut start = 0;
        for &end in &block.ends {
            each(&block.bytes[start..end]);
            start = end;
        }
        self.bytes -= block.bytes.len();
        block.ends.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_out_as_they_went_in_and_nothing_is_left() {
        let mut backlog = Backlog::default();
        let events: Vec<Vec<u8>> = (0..5000_usize).map(|number| vec![number as u8; number % 1500]).collect();
        for event in &events {
            backlog.push(event);
        }
        assert!(backlog.blocks.len() > 1);
        let mut taken = Vec::new();
        while backlog.take(&mut |event| taken.push(event.to_vec())) > 0 {}
        assert_eq!(taken, events);
        assert_eq!((backlog.bytes, backlog.is_empty()), (0, true));
        // One that is larger than a block has one of its own.
        backlog.push(&vec![1; BLOCK_BYTES + 1]);
        backlog.push(&[2]);
        let mut sizes = Vec::new();
        while backlog.take(&mut |event| sizes.push(event.len())) > 0 {}
        assert_eq!(sizes, [BLOCK_BYTES + 1, 1]);
    }
}

//! The old format: a header, then frames (draft-ietf-opsawg-pcap).

use super::source::{Order, Source};
use super::{FRAME_BYTES_MAX, Fault, Frame, LinkType};
use std::io::Read;

const FRAME_HEADER_BYTES: usize = 16;

/// What the header of the file said.
#[derive(Debug)]
pub(super) struct Pcap {
    order: Order,
    link: LinkType,
    /// 1 for nanoseconds, 1,000 for microseconds.
    tick_ns: u64,
    /// Bytes between the header of a frame and the frame (the "modified" variant has 8).
    gap_bytes: usize,
}

impl Pcap {
    /// `None` when `magic` is not that of a pcap file. The magic itself is used up.
    pub(super) fn open<R: Read>(magic: [u8; 4], source: &mut Source<R>) -> Result<Option<Self>, Fault> {
        let (order, tick_ns, gap_bytes) = match magic {
            [0xd4, 0xc3, 0xb2, 0xa1] => (Order::Little, 1_000, 0),
            [0xa1, 0xb2, 0xc3, 0xd4] => (Order::Big, 1_000, 0),
            [0x4d, 0x3c, 0xb2, 0xa1] => (Order::Little, 1, 0),
            [0xa1, 0xb2, 0x3c, 0x4d] => (Order::Big, 1, 0),
            [0x34, 0xcd, 0xb2, 0xa1] => (Order::Little, 1_000, 8),
            [0xa1, 0xb2, 0xcd, 0x34] => (Order::Big, 1_000, 8),
            _ => return Ok(None),
        };
        // Version, zone, accuracy, snapshot length, link type. The upper half of the last may hold the length of a frame
        // check sequence.
        let rest: [u8; 20] = source.array()?;
        let [.., a, b, c, d] = rest;
        let link = LinkType::new(order.u32([a, b, c, d]) as u16);
        Ok(Some(Self { order, link, tick_ns, gap_bytes }))
    }

    pub(super) fn next<'a, R: Read>(&self, source: &'a mut Source<R>) -> Result<Option<Frame<'a>>, Fault> {
        let at = source.at;
        if source.fill(FRAME_HEADER_BYTES)? == 0 {
            return Ok(None);
        }
        let header: [u8; FRAME_HEADER_BYTES] = source.array()?;
        let word = |index: usize| {
            let bytes = header.get(index * 4..index * 4 + 4).and_then(|bytes| bytes.try_into().ok());
            self.order.u32(bytes.unwrap_or_default())
        };
        let (seconds, fraction, captured, wire_bytes) = (word(0), word(1), word(2) as usize, word(3));
        if captured > FRAME_BYTES_MAX {
            return Err(Fault::Broken { at, why: "a frame of more than 16 MiB" });
        }
        source.take(self.gap_bytes)?;
        let ts_ns = u64::from(seconds) * 1_000_000_000 + u64::from(fraction) * self.tick_ns;
        Ok(Some(Frame { ts_ns, link: self.link, bytes: source.take(captured)?, wire_bytes }))
    }
}

//! The new format: blocks, in sections (draft-ietf-opsawg-pcapng).
//!
//! Of the blocks those that carry frames are used, and those that say how to read them; others are skipped.

use super::source::{Order, Source};
use super::{FRAME_BYTES_MAX, Fault, Frame, LinkType};
use crate::cursor::{Cursor, Read as Step};
use std::io::Read;

/// Type of the block that starts a section; the same in both orders.
pub(super) const SECTION_HEADER: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
const INTERFACE: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;
const OPTION_RESOLUTION: u16 = 9;
const OPTION_OFFSET: u16 = 14;
/// A section with more interfaces than this is made up.
const INTERFACES_MAX: usize = 65_536;

/// Where in a file, and how its section is to be read.
#[derive(Debug)]
pub(super) struct Pcapng {
    order: Order,
    interfaces: Vec<Interface>,
}

#[derive(Clone, Copy, Debug)]
struct Interface {
    link: LinkType,
    snap_bytes: u32,
    ticks_a_second: u64,
    offset_s: i64,
}

/// Where in a block its frame lies, so that the block is borrowed only once.
struct Found {
    ts_ns: u64,
    link: LinkType,
    from: usize,
    captured: usize,
    wire_bytes: u32,
}

impl Pcapng {
    /// The first block's type is used up.
    pub(super) fn open<R: Read>(source: &mut Source<R>) -> Result<Self, Fault> {
        let mut this = Self { order: Order::Little, interfaces: Vec::new() };
        this.section(source, 0)?;
        Ok(this)
    }

    pub(super) fn next<'a, R: Read>(
        &mut self,
        source: &'a mut Source<R>,
    ) -> Result<Option<Frame<'a>>, Fault> {
        let (found, bytes) = loop {
            let at = source.at;
            if source.fill(8)? == 0 {
                return Ok(None);
            }
            let kind: [u8; 4] = source.array()?;
            if kind == SECTION_HEADER {
                self.section(source, at)?;
                continue;
            }
            let kind = self.order.u32(kind);
            let length = self.length(source, at)?;
            // The type is used up: what is left begins with the length and ends with it again.
            let block = &source.peek(length - 4)?[4..length - 8];
            let broken = |_| Fault::Broken { at, why: "a block ends before it should" };
            let found =
                match kind {
                    INTERFACE => self.interface(block).map(|()| None).map_err(broken)?,
                    ENHANCED_PACKET | OBSOLETE_PACKET | SIMPLE_PACKET => {
                        let found = self.packet(kind, block).map_err(broken)?;
                        Some(found.ok_or(Fault::Broken {
                            at,
                            why: "a frame of an interface that is not described",
                        })?)
                    }
                    _ => None,
                };
            match found {
                Some(found) => break (found, length - 4),
                None => source.take(length - 4)?,
            };
        };
        let block = source.take(bytes)?;
        let bytes = block.get(4 + found.from..4 + found.from + found.captured).unwrap_or_default();
        Ok(Some(Frame { ts_ns: found.ts_ns, link: found.link, bytes, wire_bytes: found.wire_bytes }))
    }

    /// A section begins: byte order and interfaces anew.
    fn section<R: Read>(&mut self, source: &mut Source<R>, at: u64) -> Result<(), Fault> {
        let head = source.peek(8)?;
        self.order = match head[4..8] {
            [0x4d, 0x3c, 0x2b, 0x1a] => Order::Little,
            [0x1a, 0x2b, 0x3c, 0x4d] => Order::Big,
            _ => return Err(Fault::Broken { at, why: "a section without its byte-order mark" }),
        };
        self.interfaces.clear();
        let length = self.length(source, at)?;
        source.take(length - 4).map(|_| ())
    }

    /// Length of the block whose type was just used up.
    fn length<R: Read>(&self, source: &mut Source<R>, at: u64) -> Result<usize, Fault> {
        let mut word = [0; 4];
        word.copy_from_slice(source.peek(4)?);
        let length = self.order.u32(word) as usize;
        if !(12..=FRAME_BYTES_MAX).contains(&length) || !length.is_multiple_of(4) {
            return Err(Fault::Broken { at, why: "a block of an impossible length" });
        }
        Ok(length)
    }

    fn interface(&mut self, block: &[u8]) -> Step<()> {
        let mut cursor = Cursor::new(block);
        let link = LinkType::new(self.order.u16(cursor.array()?));
        cursor.take(2)?;
        let snap_bytes = self.order.u32(cursor.array()?);
        let mut interface = Interface { link, snap_bytes, ticks_a_second: 1_000_000, offset_s: 0 };
        // Options that break off change nothing of what came before.
        while let (Ok(code), Ok(length)) = (cursor.array(), cursor.array()) {
            let (code, length) = (self.order.u16(code), usize::from(self.order.u16(length)));
            let Ok(value) = cursor.take(length) else { break };
            let _ = cursor.take(length.next_multiple_of(4) - length);
            match (code, value) {
                (0, _) => break,
                (OPTION_RESOLUTION, &[exponent]) => interface.ticks_a_second = ticks(exponent),
                (OPTION_OFFSET, value) => {
                    if let Ok(bytes) = <[u8; 8]>::try_from(value) {
                        interface.offset_s = match self.order {
                            Order::Little => i64::from_le_bytes(bytes),
                            Order::Big => i64::from_be_bytes(bytes),
                        };
                    }
                }
                _ => {}
            }
        }
        if self.interfaces.len() < INTERFACES_MAX {
            self.interfaces.push(interface);
        }
        Ok(())
    }

    /// `None`: of no interface that was described.
    fn packet(&self, kind: u32, block: &[u8]) -> Step<Option<Found>> {
        let mut cursor = Cursor::new(block);
        let index = match kind {
            ENHANCED_PACKET => self.order.u32(cursor.array()?) as usize,
            OBSOLETE_PACKET => {
                let index = usize::from(self.order.u16(cursor.array()?));
                cursor.take(2)?;
                index
            }
            _ => 0,
        };
        let Some(interface) = self.interfaces.get(index) else { return Ok(None) };
        let mut ts_ns = 0;
        if kind != SIMPLE_PACKET {
            let (high, low) = (self.order.u32(cursor.array()?), self.order.u32(cursor.array()?));
            ts_ns = interface.nanoseconds(u64::from(high) << 32 | u64::from(low));
        }
        let first = self.order.u32(cursor.array()?);
        let (captured, wire_bytes) = if kind == SIMPLE_PACKET {
            let snap = if interface.snap_bytes == 0 { u32::MAX } else { interface.snap_bytes };
            (first.min(snap) as usize, first)
        } else {
            (first as usize, self.order.u32(cursor.array()?))
        };
        let from = block.len() - cursor.left();
        cursor.take(captured)?;
        Ok(Some(Found { ts_ns, link: interface.link, from, captured, wire_bytes }))
    }
}

impl Interface {
    fn nanoseconds(&self, ticks: u64) -> u64 {
        let ns = u128::from(ticks) * 1_000_000_000 / u128::from(self.ticks_a_second);
        let ns = i128::try_from(ns).unwrap_or(0) + i128::from(self.offset_s) * 1_000_000_000;
        u64::try_from(ns.max(0)).unwrap_or(u64::MAX)
    }
}

/// `if_tsresol`: a power of ten, or of two with the highest bit set.
fn ticks(exponent: u8) -> u64 {
    let power = u32::from(exponent & 0x7f);
    let base: u64 = if exponent & 0x80 == 0 { 10 } else { 2 };
    base.checked_pow(power).unwrap_or(u64::MAX)
}

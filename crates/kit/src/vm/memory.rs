//! What addresses mean.
//!
//! The upper 32 bits of an address name a region, the lower are the offset in it:
//!
//! | upper half | region |
//! | --- | --- |
//! | 0 | nothing: small numbers are no addresses |
//! | 1 to 8 | the stack frames, 512 bytes each; `r10` is the end of the frame |
//! | 9 | the memory or packet that the program is run on |
//! | 10 | the context |
//! | 11 | records reserved in ring buffers |
//! | 16 and up | values of map 0 and up |
//! | `0x4000_0000`, `0x5000_0000` | not memory: maps and functions |

use super::context::{Context, number};
use super::error::Fault;
use super::frame::MAX_FRAMES;
use super::map::Map;
use super::ring::Ring;
use crate::program::MapRef;

/// Bytes of a frame.
pub(super) const FRAME: usize = 512;

pub(super) const PACKET: u32 = 9;
pub(super) const CONTEXT: u32 = 10;
pub(super) const RING: u32 = 11;
const MAPS: u32 = 16;
const MAP_HANDLE: u32 = 0x4000_0000;
const FUNCTION: u32 = 0x5000_0000;

/// The start of a region.
pub(super) const fn base(region: u32) -> u64 {
    (region as u64) << 32
}

/// The end of a frame's stack: its `r10`.
pub(super) const fn frame_end(frame: usize) -> u64 {
    base(frame as u32 + 1) + FRAME as u64
}

/// What stands for a map in a register.
pub(super) const fn map_handle(map: u32) -> u64 {
    base(MAP_HANDLE) + map as u64
}

/// What stands for a function of the program in a register.
pub(super) const fn function(start: u32) -> u64 {
    base(FUNCTION) + start as u64
}

/// The start of a function, of what stands for it.
pub(super) fn function_start(value: u64) -> Result<usize, Fault> {
    match (value >> 32) as u32 {
        FUNCTION => Ok(value as u32 as usize),
        _ => Err(Fault::Argument(value, "function")),
    }
}

/// The address of a byte in the values of a map.
pub(super) const fn map_address(map: u32, offset: u64) -> u64 {
    base(MAPS + map) + offset
}

/// What outlives a run.
#[derive(Debug)]
pub(super) struct Memory {
    stack: Box<[[u8; FRAME]; MAX_FRAMES]>,
    maps: Vec<Map>,
    ring: Ring,
}

impl Memory {
    pub(super) fn new(maps: Vec<Map>) -> Memory {
        Memory { stack: Box::new([[0; FRAME]; MAX_FRAMES]), maps, ring: Ring::default() }
    }

    pub(super) fn map(&self, map: MapRef) -> Option<&Map> {
        self.maps.get(map.0 as usize)
    }

    pub(super) fn map_mut(&mut self, map: MapRef) -> Option<&mut Map> {
        self.maps.get_mut(map.0 as usize)
    }
}

/// What a running program can reach.
#[derive(Debug)]
pub(super) struct Space<'a> {
    pub(super) memory: &'a mut Memory,
    pub(super) packet: &'a mut [u8],
    pub(super) context: Context<'a>,
    /// Frames in use.
    pub(super) frames: usize,
}

impl<'a> Space<'a> {
    pub(super) fn new(memory: &'a mut Memory, packet: &'a mut [u8], context: Context<'a>) -> Space<'a> {
        memory.ring.clear();
        Space { memory, packet, context, frames: 0 }
    }
}

impl Space<'_> {
    /// The bytes at an address, if they lie in one region.
    #[inline]
    pub(super) fn bytes(&self, address: u64, len: usize) -> Option<&[u8]> {
        let (region, offset) = split(address);
        match region {
            PACKET => self.packet.get(offset..offset + len),
            1.. if region as usize <= self.frames => {
                self.memory.stack[(region as usize - 1) % MAX_FRAMES].get(offset..offset + len)
            }
            CONTEXT => self.context.bytes()?.get(offset..offset + len),
            RING => self.memory.ring.bytes(offset, len),
            _ => self.memory.maps.get(region.checked_sub(MAPS)? as usize)?.bytes(offset, len),
        }
    }

    /// The bytes at an address, to be changed.
    #[inline]
    pub(super) fn bytes_mut(&mut self, address: u64, len: usize) -> Option<&mut [u8]> {
        let (region, offset) = split(address);
        match region {
            PACKET => self.packet.get_mut(offset..offset + len),
            1.. if region as usize <= self.frames => {
                self.memory.stack[(region as usize - 1) % MAX_FRAMES].get_mut(offset..offset + len)
            }
            CONTEXT => self.context.bytes_mut()?.get_mut(offset..offset + len),
            RING => self.memory.ring.bytes_mut(offset, len),
            _ => self.memory.maps.get_mut(region.checked_sub(MAPS)? as usize)?.bytes_mut(offset, len),
        }
    }

    /// Loads a number of `N` bytes.
    #[inline]
    pub(super) fn load<const N: usize>(&self, address: u64) -> Result<u64, Fault> {
        match self.bytes(address, N) {
            Some(bytes) => Ok(number(bytes)),
            None => self.load_field(address, N),
        }
    }

    /// Stores a number of `N` bytes.
    #[inline]
    pub(super) fn store<const N: usize>(&mut self, address: u64, value: [u8; N]) -> Result<(), Fault> {
        match self.bytes_mut(address, N) {
            Some(bytes) => {
                bytes.copy_from_slice(&value);
                Ok(())
            }
            None => self.store_field(address, &value),
        }
    }

    /// The bytes at an address that an instruction or helper names, or why there are none.
    pub(super) fn read(&self, address: u64, len: usize) -> Result<&[u8], Fault> {
        self.bytes(address, len).ok_or_else(|| self.fault(address, len))
    }

    /// The same, to be changed.
    pub(super) fn write(&mut self, address: u64, len: usize) -> Result<&mut [u8], Fault> {
        if self.bytes(address, len).is_none() {
            return Err(self.fault(address, len));
        }
        self.bytes_mut(address, len).ok_or(Fault::Nowhere { address, len })
    }

    /// Readies the stack of one more frame and gives its `r10`.
    pub(super) fn push_frame(&mut self, fill: u64) -> Result<u64, Fault> {
        let frame = self.memory.stack.get_mut(self.frames).ok_or(Fault::Depth)?;
        frame.as_chunks_mut::<8>().0.fill(fill.to_ne_bytes());
        self.frames += 1;
        Ok(frame_end(self.frames - 1))
    }

    /// The map that a register holds.
    pub(super) fn map(&mut self, handle: u64) -> Result<(u32, &mut Map), Fault> {
        let (region, index) = split(handle);
        let map = Some(()).filter(|()| region == MAP_HANDLE).and_then(|()| self.memory.maps.get_mut(index));
        map.map(|map| (index as u32, map)).ok_or(Fault::Argument(handle, "map"))
    }

    /// How many maps there are.
    pub(super) fn has_map(&self, index: u32) -> bool {
        (index as usize) < self.memory.maps.len()
    }

    pub(super) fn ring(&mut self) -> &mut Ring {
        &mut self.memory.ring
    }

    #[cold]
    fn load_field(&self, address: u64, len: usize) -> Result<u64, Fault> {
        let (region, offset) = split(address);
        if region != CONTEXT || self.context.bytes().is_some() {
            return Err(self.fault(address, len));
        }
        self.context.field(offset as u32, len, self.packet.len())
    }

    #[cold]
    fn store_field(&mut self, address: u64, value: &[u8]) -> Result<(), Fault> {
        let (region, offset) = split(address);
        if region != CONTEXT || self.context.bytes().is_some() {
            return Err(self.fault(address, value.len()));
        }
        self.context.set_field(offset as u32, value)
    }

    /// Why there is nothing at an address.
    #[cold]
    fn fault(&self, address: u64, len: usize) -> Fault {
        let (region, offset) = split(address);
        let (name, size) = match region {
            1..=8 if region as usize <= self.frames => ("the stack frame", FRAME),
            PACKET => (self.context.packet_name(), self.packet.len()),
            CONTEXT => ("the context", self.context.bytes().map_or(0, <[u8]>::len)),
            RING => ("the reserved records", self.memory.ring.len()),
            MAPS.. if self.has_map(region - MAPS) => {
                let map = &self.memory.maps[(region - MAPS) as usize];
                return map.fault(offset as u32, len);
            }
            _ => return Fault::Nowhere { address, len },
        };
        Fault::Bounds { region: name, offset: offset as u32, len, size }
    }
}

/// Region and offset. The offset fits 32 bits, so adding a length to it cannot overflow.
const fn split(address: u64) -> (u32, usize) {
    ((address >> 32) as u32, address as u32 as usize)
}

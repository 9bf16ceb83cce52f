//! Maps: values in one run of bytes, found by index or by key.
//!
//! One CPU: a per-CPU map is like its plain kind. An LRU map that is full gives up the value that was written the
//! longest ago (the kernel's choice is an approximation of the least used). Programs get addresses of values; to each
//! value belongs a power of two of addresses, so that stepping over the end of one does not reach the next.

use super::error::{Fault, VmError};
use super::trie;
use crate::program::{MMAPABLE, MapSpec, MapType};
use std::collections::{HashMap, VecDeque};

/// Bytes that the values of one map may take.
const MAX_BYTES: u64 = 1 << 30;

const E2BIG: i64 = -7;
const ENOENT: i64 = -2;
const EEXIST: i64 = -17;
const EINVAL: i64 = -22;
const BPF_NOEXIST: u64 = 1;
const BPF_EXIST: u64 = 2;

/// A map of a [`Vm`](super::Vm).
#[derive(Clone, Debug)]
pub struct Map {
    kind: MapType,
    key_size: usize,
    value_size: usize,
    max_entries: u32,
    /// Addresses of a value, as a power of two.
    shift: u32,
    /// Values one after the other.
    values: Vec<u8>,
    /// Slot of each key; empty for arrays.
    slots: HashMap<Box<[u8]>, u32>,
    /// Keys in the order of writing, for LRU maps.
    order: VecDeque<Box<[u8]>>,
    /// Slots given up.
    free: Vec<u32>,
    /// Records of a ring buffer that nobody has taken, and their size in the ring.
    records: Vec<Vec<u8>>,
    ring_bytes: u64,
}

impl Map {
    pub(super) fn new(spec: &MapSpec) -> Result<Map, VmError> {
        let wrong = |cause: String| VmError::setup(format!("map `{}`: {cause}", spec.name));
        let value_size = spec.value_size as usize;
        let shift = value_size.max(1).next_power_of_two().trailing_zeros();
        let bytes = u64::from(spec.value_size) * u64::from(spec.max_entries);
        let array = matches!(
            spec.map_type,
            MapType::Array | MapType::PercpuArray | MapType::ProgArray | MapType::ArrayOfMaps
        );
        if spec.map_type == MapType::LpmTrie && spec.key_size <= 4 {
            return Err(wrong("the key of a trie is a length of 4 bytes and then a prefix".to_owned()));
        }
        if array && spec.key_size != 4 {
            return Err(wrong(format!("the key of an array has 4 bytes, not {}", spec.key_size)));
        }
        let is_too_much = bytes > MAX_BYTES || u64::from(spec.max_entries) << shift > 1 << 32;
        if u64::from(spec.value_size) > MAX_BYTES || spec.map_type != MapType::RingBuf && is_too_much {
            return Err(wrong(format!(
                "{} values of {} bytes are too much for the machine",
                spec.max_entries, spec.value_size
            )));
        }
        let mut map = Map {
            kind: spec.map_type,
            key_size: spec.key_size as usize,
            value_size,
            max_entries: spec.max_entries,
            shift,
            values: Vec::new(),
            slots: HashMap::new(),
            order: VecDeque::new(),
            free: Vec::new(),
            records: Vec::new(),
            ring_bytes: 0,
        };
        if array {
            // Slots of program arrays that hold nothing.
            let fill = if spec.map_type == MapType::ProgArray { 0xff } else { 0 };
            map.values = vec![fill; bytes as usize];
        }
        for (key, value) in &spec.entries {
            match value.len() {
                short if short < value_size && spec.flags & MMAPABLE != 0 => {
                    map.set(key, &[&value[..], &vec![0; value_size - short]].concat())?;
                }
                _ => map.set(key, value)?,
            }
        }
        Ok(map)
    }

    /// What kind it is.
    pub fn kind(&self) -> MapType {
        self.kind
    }

    /// The value of a key. In a trie, the one with the longest prefix.
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        let slot = self.find(key)? as usize;
        self.values.get(slot * self.value_size..(slot + 1) * self.value_size)
    }

    /// Writes the value of a key.
    ///
    /// # Errors
    /// Key or value have the wrong size, or there is no room.
    pub fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), VmError> {
        if key.len() != self.key_size || value.len() != self.value_size {
            let (key, value) = (key.len(), value.len());
            return Err(VmError::setup(format!(
                "key and value of {key} and {value} bytes do not fit the map"
            )));
        }
        match self.update(key, value, 0) {
            0 => Ok(()),
            _ => Err(VmError::setup("the map is full, or is no map of keys and values".to_owned())),
        }
    }

    /// Removes a key; whether it was there.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        self.delete(key) == 0
    }

    /// The keys that it has; of an array, all its indexes.
    pub fn keys(&self) -> Vec<Vec<u8>> {
        if self.is_array() {
            return (0..self.max_entries).map(|index| index.to_ne_bytes().to_vec()).collect();
        }
        let mut keys: Vec<Vec<u8>> = self.slots.keys().map(|key| key.to_vec()).collect();
        keys.sort();
        keys
    }

    /// Takes the records of a ring buffer, in the order of submission, which makes room for others.
    pub fn take_records(&mut self) -> Vec<Vec<u8>> {
        self.ring_bytes = 0;
        std::mem::take(&mut self.records)
    }

    /// Bytes of a key, as programs pass them.
    pub(super) fn key_size(&self) -> usize {
        self.key_size
    }

    pub(super) fn value_size(&self) -> usize {
        self.value_size
    }

    /// Where the value of a key starts, among the addresses of the map.
    pub(super) fn lookup(&self, key: &[u8]) -> Option<u64> {
        self.find(key).map(|slot| u64::from(slot) << self.shift)
    }

    /// The helper's answer.
    pub(super) fn update(&mut self, key: &[u8], value: &[u8], flags: u64) -> i64 {
        if flags > BPF_EXIST || self.kind == MapType::RingBuf {
            return EINVAL;
        }
        let found = if self.is_array() { self.find(key) } else { self.slots.get(key).copied() };
        match (found, self.is_array()) {
            (None, true) => return E2BIG,
            (Some(_), _) if flags == BPF_NOEXIST => return EEXIST,
            (None, false) if flags == BPF_EXIST => return ENOENT,
            _ => {}
        }
        let Some(slot) = found.or_else(|| self.new_slot(key)) else { return E2BIG };
        if self.kind == MapType::LruHash {
            self.order.retain(|known| **known != *key);
            self.order.push_back(key.into());
        }
        let start = slot as usize * self.value_size;
        self.values[start..start + self.value_size].copy_from_slice(value);
        0
    }

    /// The helper's answer.
    pub(super) fn delete(&mut self, key: &[u8]) -> i64 {
        if self.is_array() || self.kind == MapType::RingBuf {
            return EINVAL;
        }
        let Some(slot) = self.slots.remove(key) else { return ENOENT };
        self.free.push(slot);
        self.order.retain(|known| **known != *key);
        0
    }

    /// The program at an index of a program array.
    pub(super) fn program(&self, index: u32) -> Option<usize> {
        let number = u32::from_ne_bytes(self.get(&index.to_ne_bytes())?.try_into().ok()?);
        (number != u32::MAX).then_some(number as usize)
    }

    /// Whether a record of this many bytes has room; counts it.
    pub(super) fn reserve_record(&mut self, len: usize) -> bool {
        // A header of eight bytes, and the next record starts at a multiple of eight.
        let bytes = (len as u64 + 8).next_multiple_of(8);
        let fits = self.ring_bytes + bytes < u64::from(self.max_entries);
        self.ring_bytes += if fits { bytes } else { 0 };
        fits
    }

    pub(super) fn push_record(&mut self, record: Vec<u8>) {
        self.records.push(record);
    }

    /// Bytes of a ring buffer, and those of them that are taken.
    pub(super) fn ring_size(&self) -> (u64, u64) {
        (self.max_entries.into(), self.ring_bytes)
    }

    /// Bytes at an offset among the addresses of the map, within one value.
    #[inline]
    pub(super) fn bytes(&self, offset: usize, len: usize) -> Option<&[u8]> {
        let start = self.place(offset, len)?;
        self.values.get(start..start + len)
    }

    /// The same, to be changed.
    #[inline]
    pub(super) fn bytes_mut(&mut self, offset: usize, len: usize) -> Option<&mut [u8]> {
        let start = self.place(offset, len)?;
        self.values.get_mut(start..start + len)
    }

    #[inline]
    fn place(&self, offset: usize, len: usize) -> Option<usize> {
        let (slot, within) = (offset >> self.shift, offset & ((1 << self.shift) - 1));
        (within + len <= self.value_size).then_some(slot * self.value_size + within)
    }

    /// Why there is nothing at this offset.
    pub(super) fn fault(&self, offset: u32, len: usize) -> Fault {
        let within = offset & ((1 << self.shift) - 1);
        Fault::Bounds { region: "a value of a map", offset: within, len, size: self.value_size }
    }

    fn is_array(&self) -> bool {
        matches!(self.kind, MapType::Array | MapType::PercpuArray | MapType::ProgArray | MapType::ArrayOfMaps)
    }

    fn find(&self, key: &[u8]) -> Option<u32> {
        match self.kind {
            MapType::LpmTrie => trie::longest(self.slots.iter(), key),
            _ if self.is_array() => {
                let index = u32::from_ne_bytes(key.try_into().ok()?);
                (index < self.max_entries).then_some(index)
            }
            _ => self.slots.get(key).copied(),
        }
    }

    /// A place for a new key.
    fn new_slot(&mut self, key: &[u8]) -> Option<u32> {
        if self.slots.len() >= self.max_entries as usize {
            let oldest = (self.kind == MapType::LruHash).then(|| self.order.pop_front()).flatten()?;
            self.delete(&oldest);
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            let slot = self.slots.len() as u32;
            self.values.resize((slot as usize + 1) * self.value_size, 0);
            slot
        });
        self.slots.insert(key.into(), slot);
        Some(slot)
    }
}

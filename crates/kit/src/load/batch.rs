//! Many elements of a map in one system call, or one by one where the kernel has no such command for it.

use super::{Map, UseError};
use crate::sys::{self, Batch, BatchAttr};
use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// The kernel's own "not supported", not in any libc: a type of map without batch commands.
const ENOTSUPP: i32 = 524;
/// Elements read by one command, at first.
const CHUNK: usize = 1024;
/// Bytes that a cursor of the kernel's may have beside the size of a key.
const CURSOR_BYTES: usize = 8;

/// A key and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

impl Map {
    /// Inserts or replaces many elements.
    ///
    /// # Errors
    /// As [`Map::update`]; those before the one that failed are in.
    pub fn update_all<B: AsRef<[u8]>>(&self, entries: &[(B, B)]) -> Result<(), UseError> {
        let mut done = 0;
        if entries.len() > 1 && !self.is_per_cpu() {
            done = self.update_batch(entries)?;
        }
        entries[done..].iter().try_for_each(|(key, value)| self.update(key.as_ref(), value.as_ref()))
    }

    /// Inserts by one command; how many are in. Fewer than all when the kernel has none for this map.
    fn update_batch<B: AsRef<[u8]>>(&self, entries: &[(B, B)]) -> Result<usize, UseError> {
        const ACT: &str = "fill";
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        for (key, value) in entries {
            self.check(ACT, key.as_ref(), value.as_ref().len(), false)?;
            keys.extend_from_slice(key.as_ref());
            values.extend_from_slice(value.as_ref());
        }
        let mut attr = self.batch(&mut keys, &mut values, entries.len());
        // SAFETY: there are `count` keys and values of the map's sizes; an update has no cursor.
        match unsafe { sys::map_batch(Batch::Update, &mut attr) } {
            Ok(()) => Ok(entries.len()),
            Err(err) if is_missing(&err) => Ok(0),
            Err(err) => Err(UseError::new(ACT, self.told(), err)),
        }
    }

    /// All keys with their values. While others insert and delete, some may come twice or not at all.
    ///
    /// # Errors
    /// The errno of the commands; a per-CPU map has no one value a key.
    pub fn entries(&self) -> Result<Vec<Entry>, UseError> {
        if let Some(found) = self.lookup_batch()? {
            return Ok(found);
        }
        let mut found = Vec::new();
        for key in self.keys() {
            let key = key?;
            if let Some(value) = self.lookup(&key)? {
                found.push((key, value));
            }
        }
        Ok(found)
    }

    /// All elements by batch commands; `None` when the kernel has none for this map.
    fn lookup_batch(&self) -> Result<Option<Vec<Entry>>, UseError> {
        const ACT: &str = "read all of";
        if self.is_per_cpu() || self.key_size() == 0 || self.value_size() == 0 {
            return Err(UseError::invalid(ACT, self.told(), "it is per CPU, or has no keys and values"));
        }
        let mut room = CHUNK.min(self.max_entries() as usize).max(1);
        let mut found = Vec::new();
        let mut cursors =
            [vec![0u8; self.key_size() + CURSOR_BYTES], vec![0u8; self.key_size() + CURSOR_BYTES]];
        let mut is_first = true;
        loop {
            let mut keys = vec![0; self.key_size() * room];
            let mut values = vec![0; self.value_size() * room];
            let mut attr = self.batch(&mut keys, &mut values, room);
            attr.in_batch = if is_first { 0 } else { cursors[0].as_ptr() as u64 };
            attr.out_batch = cursors[1].as_mut_ptr() as u64;
            // SAFETY: there is room for `count` keys and values of the map's sizes, and for two cursors.
            let outcome = unsafe { sys::map_batch(Batch::Lookup, &mut attr) };
            let code = outcome.as_ref().err().and_then(io::Error::raw_os_error);
            match (outcome, code) {
                // One bucket of a hash map has more than there is room for.
                (Err(_), Some(libc::ENOSPC)) if room < self.max_entries() as usize => {
                    room = (room * 4).min(self.max_entries() as usize);
                    continue;
                }
                (Err(err), _) if is_first && is_missing(&err) => return Ok(None),
                (Err(err), code) if code != Some(libc::ENOENT) => {
                    return Err(UseError::new(ACT, self.told(), err));
                }
                _ => {}
            }
            let pairs = keys.chunks(self.key_size()).zip(values.chunks(self.value_size()));
            found.extend(pairs.take(attr.count as usize).map(|(key, value)| (key.to_vec(), value.to_vec())));
            if code == Some(libc::ENOENT) {
                return Ok(Some(found));
            }
            cursors.swap(0, 1);
            is_first = false;
        }
    }

    fn batch(&self, keys: &mut [u8], values: &mut [u8], count: usize) -> BatchAttr {
        BatchAttr {
            in_batch: 0,
            out_batch: 0,
            keys: keys.as_mut_ptr() as u64,
            values: values.as_mut_ptr() as u64,
            count: count as u32,
            map_fd: self.as_fd().as_raw_fd().cast_unsigned(),
            elem_flags: 0,
            flags: 0,
        }
    }
}

/// Whether this says that there is no such command, for this map or at all.
fn is_missing(err: &io::Error) -> bool {
    matches!(err.raw_os_error(), Some(ENOTSUPP | libc::EOPNOTSUPP | libc::EINVAL))
}

//! Arrays of 64-bit words that lie in the memory of this process and of the kernel's programs at once (`BPF_F_MMAPABLE`, from 5.5).

use super::{LoadError, Object};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};
use std::ffi::c_void;
use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

/// The words of an array map. Programs may run meanwhile: each word is written in one piece, several are not.
#[derive(Debug)]
pub struct Words {
    start: NonNull<c_void>,
    len: usize,
}

// SAFETY: the mapping belongs to the process, not to a thread, and its words are atomic.
unsafe impl Send for Words {}

impl Words {
    /// Number of words.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Writes words from the first on; those behind the last one of the array are left out.
    pub fn write(&self, first: usize, words: &[u64]) {
        let places = self.words().get(first..).unwrap_or_default();
        for (place, word) in places.iter().zip(words) {
            place.store(*word, Ordering::Relaxed);
        }
    }

    /// Writes one word, after all that was written before. Outside the array nothing happens.
    pub fn publish(&self, index: usize, word: u64) {
        if let Some(place) = self.words().get(index) {
            place.store(word, Ordering::Release);
        }
    }

    /// One word; `None` outside the array.
    pub fn get(&self, index: usize) -> Option<u64> {
        self.words().get(index).map(|place| place.load(Ordering::Relaxed))
    }

    fn words(&self) -> &[AtomicU64] {
        // SAFETY: the mapping has `len` words, is aligned to pages and lives as long as this; the kernel's programs read and
        // write it concurrently, which atomics allow.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr().cast::<AtomicU64>(), self.len) }
    }
}

impl Drop for Words {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, with this length, and no slice of it outlives this. It cannot fail for a whole mapping.
        let _ = unsafe { munmap(self.start, self.len * size_of::<u64>()) };
    }
}

impl Object {
    /// The memory of the array `name`, whose values have eight bytes.
    ///
    /// # Errors
    /// When it is no such array, was not made to be mapped, or there is no memory.
    pub fn words(&self, name: &str) -> Result<Words, LoadError> {
        let map = self.map(name)?;
        let len = map.max_entries() as usize;
        let bytes = NonZeroUsize::new(len * size_of::<u64>());
        let (Some(bytes), true) = (bytes, map.is_mapped() && map.value_size() == size_of::<u64>()) else {
            return Err(LoadError::new(
                "map into memory",
                name,
                "it is no array of words that can be mapped",
            ));
        };
        // SAFETY: a new mapping, at an address of the kernel's choice, takes nothing from anybody.
        let start = unsafe {
            mmap(None, bytes, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_SHARED, &map, 0)
        };
        let start = start.map_err(|error| LoadError::new("map into memory", name, error))?;
        Ok(Words { start, len })
    }
}
